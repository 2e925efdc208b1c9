/**
 * `npm run sim -- [--seeds N] [--hours H] [--jobs J]`: goes on with the seeds behind those that the
 * ledger (counts.json) knows, until there are N of them. With `--seed N` it runs that seed, or
 * `--seeds` of them from there, and keeps nothing: so a failing seed is replayed.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addSeed, reachedOf, readRuns } from './ledger.ts';
import { type WorldResult, worldVersion } from './run-world.ts';
import type { WorkerAnswer } from './worker.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    hours: { type: 'string', default: '24' },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    json: { type: 'boolean', default: false },
  },
});

const hours = Number(values.hours);
const isReplay = values.seed !== undefined;
const reached = isReplay ? 0 : reachedOf(readRuns(), { version: worldVersion, hours });
const first = isReplay ? Number(values.seed) : reached + 1;
const last = isReplay
  ? first + Number(values.seeds ?? 1) - 1
  : Number(values.seeds ?? reached + 10);
const workerFile = fileURLToPath(new URL('./worker.ts', import.meta.url));

let next = first;
let failed = 0;
let done = 0;
/** What is finished and waits for the seeds before it. */
const finished = new Map<number, WorkerAnswer>();
let told = first;

say(`seeds ${first} to ${last} of world version ${worldVersion}, ${hours} hours each`);
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work));
const all = isReplay ? done : reachedOf(readRuns(), { version: worldVersion, hours });
say(`${done} seeds run now, ${failed} of them broken; ${all} reached in all`);
process.exit(failed > 0 ? 1 : 0);

/** One process runs one seed after the other; one that dies is a broken seed. */
async function work(): Promise<void> {
  let worker = fork(workerFile);
  for (let seed = next++; seed <= last; seed = next++) {
    const answer = await new Promise<WorkerAnswer>((resolve) => {
      worker.once('message', (message) => resolve(message as WorkerAnswer));
      worker.once('exit', (code) => resolve(died(seed, code)));
      worker.send({ seed, hours });
    });
    worker.removeAllListeners();
    if (!worker.connected) worker = fork(workerFile);
    finished.set(seed, answer);
    tell();
  }
  worker.disconnect();
}

/** In the order of the seeds, so that the ledger has no holes. */
function tell(): void {
  for (let answer = finished.get(told); answer !== undefined; answer = finished.get(told)) {
    finished.delete(told);
    told += 1;
    done += 1;
    const { cpuMs, result } = answer;
    if (result.broken.length > 0) failed += 1;
    if (!isReplay) addSeed({ version: worldVersion, result, cpuMs });
    print(result, cpuMs);
  }
}

function print({ broken, counts, seed, trace }: WorldResult, cpuMs: number): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ seed, hours, broken, counts, trace, cpuMs })}\n`);
    return;
  }
  const { batches = 0, entries = 0, steps = 0 } = counts;
  const did = `${steps} steps, ${batches} batches, ${entries} entries`;
  const how = broken.length === 0 ? 'all hold' : 'BROKEN';
  const cpu = `${(cpuMs / 1_000).toFixed(1)} s`;
  process.stdout.write(`seed ${seed}: ${how} (${did}, ${cpu}, ${trace.slice(0, 12)})\n`);
  if (broken.length === 0) return;
  for (const line of broken) process.stdout.write(`  ${line}\n`);
  process.stdout.write(`  again: npm run sim -- --seed ${seed} --hours ${hours}\n`);
}

function died(seed: number, code: number | null): WorkerAnswer {
  const broken = [`its process ended with ${code}`];
  const sums = { lost: 0, doubled: 0, wrong: 1 };
  return { cpuMs: 0, result: { seed, hours, broken, sums, counts: {}, trace: '' } };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
