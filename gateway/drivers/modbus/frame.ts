/** What the two framings of Modbus have in common: an open question, and what comes of it. */

/** A question on the wire. The object itself is its name. */
export interface Asked {
  readonly unit: number;
  /** Function code of the request, 1 to 4. */
  readonly code: number;
  /** Bytes of data in a right answer; `undefined` where only the device knows. */
  readonly bytes: number | undefined;
}

export interface FramingEvents {
  /** The answer to an open question: `body` is unit, function code and data. */
  readonly onAnswer: (asked: Asked, body: Buffer) => void;
  /** A sign of life that may answer the open question or an earlier one: it says no value. */
  readonly onDoubtful: (asked: Asked) => void;
  /** The answer to the open question, it seems, with a wrong checksum. */
  readonly onDamaged: (asked: Asked) => void;
  /** A whole frame that answers no open question: late, doubled or never asked for. */
  readonly onForeign: () => void;
  /** Bytes that are no frame, or that contradict themselves, counted once a run. */
  readonly onCorrupt: () => void;
  /** What comes on this wire can no longer be told apart: nothing of it may be believed. */
  readonly onBroken: (reason: string) => void;
}

/** How frames are made of requests, and answers found in what comes. */
export interface Framing {
  /** Opens a question; `request` is an RTU frame of 8 bytes. The bytes to send. */
  ask(asked: Asked, request: Buffer): Buffer;
  /** The question is no longer open, and its answer may still come. */
  giveUp(asked: Asked): void;
  /** Takes what came, however it is cut. */
  take(chunk: Buffer): void;
  /** Whether no further question can be asked on this connection. */
  readonly isUsedUp: boolean;
}

/** A request as an RTU frame: unit, function code, address, quantity, checksum. */
export const REQUEST_BYTES = 8;
/** Unit, function code and one byte more: an exception. */
export const EXCEPTION_BYTES = 3;

/** What is wrong with `body` (unit, function code, data) as an answer to the question. */
export function mistakeIn(body: Buffer, asked: Asked): string | undefined {
  const [unit, code, count = 0] = body;
  if (unit !== asked.unit) return 'an answer from another unit';
  if (code === (asked.code | 0x80)) {
    return body.length === EXCEPTION_BYTES ? undefined : 'an exception of the wrong length';
  }
  if (code !== asked.code) return 'an answer to another function';
  if (body.length !== EXCEPTION_BYTES + count) return 'a byte count that is not true';
  if (asked.bytes !== undefined && asked.bytes !== count) return 'an answer of the wrong length';
  return undefined;
}
