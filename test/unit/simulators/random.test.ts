import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fraction, gaussian, happens, seededRandom, wander } from '../../../simulators/random.ts';

describe('chance from a seed', () => {
  it('is the same again, from the seed and from its state', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const one = seededRandom(seed);
        const two = seededRandom(seed);
        expect(fraction(one)).toBe(fraction(two));
        const resumed = { ...one };
        expect([fraction(one), fraction(one)]).toEqual([fraction(resumed), fraction(resumed)]);
      }),
    );
  });

  it('is even between 0 and 1, and differs between neighbouring seeds', () => {
    for (const seed of [0, 1, 2, 3, 4]) {
      const random = seededRandom(seed);
      const tenths = new Array(10).fill(0);
      for (let index = 0; index < 20_000; index += 1)
        tenths[Math.floor(fraction(random) * 10)] += 1;
      for (const count of tenths) expect(count / 20_000).toBeCloseTo(0.1, 1);
    }
    const firsts = new Set([0, 1, 2, 3, 4].map((seed) => fraction(seededRandom(seed))));
    expect(firsts.size).toBe(5);
  });

  it('makes normal numbers: mean 0, deviation 1', () => {
    const random = seededRandom(7);
    const all = Array.from({ length: 20_000 }, () => gaussian(random));
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    const variance = all.reduce((sum, value) => sum + value * value, 0) / all.length;
    expect(mean).toBeCloseTo(0, 1);
    expect(Math.sqrt(variance)).toBeCloseTo(1, 1);
  });

  it('lets rare events come as often as they should, whatever the step', () => {
    for (const elapsedS of [0.5, 1, 10]) {
      const random = seededRandom(3);
      let count = 0;
      for (let at = 0; at < 200_000; at += elapsedS) if (happens(random, 100, elapsedS)) count += 1;
      expect(count).toBeGreaterThan(1_700);
      expect(count).toBeLessThan(2_200);
    }
  });
});

describe('a value that wanders', () => {
  it('goes to its mean, at once without inertia and never without time', () => {
    const random = seededRandom(1);
    const about = { mean: 10, deviation: 0, tauS: 5, elapsedS: 1_000 };
    expect(wander(random, 0, about)).toBeCloseTo(10, 12);
    expect(wander(random, 0, { ...about, elapsedS: 0 })).toBe(0);
    expect(wander(random, 0, { ...about, elapsedS: 5 })).toBeCloseTo(10 * (1 - 1 / Math.E), 12);
  });

  it('keeps its deviation, whatever the step', () => {
    for (const elapsedS of [0.2, 1, 20]) {
      const random = seededRandom(5);
      const about = { mean: 0, deviation: 2, tauS: 5, elapsedS };
      let value = 0;
      let sum = 0;
      const count = 40_000;
      for (let index = 0; index < count; index += 1) {
        value = wander(random, value, about);
        sum += value * value;
      }
      expect(Math.sqrt(sum / count)).toBeGreaterThan(1.8);
      expect(Math.sqrt(sum / count)).toBeLessThan(2.2);
    }
  });
});
