/**
 * An ingester is copied while its journal is written, and restored elsewhere; copies are damaged,
 * also so that their page agrees; schemas move forward and fail on the way, and never backward.
 * What is restored is what was there, and what is not is never said to be.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../../../devices/errors.ts';
import { openDatabase } from '../../../devices/io/sqlite.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { type BackupPage, makeBackup, restoreBackup } from '../../../ingest/backup.ts';
import { startJournal } from '../../../ingest/journal.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { journalSchema } from '../../../ingest/journal-schema.ts';
import type { NewEntry } from '../../../ingest/store.ts';
import { openTwinsStore } from '../../../ingest/twins-store.ts';
import { Chance } from '../../sim/chance.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  reading,
  startMs,
  tickEntry,
} from '../../support/journal-entries.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

export const restores: Fault = {
  name: 'restore',
  summary: 'an ingester is copied while it writes and restored; damaged copies are not',
  unit: 'restores',
  counts: { short: 3, long: 200, shard: 20 },
  run: restoreMany,
};

async function restoreMany({ count, directory, say, seed }: Shard): Promise<Tally> {
  const dice = new Chance(seed);
  const notes: string[] = [];
  let lost = 0;
  for (let done = 0; done < count; done += 1) {
    const folder = join(directory, String(done));
    mkdirSync(folder);
    lost += await restoreOne(folder, dice, notes);
    migrateOne(join(folder, 'migrated.db'), dice, notes);
    refuseNewer(join(folder, 'newer.db'), dice, notes);
    rmSync(folder, { recursive: true });
    say(`${done + 1} of ${count} restores`);
  }
  return { count, lost, doubled: 0, wrong: notes.length, notes: notes.slice(0, 20) };
}

/** Copies it in the middle of its work. Returns acknowledged entries that are not there. */
async function restoreOne(folder: string, dice: Chance, notes: string[]): Promise<number> {
  const [data, out] = [join(folder, 'data'), join(folder, 'copy')];
  mkdirSync(data);
  const files = { journal: join(data, 'journal.db'), twins: join(data, 'twins.db') };
  const journal = await startJournal(files.journal);
  const entries = workload(dice);
  // A device and a batch at least, so that there is a twin to be damaged.
  const before = dice.between(2, entries.length - 1);
  await journal.append(entries.slice(0, before));
  fold(files, dice.between(0, before));
  // The journal's own thread goes on while the copy is made on this one.
  const going = entries.slice(before).map((entry) => journal.append([entry]));
  const page = makeBackup({
    ...{ data, out, name: 'border', tenant: 'cbp', key: undefined, files: [], hasKeys: false },
    nowMs: startMs,
  });
  await Promise.all(going);
  await journal.close();
  if (page.entries < before)
    notes.push(`${before} entries were stored, ${page.entries} are copied`);

  const there = join(folder, 'there');
  mkdirSync(there);
  restoreBackup({ from: out, data: there, key: undefined });
  compare(files, join(there, 'journal.db'), page.entries, notes);
  const twins = statesOf(join(there, 'twins.db'));
  if (twins !== foldedAt(files.journal, page.entries)) notes.push('restored twins are others');
  for (let times = 0; times < 4; times += 1) refuseDamaged(folder, dice, notes);
  return Math.max(0, before - page.entries);
}

function workload(dice: Chance): NewEntry[] {
  const device = deviceDid('fc-1');
  const entries: NewEntry[] = [enrolmentEntry({ position: 0, device })];
  const batches = dice.between(10, 60);
  for (let sequence = 1; sequence <= batches; sequence += 1) {
    const timeMs = startMs + sequence * 1_000;
    const value = dice.between(0, 1_000);
    const readings = [reading('volume', value, { type: 'Volume', unit: 'MTQ' })];
    const groups = [{ timeMs, gatewayTimeMs: timeMs, readings }];
    const position = entries.length;
    entries.push(batchEntry({ position, device, sequence, groups, closedMs: timeMs }));
    if (dice.fraction() < 0.2) entries.push(tickEntry(entries.length, timeMs + 500));
  }
  return entries;
}

function fold({ journal, twins }: { journal: string; twins: string }, end: number): void {
  const reader = openJournalReader(journal);
  const store = openTwinsStore(twins);
  try {
    new Applier({ journal: reader, store, plugins: foldPlugins }).drain(end);
  } finally {
    store.close();
    reader.close();
  }
}

function foldedAt(journalFile: string, end: number): string {
  const reader = openJournalReader(journalFile);
  const store = openTwinsStore(':memory:');
  try {
    new Applier({ journal: reader, store, plugins: foldPlugins }).drain(end);
    return JSON.stringify(store.list({ count: 1_000 }));
  } finally {
    store.close();
    reader.close();
  }
}

function statesOf(twinsFile: string): string {
  const store = openTwinsStore(twinsFile, { readonly: true });
  try {
    return JSON.stringify(store.list({ count: 1_000 }));
  } finally {
    store.close();
  }
}

/** Entry by entry, the copy is the beginning of what the journal is now. */
function compare(
  { journal }: { journal: string },
  restored: string,
  entries: number,
  notes: string[],
): void {
  const [live, copy] = [openJournalReader(journal), openJournalReader(restored)];
  try {
    if (copy.size() !== entries) notes.push(`${copy.size()} entries are restored of ${entries}`);
    for (let at = 0; at < copy.size(); at += 1) {
      if (live.leaf(at) !== copy.leaf(at)) notes.push(`entry ${at} is another after the restore`);
    }
  } finally {
    live.close();
    copy.close();
  }
}

