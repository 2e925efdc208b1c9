/** Runs plants, each against the shard that must see it. */
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

/** Three at a time, since most wait as much as they work; results in the order of the plants. */
export async function runPlants(
  plants: readonly Plant[],
  say: (line: string) => void,
): Promise<PlantedResult[]> {
  const results: PlantedResult[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < plants.length; at = next++) {
      const plant = plants[at];
      if (!plant) continue;
      const { by, name } = plant;
      const startMs = performance.now();
      const tally = await runShard({ ...by, plant: name }, say);
      const caught = isBroken(tally);
      say(
        `planted ${name}: ${caught ? 'caught' : 'NOT CAUGHT'} by ${by.fault} (${secondsSince(startMs)} s)`,
      );
      const { doubled, lost, notes = [], wrong } = tally;
      const sums = `${lost} lost, ${doubled} doubled, ${wrong} wrong`;
      const said = (notes[0] ?? sums).split('\n')[0]?.slice(0, 80) ?? sums;
      results[at] = { name, caught, by: by.fault, said };
    }
  };
  await Promise.all([work(), work(), work()]);
  return results;
}

/** Seconds since `startMs` of `performance.now()`, as a person reads them. */
export function secondsSince(startMs: number): string {
  return ((performance.now() - startMs) / 1_000).toFixed(1);
}
