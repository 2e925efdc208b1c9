/**
 * `npm run faults -- [--short] [--seed N] [--only NAME[,NAME]] [--no-planted] [--json]`: every
 * fault for real, and every planted fault; NAME is one of either, or `planted` for all of those.
 * The long form goes on where the last one ended (counts.json); `--short` keeps nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../../gateway/commands/table.ts';
import { KEPT_SITES_VARIABLE } from '../support/kept-site.ts';
import { type Fault, isBroken, type Plant, type Tally } from './fault.ts';
import { addPlanted, addToLedger, freeSeed, readLedger, sumLedger } from './ledger.ts';
import { type PlantedResult, runPlant, secondsSince } from './planted.ts';
import { plants } from './plants.ts';
import { loadFaults } from './registry.ts';
import { runShard, type ShardOrder } from './start-shard.ts';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    seed: { type: 'string' },
    only: { type: 'string' },
    'no-planted': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const faults = await loadFaults();
const control = (name: string) => faults.find((fault) => fault.name === name)?.control === true;
const say = (line: string) => void process.stderr.write(`${line}\n`);
const only = values.only?.split(',');
const unknown = only?.filter(
  (wanted) => wanted !== 'planted' && ![...faults, ...plants].some(({ name }) => name === wanted),
);
if (unknown && unknown.length > 0) {
  say(`unknown: ${unknown.join(', ')}; known are planted and:`);
  for (const { name, summary } of [...faults, ...plants]) say(`  ${name.padEnd(24)} ${summary}`);
  process.exit(2);
}

/** Those of the short form that take longest come first: nobody waits for one at the end. */
const LONGEST = [
  // The first makes the site that others copy, so that they come a little later.
  ...['sigkill-gateway', 'restart-storm', 'lying-broker', 'offline', 'connect-awaited-for-ever'],
  ...['poison-forgotten', 'failing-syncs-ingester', 'failing-syncs-gateway', 'sigkill-both'],
  ...['sigkill-ingester', 'power-cut-ingester', 'failing-calls-files', 'power-cut-gateway'],
  ...['poison-ends-the-process', 'long-numbers-read-again', 'failed-sync-tried-again'],
];

interface Task {
  readonly name: string;
  readonly run: () => Promise<void>;
}

interface FaultResult extends Tally {
  readonly name: string;
  readonly unit: string;
  readonly seed: number;
  /** Why it did not run. */
  readonly notRun?: string;
}

const keptSites = mkdtempSync(join(tmpdir(), 'bondline-kept-sites-'));
process.env[KEPT_SITES_VARIABLE] = keptSites;
process.on('exit', () => rmSync(keptSites, { recursive: true, force: true }));

const wanted = faults.filter(({ name }) => only === undefined || only.includes(name));
const isAll = only === undefined || only.includes('planted');
const sown = plants.filter(({ name }) => (isAll || only.includes(name)) && !values['no-planted']);
// Most wait as much as they work. In the long form the machine is somebody's for hours.
const width = values.short ? 5 : 3;
const isAlone = ({ alone = false }: Fault) => alone === true || (alone !== false && !values.short);
const found = new Map<string, FaultResult>();
const caught = new Map<string, PlantedResult>();
const inCrowd = [
  ...wanted.filter((fault) => !isAlone(fault)).map(taskOf),
  ...sown.filter(({ alone }) => !alone).map(taskOfPlant),
];
const rank = ({ name }: { name: string }) => LONGEST.indexOf(name) + 1 || LONGEST.length + 1;
await inParallel(
  [...inCrowd].sort((a, b) => rank(a) - rank(b)),
  width,
);
const alone = wanted.filter(isAlone).map(taskOf);
await inParallel([...alone, ...sown.filter((one) => one.alone).map(taskOfPlant)], 1);
const results = wanted.flatMap(({ name }) => found.get(name) ?? []);
const planted = sown.flatMap(({ name }) => caught.get(name) ?? []);

print();
const isRed = results.some((r) => !r.notRun && isBroken(r) !== control(r.name));
process.exit(isRed || planted.some(({ caught }) => !caught) ? 1 : 0);

function taskOf(fault: Fault): Task {
  return { name: fault.name, run: async () => void found.set(fault.name, await strike(fault)) };
}

function taskOfPlant(plant: Plant): Task {
  const { by, name } = plant;
  const run = async () => {
    const result = await runPlant(plant, say);
    caught.set(name, result);
    if (values.short) return;
    addPlanted({ plant: name, by: by.fault, seed: by.seed, caught: result.caught, date: today() });
  };
  return { name, run };
}

