/**
 * Raw words to a value: exactly what the bytes say, or `undefined` where they say nothing that
 * this encoding knows. No scaling, no judgement (measure.ts does both).
 */
import {
  type ByteOrder,
  type Encoding,
  numberBytes,
  type RawType,
  type Value,
} from '../devices/reading.ts';
import { readCbor, valueOfCbor } from './cbor.ts';

/** Four registers: the longest value whose bytes have an order. */
const BYTES_MAX = 8;

// One value is decoded at a time, so one scratch area serves all and nothing is allocated.
const scratch = new Uint8Array(BYTES_MAX);
const view = new DataView(scratch.buffer);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The value of `rawHex` (lower-case hex of the bytes as they came). Floats may come out as NaN or
 * infinite; an integer beyond 2^53 − 1 either way is a `bigint`, since JSON readers may round it
 * (RFC 7493 §2.2). `undefined`: the length does not fit the type, or the text is not valid.
 */
export function decode(rawHex: string, encoding: Encoding): Value | undefined {
  const { type } = encoding;
  if (type === 'bool') return decodeBool(rawHex, encoding);
  if (type === 'string') return decodeString(rawHex, encoding.order);
  if (type === 'json') return decodeJson(rawHex);
  if (type === 'cbor') return decodeCbor(rawHex);
  if (type === 'bcd') return decodeBcd(rawHex, encoding.order);
  if (!loadNumber(rawHex, encoding)) return undefined;
  return readNumber(type);
}

/** The integer as a number where every JSON reader holds it exactly, else as a bigint. */
export function exactInteger(value: bigint): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

/**
 * The value's bytes put in order, most significant first, in lower-case hex; `undefined` where
 * the type has no order or the bytes do not fit it.
 */
export function bitsOf(rawHex: string, encoding: Encoding): string | undefined {
  const bytes = encoding.type === 'bcd' ? rawHex.length >> 1 : numberBytes[encoding.type];
  if (bytes === undefined) return undefined;
  const fits =
    encoding.type === 'bcd' ? load(rawHex, encoding.order) > 0 : loadNumber(rawHex, encoding);
  return fits ? Buffer.from(scratch.buffer, 0, bytes).toString('hex') : undefined;
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
    case 'float16':
      return halfOf(view.getUint16(0)) + 0;
    case 'float32':
      return view.getFloat32(0) + 0;
    case 'float64':
      return view.getFloat64(0) + 0;
    default:
      return undefined;
  }
}

/** binary16 of IEEE 754-2019 §3.4: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (0x400 + fraction) * 2 ** (exponent - 25);
}

/** Puts the number's bytes into `scratch`, most significant first. */
function loadNumber(rawHex: string, { type, order, byte }: Encoding): boolean {
  const size = numberBytes[type];
  if (size === undefined) return false;
  const length = load(rawHex, order);
  if (length === size) return true;
  // An 8-bit value may come in a 16-bit register: its low-order byte counts, or what is stated.
  if (size !== 1 || length !== 2) return false;
  if (byte !== 'high') scratch[0] = scratch[1] as number;
  return true;
}

/**
 * Puts up to `BYTES_MAX` bytes into `scratch`, most significant first. Their number; 0 where the
 * text is no hex, too long, or of a length that the order does not know.
 */
function load(rawHex: string, order: ByteOrder): number {
  const length = rawHex.length >> 1;
  if (length > BYTES_MAX || rawHex.length % 2 !== 0) return 0;
  const flip = FLIP[order];
  const isPower = (length & (length - 1)) === 0;
  // Six bytes (BCD in three registers) are no power of two: their words stand in order or reversed.
  if (!isPower && (length !== 6 || (flip & 6) % 6 !== 0)) return 0;
  const isReversed = !isPower && flip > 1;
  const mask = isPower ? flip & (length - 1) : flip & 1;
  for (let index = 0; index < length; index += 1) {
    const high = nibble(rawHex.charCodeAt(2 * index));
    const low = nibble(rawHex.charCodeAt(2 * index + 1));
    if (high < 0 || low < 0) return 0;
    const at = isReversed ? 4 - (index & 6) + (index & 1) : index;
    scratch[at ^ mask] = (high << 4) | low;
  }
  return length;
}

/**
 * Where the byte at wire position `p` belongs is `p ^ flip`. Bit 0 of the flip swaps the bytes of
 * each word, bit 1 the words of each half of eight bytes, bit 2 the halves: every order that a
 * device of 16-bit words can have is one of these eight. A shorter value takes the bits that it
 * has.
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

function nibble(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  return -1;
}

/** A coil is one byte. In registers, true when the stated bit is set, or any where none is. */
function decodeBool(rawHex: string, { bit, order }: Encoding): boolean | undefined {
  const length = load(rawHex, order);
  if (length !== 1 && length !== 2 && length !== 4 && length !== 8) return undefined;
  if (bit === undefined) return /[^0]/.test(rawHex);
  const byte = length - 1 - (bit >> 3);
  if (bit < 0 || byte < 0) return undefined;
  return (((scratch[byte] as number) >> (bit & 7)) & 1) === 1;
}

/** Packed BCD: four bits a decimal digit, most significant first; other nibbles are no digits. */
function decodeBcd(rawHex: string, order: ByteOrder): number | bigint | undefined {
  const length = load(rawHex, order);
  if (length < 2 || length % 2 !== 0) return undefined;
  // Sixteen digits may be more than a double holds, so they are counted in two halves.
  const low = decimal(Math.max(0, length - 4), length);
  const high = decimal(0, Math.max(0, length - 4));
  if (low === undefined || high === undefined) return undefined;
  const near = high * 1e8 + low;
  return Number.isSafeInteger(near) ? near : BigInt(high) * 100_000_000n + BigInt(low);
}

/** The digits of some bytes of `scratch`; at most four bytes. */
function decimal(from: number, to: number): number | undefined {
  let value = 0;
  for (let index = from; index < to; index += 1) {
    const byte = scratch[index] as number;
    if (byte >> 4 > 9 || (byte & 15) > 9) return undefined;
    value = value * 100 + (byte >> 4) * 10 + (byte & 15);
  }
  return value;
}

/**
 * Text up to the first NUL, without the blanks that pad it to the width of its registers. The
 * order of words is that of the text; only the bytes of each word may be swapped.
 */
function decodeString(rawHex: string, order: ByteOrder): string | undefined {
  const bytes = bytesOf(rawHex);
  if (bytes === undefined) return undefined;
  const swapped = (FLIP[order] & 1) === 1;
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

/** One CBOR item: a number, a text or a truth value; anything else says nothing. */
function decodeCbor(rawHex: string): Value | undefined {
  const bytes = bytesOf(rawHex);
  const item = bytes && readCbor(bytes);
  return item && valueOfCbor(item);
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
