/**
 * Raw words to a value: exactly what the bytes say, or `undefined` where they say nothing that
 * this encoding knows. No scaling, no judgement (measure.ts does both).
 */
import type { ByteOrder, Encoding, RawType, Value } from '../devices/reading.ts';

/** Bytes that a number of each type has on the wire. */
const NUMBER_BYTES: Readonly<Partial<Record<RawType, number>>> = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
  float64: 8,
};

// One number is decoded at a time, so one scratch area serves all and nothing is allocated.
const scratch = new Uint8Array(8);
const view = new DataView(scratch.buffer);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The value of `rawHex` (lower-case hex of the bytes as they came). Floats may come out as NaN or
 * infinite; an integer beyond 2^53 − 1 either way is a `bigint`, since JSON readers may round it
 * (RFC 7493 §2.2). `undefined`: the length does not fit the type, or the text is not valid.
 */
export function decode(rawHex: string, encoding: Encoding): Value | undefined {
  const { type } = encoding;
  if (type === 'bool') return decodeBool(rawHex);
  if (type === 'string') return decodeString(rawHex, encoding.order);
  if (type === 'json') return decodeJson(rawHex);
  if (!loadNumber(rawHex, type, encoding.order)) return undefined;
  return readNumber(type);
}

/** The integer as a number where every JSON reader holds it exactly, else as a bigint. */
export function exactInteger(value: bigint): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

function readNumber(type: RawType): number | bigint | undefined {
  switch (type) {
    case 'int8':
      return view.getInt8(0);
    case 'uint8':
      return view.getUint8(0);
    case 'int16':
      return view.getInt16(0);
    case 'uint16':
      return view.getUint16(0);
    case 'int32':
      return view.getInt32(0);
    case 'uint32':
      return view.getUint32(0);
    case 'int64':
      return exactInteger(view.getBigInt64(0));
    case 'uint64':
      return exactInteger(view.getBigUint64(0));
    // Adding zero turns −0, which JSON does not keep, into 0; the raw words still show it.
    case 'float32':
      return view.getFloat32(0) + 0;
    case 'float64':
      return view.getFloat64(0) + 0;
    default:
      return undefined;
  }
}

/** Puts the number's bytes into `scratch`, most significant first. */
function loadNumber(rawHex: string, type: RawType, order: ByteOrder): boolean {
  const size = NUMBER_BYTES[type];
  if (size === undefined) return false;
  const length = rawHex.length >> 1;
  // An 8-bit value may come in a 16-bit register: its low-order byte counts.
  const inRegister = size === 1 && length === 2;
  if ((length !== size && !inRegister) || rawHex.length % 2 !== 0) return false;
  const flip = flipOf(order, length);
  for (let index = 0; index < length; index += 1) {
    const high = nibble(rawHex.charCodeAt(2 * index));
    const low = nibble(rawHex.charCodeAt(2 * index + 1));
    if (high < 0 || low < 0) return false;
    scratch[index ^ flip] = (high << 4) | low;
  }
  if (inRegister) scratch[0] = scratch[1] as number;
  return true;
}

/**
 * Where the byte at wire position `p` belongs is `p ^ flip`. Bit 0 of the flip swaps the bytes of
 * each word, bit 1 the words of each half of eight bytes, bit 2 the halves: every order that a
 * device of 16-bit words can have is one of these eight.
 */
const FLIP: Readonly<Record<ByteOrder, number>> = {
  ABCD: 0,
  BADC: 1,
  CDAB: 6,
  DCBA: 7,
  ABCDEFGH: 0,
  BADCFEHG: 1,
  CDABGHEF: 2,
  DCBAHGFE: 3,
  EFGHABCD: 4,
  FEHGBADC: 5,
  GHEFCDAB: 6,
  HGFEDCBA: 7,
};

function flipOf(order: ByteOrder, length: number): number {
  return length < 2 ? 0 : FLIP[order] & (length - 1);
}

function nibble(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  return -1;
}

/** A coil is one byte; a truth value in a register is true when any bit is set. */
function decodeBool(rawHex: string): boolean | undefined {
  if (!/^(?:[0-9a-f]{2}){1,2}$/.test(rawHex)) return undefined;
  return /[^0]/.test(rawHex);
}

/** Text up to the first NUL, without the blanks that pad it to the width of its registers. */
function decodeString(rawHex: string, order: ByteOrder): string | undefined {
  const bytes = bytesOf(rawHex);
  if (bytes === undefined) return undefined;
  const swapped = order === 'BADC' || order === 'DCBA';
  if (swapped && bytes.length % 2 !== 0) return undefined;
  if (swapped) bytes.swap16();
  const end = bytes.indexOf(0);
  return textOf(end < 0 ? bytes : bytes.subarray(0, end))?.trimEnd();
}

/** One JSON value: a number, a text or a truth value; anything else says nothing. */
function decodeJson(rawHex: string): Value | undefined {
  const bytes = bytesOf(rawHex);
  const text = bytes && textOf(bytes);
  if (text === undefined) return undefined;
  if (/^-?\d{16,}$/.test(text)) return decodeLongInteger(text);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'number') return value + 0;
    if (typeof value === 'boolean') return value;
    // A lone surrogate has no UTF-8 form, and a credential that carries one would be refused.
    if (typeof value === 'string') return /\p{Surrogate}/u.test(value) ? undefined : value;
    return undefined;
  } catch {
    return undefined;
  }
}

/** An integer that a double might round. JSON knows no leading zeros (RFC 8259 §6). */
function decodeLongInteger(text: string): number | bigint | undefined {
  return /^-?0/.test(text) ? undefined : exactInteger(BigInt(text));
}

function bytesOf(rawHex: string): Buffer | undefined {
  if (!/^(?:[0-9a-f]{2})*$/.test(rawHex)) return undefined;
  return Buffer.from(rawHex, 'hex');
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
