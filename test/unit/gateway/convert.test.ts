import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../../devices/profile.ts';
import type { Encoding, Sample } from '../../../devices/reading.ts';
import { convertWire } from '../../../gateway/convert.ts';
import { measureSample } from '../../../gateway/measure.ts';

const plain: PointDefinition = { summary: '', type: 'Volume', unit: 'MTQ' };

function sample(rawHex: string, encoding: Encoding): Sample {
  return { point: 'p', rawHex, encoding, quality: 'good', gatewayTimeMs: 0 };
}

describe('a straight line', () => {
  const level: PointDefinition = { ...plain, linear: [4_000, 20_000, -10, 50] };

  it('hits both ends exactly and goes on beyond them', () => {
    expect(convertWire(4_000, level, 'uint16').value).toBe(-10);
    expect(convertWire(20_000, level, 'uint16').value).toBe(50);
    expect(convertWire(12_000, level, 'uint16').value).toBe(20);
    expect(convertWire(3_200, level, 'uint16').value).toBe(-13);
  });

  it('is monotone between any two ends', () => {
    const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.double({ min: 0, max: 1, noNaN: true }), (low, high, part) => {
        const value = Number(
          convertWire(part * 1_000, { ...plain, linear: [0, 1_000, low, high] }, 'float64').value,
        );
        return value >= Math.min(low, high) && value <= Math.max(low, high);
      }),
    );
  });
});

describe('a table', () => {
  const tank: PointDefinition = {
    ...plain,
    table: [
      [0, 0],
      [100, 2.5],
      [200, 12.1],
    ],
  };

  it('gives its own values at its own wire numbers, and the line between two', () => {
    for (const [wire, value] of tank.table ?? []) {
      expect(convertWire(wire, tank, 'uint16').value).toBe(value);
    }
    expect(convertWire(50, tank, 'uint16').value).toBe(1.25);
    expect(convertWire(150, tank, 'uint16').value).toBeCloseTo(7.3, 12);
  });

  it('says nothing beyond its ends: the reading is bad and keeps its words', () => {
    const encoding: Encoding = { type: 'uint16', order: 'ABCD' };
    expect(measureSample(sample('00c8', encoding), tank)).toMatchObject({ value: 12.1 });
    const beyond = measureSample(sample('00c9', encoding), tank);
    expect(beyond).toMatchObject({ quality: 'bad', status: 'not-convertible', rawHex: '00c9' });
    expect(beyond).not.toHaveProperty('value');
  });
});

describe('an integer of 64 bits', () => {
  const encoding: Encoding = { type: 'uint64', order: 'ABCD' };
  const top = 'fffffffffffffffe';

  it('keeps every bit where nothing is converted, and where scale and offset are whole', () => {
    expect(measureSample(sample(top, encoding), plain).value).toBe(2n ** 64n - 2n);
    const whole = measureSample(sample(top, encoding), { ...plain, scale: 10, offset: -5 });
    expect(whole).toMatchObject({ value: 10n * (2n ** 64n - 2n) - 5n, quality: 'good' });
    expect(whole).not.toHaveProperty('status');
    // 2^53 − 1 fits a double, ten times as much does not.
    const edge = measureSample(sample('001fffffffffffff', encoding), { ...plain, scale: 10 });
    expect(edge.value).toBe(90_071_992_547_409_910n);
  });

  it('says that it was rounded where the conversion is not whole', () => {
    const scaled = measureSample(sample(top, encoding), { ...plain, scale: 0.001 });
    expect(scaled).toMatchObject({ quality: 'good', status: 'rounded', rawHex: top });
    const small = measureSample(sample('0000000000000064', encoding), { ...plain, scale: 0.5 });
    expect(small).toMatchObject({ value: 50 });
    expect(small).not.toHaveProperty('status');
  });

  it('beside a sentinel is a good value, and the sentinel itself is none', () => {
    const point = { ...plain, sentinelBits: ['0xFFFFFFFFFFFFFFFF'] };
    expect(measureSample(sample(top, encoding), point)).toMatchObject({ quality: 'good' });
    expect(measureSample(sample('ffffffffffffffff', encoding), point)).toMatchObject({
      quality: 'bad',
      status: 'sentinel',
    });
  });
});

describe('bits that mean no value', () => {
  it('are compared after the bytes were put in order, whatever the value would be', () => {
    const point = { ...plain, sentinelBits: ['0x7f800001', '0x8000'] };
    const float: Encoding = { type: 'float32', order: 'CDAB' };
    // A not-a-number is bad anyway, by its own name.
    expect(measureSample(sample('00017f80', float), point).status).toBe('not-a-number');
    expect(measureSample(sample('0080', { type: 'int16', order: 'BADC' }), point).status).toBe(
      'sentinel',
    );
    expect(measureSample(sample('8000', { type: 'int16', order: 'BADC' }), point).value).toBe(128);
    expect(
      measureSample(sample('80000000', float), { ...plain, sentinelBits: ['0x8000'] }),
    ).toMatchObject({ status: 'sentinel' });
  });
});
