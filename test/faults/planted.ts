/** Runs a plant against the shard that must see it. */
import { isBroken, type Plant } from './fault.ts';
import { runShard } from './start-shard.ts';

export interface PlantedResult {
  readonly name: string;
  readonly caught: boolean;
  /** The fault whose shard turned red. */
  readonly by: string;
  /** The first thing that it said. */
  readonly said: string;
}

/** Runs the shard that must see it. @throws as `runShard` does */
export async function runPlant(
  { by, name }: Plant,
  say: (line: string) => void,
): Promise<PlantedResult> {
  const startMs = performance.now();
  const { says = '', ...shard } = by;
  const tally = await runShard({ ...shard, plant: name }, say);
  const isSaid = says === '' || (tally.notes ?? []).some((note) => note.includes(says));
  const caught = isBroken(tally) && isSaid;
  const took = `${secondsSince(startMs)} s`;
  say(`planted ${name}: ${caught ? 'caught' : 'NOT CAUGHT'} by ${by.fault} (${took})`);
  const { doubled, lost, notes = [], wrong } = tally;
  const sums = `${lost} lost, ${doubled} doubled, ${wrong} wrong`;
  const said = (notes[0] ?? sums).split('\n')[0]?.slice(0, 80) ?? sums;
  return { name, caught, by: by.fault, said };
}

/** Seconds since `startMs` of `performance.now()`, as a person reads them. */
export function secondsSince(startMs: number): string {
  return ((performance.now() - startMs) / 1_000).toFixed(1);
}
