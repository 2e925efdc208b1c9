import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reading, ReadingGroup } from '../../../devices/reading.ts';
import { aggregateBatches, countAggregated } from '../../../gateway/aggregate.ts';

function reading(point: string, value?: Reading['value'], more: Partial<Reading> = {}): Reading {
  const head = { point, type: 'Temperature', unit: 'CEL', rawHex: '00' };
  if (value === undefined) return { ...head, quality: 'bad' };
  return { ...head, quality: 'good', value, ...more };
}

function batch(...groups: ReadingGroup[]) {
  return { groups };
}

describe('what stands for readings', () => {
  it('has how many there were, least, greatest and mean, the last, and the times', () => {
    const groups = aggregateBatches([
      batch({ timeMs: 1_000, about: 'urn:x:1', readings: [reading('a', 4), reading('b', 'on')] }),
      batch(
        { timeMs: 3_000, about: 'urn:x:1', readings: [reading('a', 1), reading('a')] },
        { timeMs: 2_000, about: 'urn:x:1', readings: [reading('a', 7, { quality: 'uncertain' })] },
        { timeMs: 9_000, readings: [reading('a', 5n)] },
      ),
    ]);
    const head = { type: 'Temperature', unit: 'CEL' };
    expect(groups).toEqual([
      {
        ...{ fromMs: 1_000, toMs: 3_000, about: 'urn:x:1' },
        aggregates: [
          {
            ...{ ...head, point: 'a', count: 4, bad: 1, quality: 'uncertain' },
            ...{ minimum: 1, maximum: 7, mean: 4, last: 1 },
          },
          { ...head, point: 'b', count: 1, bad: 0, quality: 'good', last: 'on' },
        ],
      },
      {
        ...{ fromMs: 9_000, toMs: 9_000 },
        aggregates: [
          {
            ...{ ...head, point: 'a', count: 1, bad: 0, quality: 'good' },
            ...{ minimum: 5, maximum: 5, mean: 5, last: 5n },
          },
        ],
      },
    ]);
  });

  it('says of a point without a value only that, and of a doubted time the gateway’s', () => {
    const [group] = aggregateBatches([
      batch({
        ...{ timeMs: 5, gatewayTimeMs: 70, deviceClock: 'wrong' },
        readings: [reading('a'), reading('a')],
      }),
    ]);
    expect(group).toEqual({
      ...{ fromMs: 70, toMs: 70 },
      aggregates: [
        { point: 'a', type: 'Temperature', unit: 'CEL', count: 2, bad: 2, quality: 'bad' },
      ],
    });
  });

  it('is the same whether it is made at once or of aggregates, and counts everything', () => {
    const value = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      nil: undefined,
    });
    const one = fc.tuple(fc.constantFrom('a', 'b'), value);
    const group = fc.array(one, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 8 }), fc.nat(7), (all, cut) => {
        const batches = all.map((readings, timeMs) =>
          batch({ timeMs, readings: readings.map(([point, v]) => reading(point, v)) }),
        );
        const whole = aggregateBatches(batches);
        const parts = [batches.slice(0, cut), batches.slice(cut)].map((some) => ({
          groups: [],
          aggregates: aggregateBatches(some),
        }));
        const again = aggregateBatches(parts);
        expect(countAggregated(whole)).toBe(all.flat().length);
        const known = (groups: typeof whole) =>
          groups
            .flatMap(({ aggregates, ...span }) => aggregates.map((sum) => ({ ...span, ...sum })))
            .map(({ mean: _, ...rest }) => rest)
            .sort((x, y) => (x.point < y.point ? -1 : 1));
        expect(known(again)).toEqual(known(whole));
        for (const { aggregates } of whole) {
          for (const { minimum = 0, maximum = 0, mean = 0 } of aggregates) {
            expect(mean).toBeGreaterThanOrEqual(minimum);
            expect(mean).toBeLessThanOrEqual(maximum);
          }
        }
      }),
    );
  });
});
