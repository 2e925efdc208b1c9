/** The raw form of a scalar from the bytes that it has on the wire. */
import type { RawType } from '../../../devices/reading.ts';
import type { RawScalar } from './scalar.ts';

/** Built-in types that are scalars of ours, by their numbers in OPC 10000-6 Table 1. */
const TYPES: Readonly<Record<number, RawType>> = {
  1: 'bool',
  2: 'int8',
  3: 'uint8',
  4: 'int16',
  5: 'uint16',
  6: 'int32',
  7: 'uint32',
  8: 'int64',
  9: 'uint64',
  10: 'float32',
  11: 'float64',
  12: 'string',
  13: 'int64',
  // A status code is its number.
  19: 'uint32',
  21: 'string',
};

/** `undefined` for types that are no scalar of ours. Of a text, `bytes` are those of its UTF-8. */
export function rawOfBytes(builtIn: number, bytes: Buffer): RawScalar | undefined {
  const type = TYPES[builtIn];
  return type && { rawHex: bytes.toString('hex'), type };
}
