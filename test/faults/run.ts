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
import { type Fault, isBroken, type Tally } from './fault.ts';
import { addToLedger, readLedger, sumLedger } from './ledger.ts';
import { type PlantedResult, runPlants, secondsSince } from './planted.ts';
import { plants } from './plants.ts';
import { faults } from './registry.ts';
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
const results: FaultResult[] = [];
for (const group of [wanted.filter((f) => !f.alone), wanted.filter((f) => f.alone)]) {
  // Most wait as much as they work: three keep two cores busy.
  const width = group.some(({ alone }) => alone) ? 1 : 3;
  results.push(...(await inParallel(group, width, strike)));
}
const isAll = only === undefined || only.includes('planted');
const sown = plants.filter(({ name }) => isAll || only.includes(name));
const planted: readonly PlantedResult[] = values['no-planted'] ? [] : await runPlants(sown, say);

print();
const isRed = results.some((r) => !r.notRun && isBroken(r) !== control(r.name));
process.exit(isRed || planted.some(({ caught }) => !caught) ? 1 : 0);

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
  const known = () => sumLedger(readLedger()).find(({ fault }) => fault === name);
  let seed = Number(values.seed ?? 1 + Math.max(0, ...(known()?.seeds ?? [])));
  for (let reached = known()?.count ?? 0; reached < counts.long; reached = known()?.count ?? 0) {
    const count = Math.min(counts.shard, counts.long - reached);
    const order: ShardOrder = { fault: name, seed, count };
    say(`${name}: ${reached} of ${counts.long} ${unit}; ${count} more with seed ${seed}`);
    const { notes = [], ...tally } = await runShard(order, say);
    const date = new Date().toISOString().slice(0, 10);
    const kept = notes.slice(0, 3).map((note) => note.slice(0, 300));
    addToLedger({ fault: name, seed, date, ...tally, ...(kept.length > 0 && { notes: kept }) });
    if (tally.count === 0) break;
    seed += 1;
  }
  const sum = known();
  return { count: 0, lost: 0, doubled: 0, wrong: 0, ...sum, seed: sum?.seeds.at(-1) ?? seed };
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

/** Results in the order of the items; at most `width` at a time. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  action: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const done: Result[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) {
      done[at] = await action(items[at] as Item);
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return done;
}
