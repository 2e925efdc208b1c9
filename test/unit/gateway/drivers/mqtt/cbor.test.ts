import { encode, Tagged } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PayloadSettings } from '../../../../../gateway/drivers/mqtt/mapping.ts';
import { readBy, values } from '../../../../support/mqtt-payload.ts';

describe('a CBOR payload', () => {
  const cbor: PayloadSettings = { format: 'cbor' };
  const hex = (text: string) => Buffer.from(text, 'hex');

  // RFC 8949 appendix A: encodings of numbers, and one value each of our own.
  it.each([
    ['00', 0],
    ['1818', 24],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['1bffffffffffffffff', 18_446_744_073_709_551_615n],
    ['3bffffffffffffffff', -18_446_744_073_709_551_616n],
    ['c249010000000000000000', 18_446_744_073_709_551_616n],
    ['c349010000000000000000', -18_446_744_073_709_551_617n],
    ['20', -1],
    ['f90001', 2 ** -24],
    ['f93e00', 1.5],
    ['f97bff', 65_504],
    ['f9c400', -4],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f5', true],
    ['f4', false],
    ['62c3bc', 'ü'],
    ['1903e8', 1_000],
    ['190005', 5],
    ['fa41a40000', 20.5],
  ])('gives %s exactly, with its own bytes', (item, expected) => {
    const set = readBy(hex(`a16161${item}`), cbor, { a: {} });
    expect(set.samples).toMatchObject([
      { point: 'a', rawHex: item, encoding: { type: 'cbor', order: 'ABCD' }, quality: 'good' },
    ]);
    expect(values(set)).toEqual([expected]);
  });

  it('finds points by name, by JSONPath and in arrays, and knows its own times', () => {
    const payload = encode({
      r: [
        { t: 1_700_000_000_123n, v: 1.5 },
        { t: 1_700_000_000_456n, v: 2 },
      ],
    });
    const set = readBy(
      payload,
      { format: 'cbor', samples: '$.r[*]', time: 't', timeFormat: 'ms' },
      { v: {} },
    );
    expect(values(set)).toEqual([1.5, 2]);
    expect(set.samples.map((s) => s.sourceTimeMs)).toEqual([1_700_000_000_123, 1_700_000_000_456]);
  });

  it('reads a byte string by the encoding of its point, and not without', () => {
    const payload = encode({ b: Uint8Array.of(0x00, 0x80, 0x41, 0xa4) });
    const set = readBy(payload, cbor, {
      swapped: { path: 'b', encoding: { type: 'float32', order: 'CDAB' } },
      raw: { path: 'b' },
    });
    expect(set.samples).toMatchObject([{ rawHex: '008041a4' }]);
    expect(values(set)).toEqual([20.500244140625]);
    expect(set.missing?.points).toEqual(['raw']);
  });

  it.each([
    ['nothing', ''],
    ['a head without its item', 'a161'],
    ['bytes left over', 'a1616101ff'],
    ['a key twice', 'a2616101616102'],
    ['a text that is not UTF-8', 'a1616161ff'],
    ['a key that is no text', 'a1f501'],
    ['an array that claims 2^32 items', 'a161619affffffff01'],
    ['a break by itself', 'ff'],
    ['a break for a value', 'bf6161ff'],
    ['reserved additional information', 'a161611c'],
    ['33 arrays in each other', `a16161${'81'.repeat(40)}00`],
    ['40,000 arrays in each other', '81'.repeat(40_000)],
  ])('that is broken is nonsense: %s', (_, payload) => {
    expect(readBy(hex(payload), cbor, { a: {} })).toEqual({
      samples: [],
      missing: { points: ['a'], cause: 'nonsense' },
    });
  });

  it('of unknown length is read, and a tag that is not known says nothing', () => {
    expect(values(readBy(hex('bf616101ff'), cbor, { a: {} }))).toEqual([1]);
    expect(values(readBy(hex('d9d9f7a1616105'), cbor, { a: {} }))).toEqual([5]);
    expect(
      readBy(encode({ a: new Tagged(4, [-1, 215]) }), cbor, { a: {} }).missing?.points,
    ).toEqual(['a']);
    expect(readBy(hex('a16161c101'), cbor, { a: {} }).samples).toHaveLength(1);
    expect(readBy(hex('a16161d90fff01'), cbor, { a: {} }).samples).toMatchObject([]);
    expect(readBy(hex('a16161f6'), cbor, { a: {} }).samples).toMatchObject([{ quality: 'bad' }]);
  });

  it('gives back every number of any document exactly', () => {
    const number = fc.oneof(
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
    );
    const name = fc
      .string({ minLength: 1 })
      .filter((key) => !/[.$]/.test(key) && !key.startsWith('time'));
    fc.assert(
      fc.property(fc.dictionary(name, number), fc.boolean(), (document, float64) => {
        const payload = encode(document, { float64 });
        for (const [key, expected] of Object.entries(document)) {
          const [got] = values(readBy(payload, cbor, { p: { path: key } }));
          // An integer that a double holds is a number, whatever it was written as.
          const exact = typeof expected === 'bigint' && Number.isSafeInteger(Number(expected));
          expect(got).toBe(
            exact ? Number(expected) : typeof expected === 'bigint' ? expected : expected + 0,
          );
        }
      }),
    );
  });
});