/** The short form is one shard; the long one as many as are missing. */
async function strike(fault: Fault): Promise<FaultResult> {
  const { counts, name, unit } = fault;
  const about = { name, unit, seed: Number(values.seed ?? 1) };
  const notRun = fault.obstacle?.();
  if (notRun !== undefined) {
    say(`${name}: not run: ${notRun}`);
    return { ...about, count: 0, lost: 0, doubled: 0, wrong: 0, notRun };
  }
  if (values.short && counts.short === 0) {
    const short = 'it has no short form';
    return { ...about, count: 0, lost: 0, doubled: 0, wrong: 0, notRun: short };
  }
  if (values.short) {
    say(`${name}: ${counts.short} ${unit}`);
    const startMs = performance.now();
    const tally = await runShard({ fault: name, ...about, count: counts.short }, say);
    say(`${name}: done in ${secondsSince(startMs)} s`);
    return { ...about, ...tally };
  }
  return { ...about, ...(await longForm(fault)) };
}

async function longForm({ counts, name, unit }: Fault): Promise<Tally & { seed: number }> {
  const known = () => sumLedger(readLedger().shards).find(({ fault }) => fault === name);
  // Some shards take a part of all cases by their seed, so that none may be left out.
  const nextSeed = () => freeSeed(known()?.seeds ?? [], Number(values.seed ?? 1));
  let seed = nextSeed();
  for (let reached = known()?.count ?? 0; reached < counts.long; reached = known()?.count ?? 0) {
    const count = Math.min(counts.shard, counts.long - reached);
    const order: ShardOrder = { fault: name, seed, count };
    say(`${name}: ${reached} of ${counts.long} ${unit}; ${count} more with seed ${seed}`);
    const { notes = [], ...tally } = await runShard(order, say);
    const kept = notes.slice(0, 3).map(shortened);
    const noted = kept.length > 0 && { notes: kept };
    addToLedger({ fault: name, seed, date: today(), ...tally, ...noted });
    if (tally.count === 0) break;
    seed = nextSeed();
  }
  const sum = known();
  return { count: 0, lost: 0, doubled: 0, wrong: 0, ...sum, seed: sum?.seeds.at(-1) ?? seed };
}

/** `2026-11-22`. */
function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** The beginning says what it is, and the end of what a process said why. */
function shortened(note: string): string {
  return note.length <= 600 ? note : `${note.slice(0, 200)} … ${note.slice(-400)}`;
}

function print(): void {
  const table = formatTable(
    ['FAULT', 'COUNT', 'LOST', 'DOUBLED', 'WRONG', 'SEED', ''],
    results.map(({ count, doubled, lost, name, notRun, seed, unit, wrong }) => [
      name,
      notRun === undefined ? `${count} ${unit}` : 'not run',
      ...[lost, doubled, wrong, seed].map(String),
      notRun ?? (control(name) ? 'a control: it must lose' : ''),
    ]),
  );
  process.stdout.write(table);
  for (const { figures, name, notes = [] } of results) {
    if (figures) process.stdout.write(`${name}: ${JSON.stringify(figures)}\n`);
    for (const note of notes) process.stdout.write(`${name}: ${note}\n`);
  }
  if (planted.length > 0) {
    const rows = planted.map(({ by, caught, name, said }) => [
      name,
      caught ? 'caught' : 'NOT CAUGHT',
      by,
      said,
    ]);
    process.stdout.write(`\n${formatTable(['PLANTED', '', 'BY', 'WHICH SAID'], rows)}`);
  }
  if (!values.json) return;
  const told = results.map(({ count, doubled, figures, lost, name, notRun, seed, wrong }) => ({
    ...{ name, count, lost, doubled, wrong, seed },
    ...(figures && { figures }),
    ...(notRun !== undefined && { notRun }),
    ...(control(name) && { control: true }),
  }));
  const caught = planted.map(({ by, caught, name }) => ({ name, caught, by }));
  process.stdout.write(`${JSON.stringify({ faults: told, planted: caught })}\n`);
}

/** In their order, at most `width` at a time. */
async function inParallel(tasks: readonly Task[], width: number): Promise<void> {
  const left = tasks[Symbol.iterator]();
  const work = async () => {
    for (const { run } of left) await run();
  };
  await Promise.all(Array.from({ length: width }, work));
}
