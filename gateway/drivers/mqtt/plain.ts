/** Payloads without members: one plain text or number a topic, or bytes at fixed offsets. */
import type { PlaceEncoding } from '../../../devices/profile.ts';
import { type Encoding, numberBytes } from '../../../devices/reading.ts';

/** Bytes of a payload; without a length, to its end. */
export interface Span {
  readonly offset: number;
  readonly length?: number;
}

/** A value's own bytes and how they are to be read. */
export interface Plain {
  readonly bytes: Uint8Array;
  readonly encoding: Encoding;
}

const SPAN = /^(\d{1,5})(?::(\d{1,5}))?$/;

export function mistakeOfSpan(path: string, encoding: PlaceEncoding | undefined) {
  if (encoding === undefined) return 'a binary value needs an encoding';
  if (encoding.type === 'json' || encoding.type === 'cbor') {
    return `${encoding.type} is a format of payloads, not of bytes in them`;
  }
  if (path !== '' && !SPAN.test(path)) {
    return 'write the offset of its first byte, or offset:length, or nothing for all bytes';
  }
  return undefined;
}

/** The bytes that a path names; a number's length follows from its type. */
export function spanOf(path: string, encoding: PlaceEncoding | undefined): Span {
  const [, offset, length] = SPAN.exec(path) ?? [];
  if (offset === undefined) return { offset: 0 };
  if (length !== undefined) return { offset: Number(offset), length: Number(length) };
  const size = encoding && lengthOf(encoding);
  return { offset: Number(offset), ...(size !== undefined && { length: size }) };
}

function lengthOf({ type }: PlaceEncoding): number | undefined {
  return type === 'bool' ? 1 : numberBytes[type];
}

/** The bytes of a span, or `undefined` where the payload is shorter. */
export function readSpan(
  payload: Uint8Array,
  { offset, length = payload.length - offset }: Span,
  encoding: PlaceEncoding | undefined,
): Plain | undefined {
  if (encoding === undefined || length <= 0 || offset + length > payload.length) return undefined;
  const bytes = payload.subarray(offset, offset + length);
  return { bytes, encoding: { order: 'ABCD', ...encoding } };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A number as JSON writes it (RFC 8259 §6), or a truth value: one meaning everywhere. */
const NUMBER = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false)$/;

/**
 * The payload as one text or number. `21,5`, `.5`, `+3`, `0x1F` and blanks around a number are
 * refused: some reader somewhere takes each of them for something else.
 */
export function readText(payload: Uint8Array, isText: boolean): Plain | undefined {
  let text: string;
  try {
    text = utf8.decode(payload);
  } catch {
    return undefined;
  }
  if (text === '') return undefined;
  if (isText) return { bytes: payload, encoding: { type: 'string', order: 'ABCD' } };
  if (!NUMBER.test(text)) return undefined;
  return { bytes: payload, encoding: { type: 'json', order: 'ABCD' } };
}
