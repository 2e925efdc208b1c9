/** Both halves in one process over a fake clock, network and power, from seeds that are printed. */
import { describe, expect, it } from 'vitest';
import { runWorld } from './run-world.ts';

const HOURS = 0.5;
const SEEDS = 8;
const first = Number(process.env['BONDLINE_SEED'] ?? Math.floor(Math.random() * 1_000_000));

describe(`the simulated border (seeds ${first} to ${first + SEEDS - 1})`, () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => first + index))(
    'keeps every promise with seed %i',
    async (seed) => {
      const { broken } = await runWorld(seed, HOURS);
      expect(broken, `npm run sim -- --seed ${seed} --hours ${HOURS}`).toEqual([]);
    },
    120_000,
  );

  it('replays a seed identically', async () => {
    const one = await runWorld(7, HOURS);
    const two = await runWorld(7, HOURS);
    expect(one.counts['steps']).toBeGreaterThan(300);
    expect(two).toEqual(one);
    const other = await runWorld(8, HOURS);
    expect(other.trace).not.toBe(one.trace);
  }, 120_000);
});
