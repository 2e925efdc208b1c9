/**
 * Every call with which a store changes a file fails once, or from then on, with EIO or ENOSPC, or
 * the power goes at that call and what was not synced is undone, all or in part (shim.c). Each sync
 * says that it succeeded, though the file system turns read-only and what was not synced is undone
 * at the end. For each N to the end of a workload; what was told to be safe must be there
 * afterwards.
 */
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileC, compilerObstacle } from '../disk/compile.ts';
import { judgeStores } from '../disk/judge-stores.ts';
import { type Disturbance, preloadVariables, readPreloadReport } from '../disk/preload.ts';
import { readTold } from '../disk/told.ts';
import type { WorkloadName } from '../disk/workloads.ts';
import { addTallies, type Fault, nothingWrong, type Shard, type Tally } from '../fault.ts';

/** What can happen at a call. */
const HAPPENINGS: readonly Pick<Disturbance, 'mode' | 'error'>[] = [
  { mode: 'once', error: 'EIO' },
  { mode: 'ever', error: 'EIO' },
  { mode: 'once', error: 'ENOSPC' },
  { mode: 'ever', error: 'ENOSPC' },
  { mode: 'cut' },
  { mode: 'torn' },
];

const SHARD = 200;

export const failingCallsOutbox = failingCalls('outbox', 2_400);
export const failingCallsJournal = failingCalls('journal', 2_400);
export const failingCallsFiles = failingCalls('files', 400);

function failingCalls(name: WorkloadName, long: number): Fault {
  return {
    name: `failing-calls-${name}`,
    summary: `each call with which the workload ${name} changes a file fails, or is the last one`,
    unit: 'calls',
    counts: { short: 6, long, shard: SHARD },
    obstacle: compilerObstacle,
    run: (shard) => failCalls(name, shard, long),
  };
}

export const lyingSyncsOutbox = lyingSyncs('outbox');
export const lyingSyncsJournal = lyingSyncs('journal');
export const lyingSyncsFiles = lyingSyncs('files');

function lyingSyncs(name: WorkloadName): Fault {
  return {
    name: `lying-syncs-${name}`,
    summary: `each sync of the workload ${name} says that it succeeded, and is the last`,
    unit: 'syncs',
    counts: { short: 4, long: 60, shard: 20 },
    obstacle: compilerObstacle,
    run: (shard) => lieAtSyncs(name, shard),
  };
}

const workloadFile = fileURLToPath(new URL('../disk/workload.ts', import.meta.url));

interface Bench {
  readonly name: WorkloadName;
  readonly directory: string;
  readonly library: string;
  readonly keyFile: string;
}

/** Each shard goes on where the one before it ended, and begins anew after the last sync. */
async function lieAtSyncs(name: WorkloadName, { count, directory, seed }: Shard): Promise<Tally> {
  const bench = makeBench(name, directory);
  const undisturbed = await strike(bench, { calls: 'sync', at: 0, mode: 'lie' });
  const { calls: syncs } = undisturbed;
  let tally: Tally = { ...undisturbed.tally, figures: { syncs } };
  for (let done = 0; done < count; done += 1) {
    const at = leap(((seed - 1) * 20 + done) % syncs, syncs) + 1;
    const struck = await strike(bench, { calls: 'sync', at, mode: 'lie', error: 'EROFS' });
    tally = addTallies(tally, noted(struck, `sync ${at}`));
  }
  return { ...tally, count };
}

/** The shards of the long form go through all pairs of a call and a happening, in leaps. */
async function failCalls(
  name: WorkloadName,
  { count, directory, say, seed }: Shard,
  long: number,
): Promise<Tally> {
  const bench = makeBench(name, directory);
  const undisturbed = await strike(bench, { calls: 'all', at: 0, mode: 'once' });
  const { calls } = undisturbed;
  const pairs = calls * HAPPENINGS.length;
  let tally: Tally = { ...undisturbed.tally, figures: { calls } };
  if (pairs > long) {
    const notes = [`the long form goes through ${long} of ${pairs} pairs`];
    tally = addTallies(tally, { ...nothingWrong, wrong: 1, notes });
  }
  for (let done = 0; done < count; done += 1) {
    const pair = leap((seed - 1) * SHARD + done, pairs);
    const happening = HAPPENINGS[pair % HAPPENINGS.length] ?? { mode: 'once' };
    const at = Math.floor(pair / HAPPENINGS.length) + 1;
    const struck = await strike(bench, { calls: 'all', at, ...happening, seed: pair });
    tally = addTallies(tally, noted(struck, `call ${at}`));
    if ((done + 1) % 50 === 0) say(`${done + 1} of ${count} calls`);
  }
  return { ...tally, count };
}

function makeBench(name: WorkloadName, directory: string): Bench {
  const keyFile = join(directory, 'device.pem');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  return { name, directory, library: compileC('shim', directory), keyFile };
}

interface Struck {
  readonly tally: Tally;
  readonly call: string;
}

function noted({ call, tally }: Struck, which: string): Tally {
  const notes = tally.notes?.map((note) => `${which} (${call}): ${note}`);
  return { ...tally, ...(notes && { notes }) };
}

/** Visits each number below `all` once in `all` steps, near ones far apart. */
export function leap(step: number, all: number): number {
  let stride = Math.max(1, Math.floor(all * 0.381_966));
  while (gcd(stride, all) !== 1) stride += 1;
  return (step * stride) % all;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** One run of the workload with one disturbance, judged. */
async function strike(bench: Bench, disturbance: Disturbance): Promise<Struck & { calls: number }> {
  const { directory, keyFile, library, name } = bench;
  const folder = join(directory, 'work');
  const report = join(directory, 'report');
  rmSync(folder, { recursive: true, force: true });
  rmSync(report, { force: true });
  mkdirSync(folder);
  const output = await runWorkload([name, folder, keyFile], {
    ...preloadVariables({ library, folder, report }, disturbance),
  });
  const { calls, struck, syncsAfterFailure } = readPreloadReport(report);
  const told = readTold(output);
  const notes: string[] = [];
  if (disturbance.at > 0 && struck === undefined) notes.push('the call was never made');
  if (disturbance.at === 0 && !told.some((one) => 'end' in one)) notes.push(`it failed: ${output}`);
  // SQLite takes back by itself the making of a database, before anything is in it.
  const isMaking =
    struck?.file.endsWith('.db') &&
    told.every((one) => 'failed' in one && one.failed.includes('opening '));
  if (syncsAfterFailure > 0 && !isMaking)
    notes.push(`${syncsAfterFailure} syncs after one had failed`);
  const own: Tally = { ...nothingWrong, wrong: notes.length, notes };
  const left = await judgeStores(name, { folder, keyFile, told });
  const call = `${disturbance.mode} ${disturbance.error ?? ''} ${struck?.call} ${struck?.file}`;
  return { tally: addTallies(own, left), calls, call };
}

/** Its standard output, up to where it ended or was ended. */
function runWorkload(words: readonly string[], variables: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [workloadFile, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...variables },
    timeout: 60_000,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((done) => child.once('close', () => done(output)));
}
