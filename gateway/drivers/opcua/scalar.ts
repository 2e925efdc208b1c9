/**
 * What came in an OPC UA value, as raw bytes, quality and status: OPC UA Binary (little endian)
 * of the scalar, OPC 10000-6 §5.2.2, with a text as its UTF-8 bytes without the length before it.
 *
 * The library decodes before anyone sees the bytes, so they are made again here from the decoded
 * value. That gives back the same bytes for every scalar type that is listed, with one exception:
 * the payload of a not-a-number, which is a bad reading in any case.
 */
import { isDate } from 'node:util/types';
import type { RawType } from '../../../devices/reading.ts';

/** The part of a Variant that counts here. Numbers are those of OPC 10000-6 Table 1. */
export interface WireVariant {
  readonly dataType: number;
  /** 0 scalar, 1 array, 2 matrix. */
  readonly arrayType: number;
  readonly value: unknown;
  /** Lengths of a matrix. */
  readonly dimensions?: readonly number[] | null;
}

/** The part of a Date that counts here. */
export interface Instant {
  getTime(): number;
}

export interface WireStatus {
  readonly value: number;
  readonly name: string;
}

/** Raw bytes of a scalar and how to read them. */
export interface RawScalar {
  readonly rawHex: string;
  readonly type: RawType;
}

const DATE_TIME = 13;

/** Milliseconds from 1601, where OPC UA's DateTime starts, to 1970. */
const MS_1601_TO_1970 = 11_644_473_600_000n;

/**
 * The raw bytes of a scalar, or `undefined` for an array, a null and types that are no scalar of
 * ours (structures, node ids, byte strings).
 */
export function encodeScalar(variant: WireVariant | null | undefined): RawScalar | undefined {
  if (variant?.arrayType !== 0) return undefined;
  const { dataType, value } = variant;
  if (value === null || value === undefined) return undefined;
  switch (dataType) {
    case 1:
      return { rawHex: value === true ? '01' : '00', type: 'bool' };
    case 2:
      return whole(value, 1, 'int8');
    case 3:
      return whole(value, 1, 'uint8');
    case 4:
      return whole(value, 2, 'int16');
    case 5:
      return whole(value, 2, 'uint16');
    case 6:
      return whole(value, 4, 'int32');
    case 7:
      return whole(value, 4, 'uint32');
    case 8:
      return long(value, 'int64');
    case 9:
      return long(value, 'uint64');
    case 10:
      return float(value, 4, 'float32');
    case 11:
      return float(value, 8, 'float64');
    case 12:
      return typeof value === 'string' ? text(value) : undefined;
    case DATE_TIME:
      return isDate(value) ? dateTime(value) : undefined;
    case 19:
      return isStatus(value) ? whole(value.value, 4, 'uint32') : undefined;
    case 21:
      return localizedText(value);
    default:
      return undefined;
  }
}

function whole(value: unknown, bytes: 1 | 2 | 4, type: RawType): RawScalar | undefined {
  if (typeof value !== 'number') return undefined;
  const buffer = Buffer.alloc(bytes);
  // Two's complement of either sign within the width.
  buffer.writeUIntLE(Number(BigInt.asUintN(bytes * 8, BigInt(value))), 0, bytes);
  return { rawHex: buffer.toString('hex'), type };
}

/** The library gives 64-bit integers as [high, low] words, both unsigned. */
function long(value: unknown, type: 'int64' | 'uint64'): RawScalar | undefined {
  if (typeof value === 'bigint') return bits64(value, type);
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [high, low]: unknown[] = value;
  if (typeof high !== 'number' || typeof low !== 'number') return undefined;
  return bits64((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0), type);
}

function bits64(value: bigint, type: 'int64' | 'uint64'): RawScalar {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
  return { rawHex: buffer.toString('hex'), type };
}

function float(value: unknown, bytes: 4 | 8, type: RawType): RawScalar | undefined {
  if (typeof value !== 'number') return undefined;
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) buffer.writeFloatLE(value);
  else buffer.writeDoubleLE(value);
  return { rawHex: buffer.toString('hex'), type };
}

function text(value: string): RawScalar {
  return { rawHex: Buffer.from(value, 'utf8').toString('hex'), type: 'string' };
}

/** The text alone; the locale says nothing about the value. */
function localizedText(value: unknown): RawScalar | undefined {
  if (typeof value !== 'object' || value === null || !('text' in value)) return undefined;
  return typeof value.text === 'string' ? text(value.text) : undefined;
}

/** 100 ns since 1601. What a Date cannot hold, the library keeps beside it in picoseconds. */
function dateTime(value: Instant): RawScalar {
  const picoseconds = 'picoseconds' in value ? Number(value.picoseconds) : 0;
  const ticks = (BigInt(value.getTime()) + MS_1601_TO_1970) * 10_000n;
  return bits64(ticks + BigInt(Math.trunc(picoseconds / 100_000)), 'int64');
}

export function isStatus(value: unknown): value is WireStatus {
  return (
    typeof value === 'object' &&
    value !== null &&
    'value' in value &&
    typeof value.value === 'number' &&
    'name' in value &&
    typeof value.name === 'string'
  );
}
