/** A question to a device on a line, and what may come of it. */
import type { LossCause } from '../../../devices/reading.ts';
import type { ReadRequest } from './client.ts';
import { type Asked, EXCEPTION_BYTES } from './frame.ts';
import { answerBytes } from './plan.ts';
import type { FrameCounts } from './port.ts';
import type { Seat } from './slack.ts';

export interface Question {
  readonly unitId: number;
  readonly block: ReadRequest;
  /** The answer has any number of bytes, as the records of an archive do. */
  readonly anyLength?: boolean;
  /** For connecting, and again for the answer; waiting for one's turn does not count. */
  readonly timeoutMs: number;
  /** How often it is asked again when no right answer comes. Default 0. */
  readonly retries?: number;
  /** The device that asks, so that a silent one costs the others no cycle (`join`). */
  readonly seat?: Seat;
  readonly signal: AbortSignal;
}

export type Answer = Data | Exception | Missing;

/** The bytes of the registers (or bits), `answerBytes(block)` of them. */
export interface Data {
  readonly kind: 'data';
  readonly data: Buffer;
}

/** The device answered that it will not; `code` as in Application Protocol V1.1b3 §7. */
export interface Exception {
  readonly kind: 'exception';
  readonly code: number;
}

/** Nothing that can be relied on came. */
export interface Missing {
  readonly kind: 'missing';
  readonly cause: LossCause;
  /** The device's side had accepted the connection. */
  readonly reached: boolean;
  readonly detail: string;
}

export interface LinkCounts extends FrameCounts {
  requests: number;
  timeouts: number;
  /** Questions that were asked again. */
  retries: number;
  /** Answers that were refusals. */
  exceptions: number;
  connects: number;
  /** Connections to another address than the first. */
  backupUses: number;
  /** Requests of another shape, asked to know that no late answer is under way. */
  orderRequests: number;
}

/** Nothing counted yet. */
export function newCounts(): LinkCounts {
  return {
    requests: 0,
    timeouts: 0,
    retries: 0,
    exceptions: 0,
    connects: 0,
    backupUses: 0,
    foreignFrames: 0,
    corruptFrames: 0,
    orderRequests: 0,
  };
}

/** The shape of the question on the wire. */
export function askedOf({ anyLength, block, unitId }: Question): Asked {
  const bytes = anyLength === true ? undefined : answerBytes(block);
  return { unit: unitId, code: block.code, bytes };
}

/** Gateway path unavailable; gateway target device failed to respond (V1.1b3 §7). */
export function isUnreachable(answer: Answer | 'alive'): boolean {
  return answer !== 'alive' && answer.kind === 'exception' && [10, 11].includes(answer.code);
}

/** What the answer to a question says: unit, function code, its data or an exception. */
export function toAnswer(body: Buffer): Answer {
  const [, code = 0, third = 0] = body;
  // The high bit of the function code says that it is an exception (V1.1b3 §7).
  if ((code & 0x80) !== 0) return { kind: 'exception', code: third };
  return { kind: 'data', data: body.subarray(EXCEPTION_BYTES) };
}

/** Nothing came; `reached` says whether the device's side had accepted the connection. */
export function missing(cause: LossCause, reached: boolean, detail: string): Missing {
  return { kind: 'missing', cause, reached, detail };
}
