/**
 * Bits flip, pages tear, files lose their ends, in an outbox and in a journal as they lie on the
 * disk. What is sent afterwards must be what was signed, and what is shown must be what was
 * received, or nothing at all. Where something is gone that had surely been committed, it is said.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError, explain } from '../../../devices/errors.ts';
import { sqliteCode } from '../../../devices/io/sqlite.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import type { NewEntry } from '../../../ingest/store.ts';
import { openTwinsStore } from '../../../ingest/twins-store.ts';
import { Chance } from '../../sim/chance.ts';
import { memorySigner } from '../../support/identity.ts';
import { startMs } from '../../support/journal-entries.ts';
import { draftOf, openStore } from '../../unit/gateway/support/outbox-world.ts';
import { damage, type Files, readFiles, writeFiles } from '../disk/damage.ts';
import { mustBeNoticed } from '../disk/wal-layout.ts';
import { journalEntries } from '../disk/workloads.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

const counts = { short: 200, long: 10_000, shard: 1_000 };
const unit = 'damages';

export const bitFlipsOutbox: Fault = {
  name: 'bit-flips-outbox',
  summary: 'an outbox and its WAL are damaged on the disk: nothing is sent that was not signed',
  ...{ unit, counts },
  run: async (shard) => damageMany(shard, await outboxBench(shard.directory)),
};

export const bitFlipsJournal: Fault = {
  name: 'bit-flips-journal',
  summary: 'a journal and its WAL are damaged on the disk: nothing wrong is shown',
  ...{ unit, counts },
  run: async (shard) => damageMany(shard, journalBench(shard.directory)),
};

/** What a damage led to. */
export type Outcome =
  /** Nothing of it can be seen. */
  | 'harmless'
  /** A part is gone that a power cut could have taken: the last transaction, or the lost end. */
  | 'less'
  /** A part is gone, and the outbox says so: in its log, and in a loss that will be signed. */
  | 'told'
  /** It said that it is damaged, and stopped. */
  | 'refused';

interface Bench {
  readonly files: Files;
  /** Opens what is damaged as the program would. Returns sentences about what is wrong. */
  readonly look: (file: string) => { outcome: Outcome; wrong: readonly string[] };
}

function damageMany({ count, directory, say, seed }: Shard, { files, look }: Bench): Tally {
  const chance = new Chance(seed);
  const figures: Record<Outcome, number> = { harmless: 0, less: 0, told: 0, refused: 0 };
  const notes: string[] = [];
  let wrong = 0;
  for (let done = 1; done <= count; done += 1) {
    const { files: damaged, what } = damage(files, chance);
    // A name of its own each time: where opening fails, a connection may stay behind.
    const place = join(directory, String(done));
    mkdirSync(place);
    const file = join(place, 'damaged.db');
    writeFiles(file, damaged);
    const seen = lookSafely(() => look(file));
    rmSync(place, { recursive: true });
    figures[seen.outcome] += 1;
    const sentences = [...seen.wrong];
    if (seen.outcome === 'less' && mustBeNoticed(files.wal, damaged.wal)) {
      sentences.push('what was committed vanishes without a word');
    }
    if (sentences.length > 0) {
      wrong += 1;
      notes.push(`${what}: ${sentences.join('; ')}`);
    }
    if (done % 500 === 0) say(`${done} of ${count} damages`);
  }
  return { count, lost: 0, doubled: 0, wrong, notes: notes.slice(0, 20), figures };
}

/** A refusal with a code of ours, or of SQLite, is what an operator sees as a clear line. */
function lookSafely(look: () => ReturnType<Bench['look']>): ReturnType<Bench['look']> {
  try {
    return look();
  } catch (error) {
    if (error instanceof EdgeError || sqliteCode(error) !== '') {
      return { outcome: 'refused', wrong: [] };
    }
    return { outcome: 'refused', wrong: [`it failed without a code: ${explain(error)}`] };
  }
}

const BATCHES = 18;

