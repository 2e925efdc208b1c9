/** Starts one shard in a process of its own, with or without something planted in it. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Tally } from './fault.ts';
import { PLANT_FAILED, PLANT_VARIABLE } from './plant-names.ts';

export interface ShardOrder {
  readonly fault: string;
  readonly seed: number;
  readonly count: number;
  /** Name of what is planted in all of its processes. */
  readonly plant?: string;
}

const shardFile = fileURLToPath(new URL('./shard.ts', import.meta.url));
const plantFile = new URL('./plant.ts', import.meta.url).href;

/**
 * Runs a shard to its end. One whose process fails before it can say anything counts as wrong.
 *
 * @throws Error when what was to be planted does not stand in the code as it is written
 */
export async function runShard(order: ShardOrder, say: (line: string) => void): Promise<Tally> {
  const { count, fault, plant, seed } = order;
  const options = [process.env['NODE_OPTIONS'], plant && `--import=${plantFile}`];
  const child = spawn(process.execPath, [shardFile, fault, String(seed), String(count)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(plant && { [PLANT_VARIABLE]: plant, NODE_OPTIONS: options.filter(Boolean).join(' ') }),
    },
  });
  let last = '';
  let trouble = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = line;
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    trouble = `${trouble}${line}\n`.slice(-2_000);
    if (plant === undefined) say(`  ${line}`);
  });
  const code = await new Promise((done) => child.once('close', done));
  if (code === PLANT_FAILED || trouble.includes('plant: ')) throw new Error(trouble);
  const tally = tallyOf(last);
  // A process of the shard may have said so, which proves nothing of what was to be planted.
  const unplanted = tally?.notes?.find((note) => note.includes('plant: '));
  if (unplanted !== undefined) throw new Error(unplanted);
  if (tally !== undefined) return tally;
  if (plant !== undefined) throw new Error(`${plant}: the shard said nothing: ${trouble}`);
  const notes = [`the shard ended with ${String(code)} and said: ${trouble}`];
  return { count: 0, lost: 0, doubled: 0, wrong: 1, notes };
}

function tallyOf(line: string): Tally | undefined {
  try {
    return JSON.parse(line) as Tally;
  } catch {
    return undefined;
  }
}
