/** Both halves in one process over a fake clock, network and power, from seeds that are printed. */
import { describe, expect, it } from 'vitest';
import { runWorld } from './run-world.ts';

const MINUTES = 6;
const SEEDS = 10;
const first = Number(process.env['BONDLINE_SEED'] ?? Math.floor(Math.random() * 1_000_000));

describe(`the simulated border (seeds ${first} to ${first + SEEDS - 1})`, () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => first + index))(
    'keeps every promise with seed %i',
    async (seed) => {
      const { broken } = await runWorld(seed, MINUTES);
      expect(broken, `npm run sim -- --seed ${seed} --minutes ${MINUTES}`).toEqual([]);
    },
    120_000,
  );

  it('replays a seed identically', async () => {
    const one = await runWorld(7, 3);
    const two = await runWorld(7, 3);
    expect(one.counts['entries']).toBeGreaterThan(50);
    expect(two).toEqual(one);
  }, 120_000);
});