/** A copy that is not what was written is not restored, and nothing of it stays. */
function refuseDamaged(folder: string, dice: Chance, notes: string[]): void {
  const [copy, data] = [join(folder, 'damaged'), join(folder, 'nowhere')];
  cpSync(join(folder, 'copy'), copy, { recursive: true });
  mkdirSync(data);
  const what = damage(copy, dice);
  try {
    restoreBackup({ from: copy, data, key: undefined });
    notes.push(`${what}, and the copy is restored all the same`);
  } catch (error) {
    const isRefused = error instanceof EdgeError && error.code === 'IN_BACKUP_DAMAGED';
    if (!isRefused) notes.push(`${what}: ${String(error)}`);
    if (existsSync(join(data, 'journal.db'))) notes.push(`${what}, and a journal is there`);
  }
  rmSync(copy, { recursive: true });
  rmSync(data, { recursive: true });
}

/** What happens to copies: bits flip, ends and files are missing, entries and twins are others. */
function damage(copy: string, dice: Chance): string {
  const name = dice.pick(['journal.db', 'twins.db'] as const);
  const file = join(copy, name);
  const kind = dice.between(0, 4);
  if (kind === 0) {
    const bytes = readFileSync(file);
    const at = dice.between(0, bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.between(0, 7));
    writeFileSync(file, bytes);
    return `byte ${at} of ${name} flips`;
  }
  if (kind === 1) {
    rmSync(file);
    return `${name} is missing`;
  }
  // Whoever does this also writes the page, so that only the content can tell.
  const one = `position = ${dice.between(0, readPage(copy).entries - 1)}`;
  const change = [
    ['journal.db', `UPDATE entry SET bytes = zeroblob(length(bytes)) WHERE ${one}`],
    ['journal.db', `DELETE FROM entry WHERE ${one}`],
    ['twins.db', "UPDATE twin SET state = replace(state, '1', '2')"],
  ] as const;
  const [changed, sql] = change[kind - 2] ?? change[0];
  const db = openDatabase(join(copy, changed), { schema: schemaOf(join(copy, changed)) });
  if (db.prepare(sql).run().changes === 0) throw new Error(`nothing is damaged: ${sql}`);
  db.pragma('journal_mode = DELETE');
  db.close();
  const page = readPage(copy);
  const files = page.files.map(({ path }) => {
    const bytes = readFileSync(join(copy, path));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { path, bytes: bytes.length, sha256 };
  });
  writeFileSync(join(copy, 'backup.json'), JSON.stringify({ ...page, files }));
  return sql;
}

function readPage(copy: string): BackupPage {
  return JSON.parse(readFileSync(join(copy, 'backup.json'), 'utf8')) as BackupPage;
}

/** As many steps as the database has had: it is opened as it is. */
function schemaOf(file: string): string[] {
  const db = openDatabase(file, {
    readonly: true,
    schema: [...journalSchema, ...Array(90).fill('')],
  });
  const version = Number(db.pragma('user_version', { simple: true }));
  db.close();
  return Array<string>(version).fill('');
}

const steps = ['CREATE TABLE t (a INTEGER)', 'ALTER TABLE t ADD COLUMN b', 'CREATE TABLE u (c)'];

/** A schema moves on, or a step of it fails: before that, a copy of the old one is there. */
function migrateOne(file: string, dice: Chance, notes: string[]): void {
  const version = dice.between(1, 2);
  const old = openDatabase(file, { schema: steps.slice(0, version) });
  const rows = dice.between(1, 50);
  old.exec(`INSERT INTO t (a) SELECT value FROM json_each('[${Array(rows).fill(1).join()}]')`);
  old.close();
  const fails = dice.fraction() < 0.5;
  const said: string[] = [];
  try {
    const schema = fails ? [...steps, 'this is no SQL'] : steps;
    openDatabase(file, { schema, onMigrate: (copy) => said.push(copy) }).close();
    if (fails) notes.push('a schema with a mistake is taken');
  } catch {
    if (!fails) notes.push('a schema does not move forward');
  }
  const copy = `${file}.v${version}.bak`;
  if (!existsSync(copy) || said[0] !== copy) {
    notes.push(`version ${version} is changed and there is no copy`);
    return;
  }
  const kept = openDatabase(copy, { readonly: true, schema: steps });
  const count = Number(kept.prepare('SELECT count(*) FROM t').pluck().get());
  kept.close();
  if (count !== rows) notes.push(`${rows} rows were there, the copy has ${count}`);
}

/** What a newer version wrote is not opened by an older one, and no byte of it changes. */
function refuseNewer(file: string, dice: Chance, notes: string[]): void {
  const version = dice.between(1, steps.length);
  const newer = openDatabase(file, { schema: steps.slice(0, version) });
  newer.pragma('wal_checkpoint(TRUNCATE)');
  newer.close();
  const before = readFileSync(file);
  const known = dice.between(0, version - 1);
  try {
    openDatabase(file, { schema: steps.slice(0, known) }).close();
    notes.push(`version ${known} opens what the newer version ${version} wrote`);
  } catch (error) {
    const isRefused = error instanceof EdgeError && error.code === 'DB_NEWER';
    if (!isRefused) notes.push(`a newer version is refused with ${String(error)}`);
  }
  if (!readFileSync(file).equals(before)) notes.push('what a newer version wrote is changed');
}
