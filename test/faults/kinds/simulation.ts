/**
 * Simulated borders, each from a seed of its own: everything of `test/sim` goes wrong, and every
 * step is held against the promises. `npm run sim` runs the same worlds for a day each.
 */
import { runWorld } from '../../sim/run-world.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

const HOURS = 1;
/** Seeds of a shard lie together, and those of no two shards are the same. */
const SEEDS_OF_SHARD = 1_000;

export const simulation: Fault = {
  name: 'simulation',
  summary: 'both halves over simulated links, disks, clocks, keys and parties, from seeds',
  unit: 'worlds',
  counts: { short: 1, long: 200, shard: 20 },
  run,
};

async function run({ count, say, seed }: Shard): Promise<Tally> {
  const sums = { lost: 0, doubled: 0, wrong: 0 };
  const notes: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const world = seed * SEEDS_OF_SHARD + at;
    const { broken, sums: found } = await runWorld(world, HOURS);
    sums.lost += found.lost;
    sums.doubled += found.doubled;
    sums.wrong += found.wrong;
    const [first] = broken;
    if (first === undefined) continue;
    notes.push(`${first} (again: npm run sim -- --seed ${world} --hours ${HOURS})`);
    say(notes.at(-1) ?? '');
  }
  return { count, ...sums, notes };
}