/** Half of the batches stand in the database, half in the WAL. */
async function outboxBench(directory: string): Promise<Bench> {
  const file = join(directory, 'outbox.db');
  const device = memorySigner();
  const open = () => openStore({ file, devices: [device] });
  const fill = async ({ store }: ReturnType<typeof open>) => {
    for (let at = 0; at < BATCHES / 2; at += 1) {
      await store.append([draftOf(device.did, startMs + 1_000 * at)]);
    }
    return store;
  };
  (await fill(open())).close();
  const store = await fill(open());
  const files = readFiles(file);
  const signed = new Map(
    store.peek({ after: 0, count: BATCHES }).map(({ digest, token }) => [digest, token]),
  );
  store.close();
  return {
    files,
    look(damaged) {
      const said: string[] = [];
      const log = { ...silentLog, error: (message: string) => void said.push(message) };
      const { db, store } = openStore({ file: damaged, devices: [device], log });
      try {
        // Before damaged rows are looked at, which are told one by one.
        const isTold = said.length > 0;
        const losses = db.prepare("SELECT 1 FROM loss WHERE cause = 'damaged'").all();
        const devices = db.prepare('SELECT did FROM device').all();
        const isUnsigned = losses.length < devices.length;
        const rows = store.peek({ after: 0, count: 10 * BATCHES });
        const wrong = rows
          .filter(({ digest, token }) => !Buffer.from(signed.get(digest) ?? []).equals(token))
          .map(({ digest, id }) => `row ${id} (${digest}) would be sent and was not signed so`);
        if (new Set(rows.map(({ digest }) => digest)).size < rows.length) {
          wrong.push('a batch would be sent twice');
        }
        if (isTold && isUnsigned) wrong.push('what is lost is in the log and in no loss');
        const isLess = rows.length < BATCHES;
        return { outcome: isTold ? 'told' : isLess ? 'less' : 'harmless', wrong };
      } finally {
        store.close();
      }
    },
  };
}

/** States of the twins after each number of entries: a person may be shown any of them. */
function journalBench(directory: string): Bench {
  const file = join(directory, 'journal.db');
  const entries = journalEntries();
  const half = Math.floor(entries.length / 2);
  const first = openJournalStore(file);
  first.append(entries.slice(0, half));
  first.close();
  const second = openJournalStore(file);
  // Each in a transaction of its own, as they come.
  for (const entry of entries.slice(half)) second.append([entry]);
  const files = readFiles(file);
  const stored = second.read(0, entries.length).map((entry) => JSON.stringify(entry));
  const states = entries.map((_, at) => statesOf(file, at + 1));
  second.close();
  states.unshift(statesOfNothing());
  return {
    files,
    look(file) {
      const wrong: string[] = [];
      // As an ingester does: who writes comes first, and is who looks at the WAL.
      const store = openJournalStore(file);
      const reader = openJournalReader(file);
      try {
        const read = reader.read(0, 10 * entries.length);
        for (const entry of read) {
          if (JSON.stringify(entry) !== stored[entry.position]) {
            wrong.push(`entry ${entry.position} is read as what was never stored there`);
          }
        }
        const shown = statesOf(file, read.length);
        if (shown !== states[read.length]) wrong.push('twins are shown that nobody reported');
        wrong.push(...sentAgain(file, store, entries, shown));
        return { outcome: read.length < entries.length ? 'less' : 'harmless', wrong };
      } finally {
        reader.close();
        store.close();
      }
    },
  };
}

/** A gateway sends its batches once more: nobody is accused, and nothing takes effect twice. */
function sentAgain(
  file: string,
  store: JournalStore,
  entries: readonly NewEntry[],
  shown: string,
): string[] {
  const before = store.size();
  const sent = entries.filter(({ header }) => header.kind === 'batch');
  const appended = store.append(sent);
  const accused = appended.filter(({ kind }) => kind === 'equivocation');
  // What was missing may come back; where nothing was, nothing may change.
  const isSame = before < entries.length || statesOf(file, store.size()) === shown;
  return [
    ...accused.map(({ position }) => `entry ${position} accuses its device`),
    ...(isSame ? [] : ['a batch takes effect twice']),
  ];
}

function statesOfNothing(): string {
  return JSON.stringify([]);
}

/** The twins as they are stored after the first entries. */
function statesOf(file: string, end: number): string {
  const journal = openJournalReader(file);
  const store = openTwinsStore(':memory:');
  try {
    new Applier({ journal, store, plugins: foldPlugins }).drain(end);
    return JSON.stringify(store.list({ count: 1_000 }).map(({ id, state }) => [id, state]));
  } finally {
    store.close();
    journal.close();
  }
}
