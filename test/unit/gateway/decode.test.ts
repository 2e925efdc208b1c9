import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteOrder, byteOrders, type RawType } from '../../../devices/reading.ts';
import { decode } from '../../../gateway/decode.ts';

const orders: readonly ByteOrder[] = ['ABCD', 'CDAB', 'BADC', 'DCBA'];

/** Lays big-endian bytes out as a device with this order sends them: word by word, by letters. */
function onWire(bytes: Buffer, order: ByteOrder): string {
  const words: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 2) words.push(bytes.subarray(at, at + 2));
  const swapped = order === 'BADC' || order === 'DCBA';
  const reversed = order === 'CDAB' || order === 'DCBA';
  const sent = words.map((word) => (swapped ? Buffer.from([...word].reverse()) : word));
  return Buffer.concat(reversed ? sent.reverse() : sent).toString('hex');
}

function bigEndian(type: RawType, value: number | bigint): Buffer {
  const size = type.endsWith('64') ? 8 : type.endsWith('32') ? 4 : 2;
  const bytes = Buffer.alloc(size);
  if (type === 'float32') bytes.writeFloatBE(Number(value));
  else if (type === 'float64') bytes.writeDoubleBE(Number(value));
  else if (type === 'int64') bytes.writeBigInt64BE(BigInt(value));
  else if (type === 'uint64') bytes.writeBigUInt64BE(BigInt(value));
  else if (type.startsWith('u')) bytes.writeUIntBE(Number(value), 0, size);
  else bytes.writeIntBE(Number(value), 0, size);
  return bytes;
}

const numbers: readonly [RawType, fc.Arbitrary<number | bigint>][] = [
  ['int16', fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })],
  ['uint16', fc.integer({ min: 0, max: 2 ** 16 - 1 })],
  ['int32', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })],
  ['uint32', fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ['int64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['uint64', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  ['float32', fc.float()],
  ['float64', fc.double()],
];

describe('numbers', () => {
  it.each(numbers)('of type %s come out as they went in, in every byte order', (type, value) => {
    fc.assert(
      fc.property(value, fc.constantFrom(...orders), (sent, order) => {
        const got = decode(onWire(bigEndian(type, sent), order), { type, order });
        if (typeof sent === 'bigint') return BigInt(got as number | bigint) === sent;
        // −0 is told as 0; everything else, NaN included, is the same number.
        return Object.is(got, sent + 0);
      }),
    );
  });

  it('keep every digit of 64 bits: a double where it is exact in JSON, else a bigint', () => {
    const at = (hex: string) => decode(hex, { type: 'uint64', order: 'ABCD' });
    expect(at('001fffffffffffff')).toBe(Number.MAX_SAFE_INTEGER);
    expect(at('0020000000000000')).toBe(9_007_199_254_740_992n);
    expect(at('ffffffffffffffff')).toBe(18_446_744_073_709_551_615n);
    expect(decode('8000000000000000', { type: 'int64', order: 'ABCD' })).toBe(-(2n ** 63n));
  });

  it('keep the width of a float: 0.1 in 32 bits is not 0.1', () => {
    expect(decode('3dcccccd', { type: 'float32', order: 'ABCD' })).toBe(0.10000000149011612);
  });

  it('of 8 bits come as a byte or as the low byte of a register', () => {
    expect(decode('ff', { type: 'int8', order: 'ABCD' })).toBe(-1);
    expect(decode('12fe', { type: 'uint8', order: 'ABCD' })).toBe(0xfe);
    expect(decode('fe12', { type: 'uint8', order: 'DCBA' })).toBe(0xfe);
  });

  it('of the wrong length, or no hex, say nothing', () => {
    expect(decode('0001', { type: 'uint32', order: 'ABCD' })).toBeUndefined();
    expect(decode('000102', { type: 'uint16', order: 'ABCD' })).toBeUndefined();
    expect(decode('', { type: 'uint16', order: 'ABCD' })).toBeUndefined();
    expect(decode('00g1', { type: 'uint16', order: 'ABCD' })).toBeUndefined();
    expect(decode('00A1', { type: 'uint16', order: 'ABCD' })).toBeUndefined();
    expect(decode('0', { type: 'uint8', order: 'ABCD' })).toBeUndefined();
  });
});

describe('truth values', () => {
  it('are one byte or one register', () => {
    const at = (hex: string) => decode(hex, { type: 'bool', order: 'ABCD' });
    expect(at('00')).toBe(false);
    expect(at('01')).toBe(true);
    expect(at('0000')).toBe(false);
    expect(at('0100')).toBe(true);
    expect(at('')).toBeUndefined();
    expect(at('000000')).toBeUndefined();
  });
});

describe('texts', () => {
  const ascii = (text: string, order: ByteOrder) =>
    decode(Buffer.from(text, 'latin1').toString('hex'), { type: 'string', order });

  it('end at the first NUL and lose the blanks that pad them', () => {
    expect(ascii('CDB-0284\0\0', 'ABCD')).toBe('CDB-0284');
    expect(ascii('CDB  ', 'ABCD')).toBe('CDB');
    expect(ascii('', 'ABCD')).toBe('');
    expect(ascii('DC-B2048\0\0', 'BADC')).toBe('CDB-0284');
  });

  it('that are not UTF-8, or not whole words where bytes are swapped, say nothing', () => {
    expect(decode('ff', { type: 'string', order: 'ABCD' })).toBeUndefined();
    expect(decode('414243', { type: 'string', order: 'DCBA' })).toBeUndefined();
  });

  it('of any characters come out as they went in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const sent = text.replaceAll('\0', '').trimEnd();
        const hex = Buffer.from(sent).toString('hex');
        return decode(hex, { type: 'string', order: 'ABCD' }) === sent;
      }),
    );
  });
});

describe('JSON values', () => {
  const json = (text: string) =>
    decode(Buffer.from(text).toString('hex'), { type: 'json', order: 'ABCD' });

  it('are numbers, texts and truth values', () => {
    expect(json('21.5')).toBe(21.5);
    expect(json('-0')).toBe(0);
    expect(json('"a\\u00e9"')).toBe('aé');
    expect(json('true')).toBe(true);
  });

  it('keep the digits of long integers', () => {
    expect(json('9007199254740991')).toBe(9_007_199_254_740_991);
    expect(json('9007199254740993')).toBe(9_007_199_254_740_993n);
    expect(json('-18446744073709551615')).toBe(-18_446_744_073_709_551_615n);
  });

  it('of other kinds, or that are no JSON, say nothing', () => {
    const wrong = ['null', '{}', '[1]', '', '01', '0000000000000000001', 'NaN', '"\\ud800"', "'a'"];
    for (const text of wrong) expect(json(text), text).toBeUndefined();
  });

  it('beyond a double are infinite, for measure to judge', () => {
    expect(json('1e400')).toBe(Number.POSITIVE_INFINITY);
  });
});

it('never throws, whatever the bytes', () => {
  const types: readonly RawType[] = [
    ...numbers.map(([type]) => type),
    'int8',
    'uint8',
    'float16',
    'bcd',
    'bool',
    'string',
    'json',
  ];
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom(...types),
      fc.constantFrom(...byteOrders),
      (text, bytes, type, order) => {
        decode(text, { type, order });
        decode(Buffer.from(bytes).toString('hex'), { type, order });
      },
    ),
  );
});
