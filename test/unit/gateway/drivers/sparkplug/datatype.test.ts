import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../../../gateway/decode.ts';
import { DATATYPES, rawOf } from '../../../../../gateway/drivers/sparkplug/datatype.ts';
import type { WireValue } from '../../../../../gateway/drivers/sparkplug/payload.ts';

const number = (name: (typeof DATATYPES)[number]) => DATATYPES.indexOf(name);
const int = (value: number): WireValue => ({ kind: 'int', value: value >>> 0 });
const long = (value: bigint): WireValue => ({ kind: 'long', value: BigInt.asUintN(64, value) });

function read(datatype: number, value: WireValue) {
  const raw = rawOf(datatype, value);
  return raw.fault === undefined ? decode(raw.rawHex, raw.encoding) : raw.fault;
}

describe('data types', () => {
  it('tck-id-payloads-metric-datatype-value: are numbered from 1 to 34', () => {
    expect(DATATYPES).toHaveLength(35);
    expect(number('Int8')).toBe(1);
    expect(number('DateTime')).toBe(13);
    expect(number('PropertySetList')).toBe(21);
    expect(number('DateTimeArray')).toBe(34);
  });

  it('of integers keep every value, in whichever member and width the maker writes it', () => {
    for (const [name, bits, signed] of [
      ['Int8', 8, true],
      ['Int16', 16, true],
      ['Int32', 32, true],
      ['Int64', 64, true],
      ['UInt8', 8, false],
      ['UInt16', 16, false],
      ['UInt32', 32, false],
      ['UInt64', 64, false],
      ['DateTime', 64, false],
    ] as const) {
      const min = signed ? -(2n ** BigInt(bits - 1)) : 0n;
      const max = signed ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n;
      fc.assert(
        fc.property(fc.bigInt({ min, max }), (value) => {
          const same = (came: unknown) => expect(BigInt(came as number), name).toBe(value);
          same(read(number(name), long(value)));
          // Two's complement in the type's own width, as some makers have it.
          same(read(number(name), long(BigInt.asUintN(bits, value))));
          if (bits <= 32) {
            same(read(number(name), int(Number(value))));
            same(read(number(name), int(Number(BigInt.asUintN(bits, value)))));
          }
        }),
      );
    }
  });

  it('of integers refuse what does not fit', () => {
    expect(read(number('Int8'), int(256))).toBe('not-a-Int8');
    expect(read(number('Int8'), int(-129))).toBe('not-a-Int8');
    expect(read(number('UInt8'), int(-1))).toBe('not-a-UInt8');
    expect(read(number('UInt32'), long(2n ** 32n))).toBe('not-a-UInt32');
    expect(read(number('Int32'), { kind: 'boolean', value: true })).toBe('not-a-Int32');
    expect(read(number('Int64'), int(-1))).toBe(-1);
    expect(read(number('Int64'), int(5))).toBe(5);
  });

  it('of floats, texts and truth values are the bytes of the wire', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const bytes = Buffer.alloc(8);
        bytes.writeDoubleLE(value);
        expect(read(number('Double'), { kind: 'double', bytes })).toBe(value + 0);
        const single = Buffer.alloc(4);
        single.writeFloatLE(value);
        const float = read(number('Float'), { kind: 'float', bytes: single });
        expect(float).toBe(Math.fround(value) + 0);
      }),
    );
    const text: WireValue = { kind: 'string', bytes: Buffer.from('größer') };
    for (const name of ['String', 'Text', 'UUID'] as const) {
      expect(read(number(name), text)).toBe('größer');
      expect(read(number(name), int(1))).toBe(`not-a-${name}`);
    }
    expect(read(number('Boolean'), { kind: 'boolean', value: true })).toBe(true);
    expect(read(number('Boolean'), { kind: 'boolean', value: false })).toBe(false);
    expect(read(number('Boolean'), int(1))).toBe('not-a-Boolean');
    expect(read(number('Float'), { kind: 'double', bytes: Buffer.alloc(8) })).toBe('not-a-Float');
  });

  it('of structures, files and arrays are named and keep their bytes, but are no scalar', () => {
    const bytes = Buffer.from('0102', 'hex');
    for (const [index, name] of DATATYPES.entries()) {
      if (index < 16) continue;
      expect(rawOf(index, { kind: 'bytes', bytes })).toEqual({
        rawHex: '0102',
        fault: `not-a-scalar ${name}`,
      });
    }
    expect(rawOf(0, int(1)).fault).toBe('datatype-unknown');
    expect(rawOf(35, int(1)).fault).toBe('datatype-unknown');
  });
});
