/** The data types of Sparkplug B (specification 3.0 §6.4.16) and the raw words of their values. */
import type { Encoding } from '../../../devices/reading.ts';
import type { WireValue } from './payload.ts';

/** Names by number, from 1; 0 is unknown. */
export const DATATYPES = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
  'PropertySet',
  'PropertySetList',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Int64Array',
  'UInt8Array',
  'UInt16Array',
  'UInt32Array',
  'UInt64Array',
  'FloatArray',
  'DoubleArray',
  'BooleanArray',
  'StringArray',
  'DateTimeArray',
] as const;

type Datatype = (typeof DATATYPES)[number];

/** Raw words and how they are to be read; or why the value is none that a reading can hold. */
export type Raw =
  | { readonly rawHex: string; readonly encoding: Encoding; readonly fault?: undefined }
  | { readonly rawHex: string; readonly fault: string };

/** Bits of the integer types, and whether they have a sign. */
const INTEGERS: Readonly<
  Partial<Record<Datatype, readonly [bits: 8 | 16 | 32 | 64, signed: boolean]>>
> = {
  Int8: [8, true],
  Int16: [16, true],
  Int32: [32, true],
  Int64: [64, true],
  UInt8: [8, false],
  UInt16: [16, false],
  UInt32: [32, false],
  UInt64: [64, false],
  // Milliseconds since 1970.
  DateTime: [64, false],
};

/**
 * The raw words of `value` as `datatype` says. Floats and texts are the bytes of the wire. An
 * integer travels as a varint, which has no fixed width: its raw words are the two's complement in
 * the width of its type, most significant byte first.
 */
export function rawOf(datatype: number, value: WireValue): Raw {
  const name = DATATYPES[datatype] ?? 'Unknown';
  const integer = INTEGERS[name];
  if (integer !== undefined) return rawInteger(name, integer, value);
  switch (name) {
    case 'Float':
      return value.kind === 'float' ? rawBytes(value.bytes, 'float32', 'DCBA') : mismatch(name);
    case 'Double':
      return value.kind === 'double' ? rawBytes(value.bytes, 'float64', 'DCBA') : mismatch(name);
    case 'Boolean':
      if (value.kind !== 'boolean') return mismatch(name);
      return { rawHex: value.value ? '01' : '00', encoding: { type: 'bool', order: 'ABCD' } };
    case 'String':
    case 'Text':
    case 'UUID':
      return value.kind === 'string' ? rawBytes(value.bytes, 'string', 'ABCD') : mismatch(name);
    case 'Unknown':
      return { rawHex: '', fault: 'datatype-unknown' };
    default:
      return { rawHex: 'bytes' in value ? hexOf(value.bytes) : '', fault: `not-a-scalar ${name}` };
  }
}

/**
 * The schema has a member of 32 bits and one of 64; makers differ in which of them a UInt32 is in,
 * and in whether a small negative number fills 8, 16 or 32 bits. What counts is that the number
 * fits its type.
 */
function rawInteger(
  name: Datatype,
  [bits, signed]: readonly [8 | 16 | 32 | 64, boolean],
  value: WireValue,
): Raw {
  if (value.kind !== 'int' && value.kind !== 'long') return mismatch(name);
  const width = value.kind === 'int' ? 32 : 64;
  const wire = BigInt(value.value);
  const low = BigInt.asUintN(bits, wire);
  // Sign-extended over the member's width, in the type's own width, or simply small.
  const extended = signed && BigInt.asIntN(width, wire) === BigInt.asIntN(bits, low);
  const widened = signed && width < bits && wire >> 31n === 1n;
  if (widened) return rawNumber(BigInt.asUintN(bits, BigInt.asIntN(32, wire)), bits, signed);
  if (!extended && wire !== low) return mismatch(name);
  return rawNumber(low, bits, signed);
}

function rawNumber(low: bigint, bits: 8 | 16 | 32 | 64, signed: boolean): Raw {
  const rawHex = low.toString(16).padStart(bits / 4, '0');
  return { rawHex, encoding: { type: `${signed ? 'int' : 'uint'}${bits}`, order: 'ABCD' } };
}

function rawBytes(bytes: Uint8Array, type: Encoding['type'], order: Encoding['order']): Raw {
  return { rawHex: hexOf(bytes), encoding: { type, order } };
}

function mismatch(name: Datatype): Raw {
  return { rawHex: '', fault: `not-a-${name}` };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
