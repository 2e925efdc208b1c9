/**
 * The work that is disturbed: the same calls in the same order each time, over the real stores, so
 * that "fail the Nth call" means the same call in each run.
 */
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { openKeyFile } from '../../../devices/io/key-store-file.ts';
import { writeFileDurably } from '../../../devices/io/write-file.ts';
import { systemClock } from '../../../devices/runtime.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import type { NewEntry } from '../../../ingest/store.ts';
import { openTwinsStore } from '../../../ingest/twins-store.ts';
import { memorySigner } from '../../support/identity.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  reading,
  startMs,
  tickEntry,
} from '../../support/journal-entries.ts';
import { draftOf, openStore } from '../../unit/gateway/support/outbox-world.ts';
import type { Told } from './told.ts';

/** What a workload is given. */
interface Work {
  /** Everything is written below it. */
  readonly folder: string;
  /** Private key of the device whose batches the outbox signs. */
  readonly key: KeyObject;
  readonly say: (told: Told) => void;
}

export const workloads = { outbox, journal, files } as const;

export type WorkloadName = keyof typeof workloads;

const GROUPS = 5;
const BATCHES = 3;

export const outboxFile = (folder: string) => join(folder, 'outbox.db');

/** Signs group after group, and has one batch of each settled. */
async function outbox({ folder, key, say }: Work): Promise<void> {
  const device = memorySigner(key);
  const { store } = openStore({ file: outboxFile(folder), devices: [device] });
  let after = 0;
  for (let group = 0; group < GROUPS; group += 1) {
    const drafts = Array.from({ length: BATCHES }, (_, at) =>
      draftOf(device.did, startMs + group * 1_000 + at),
    );
    await store.append(drafts);
    const rows = store.peek({ after, count: BATCHES });
    after = rows.at(-1)?.id ?? after;
    say({ kept: rows.map(({ digest }) => digest) });
    const gone = rows.slice(0, 1).map(({ digest }) => digest);
    say({ settling: gone });
    const { accepted } = store.settle(gone.map((digest) => ({ digest, outcome: 'accepted' })));
    // Where the disk is too full to forget a row, it is sent again and gets the same receipt.
    if (accepted > 0) say({ settled: gone });
  }
  store.close();
}

export const journalFile = (folder: string) => join(folder, 'journal.db');
export const twinsFile = (folder: string) => join(folder, 'twins.db');

/** Entries as they would come from a gateway: one device, its readings, and ticks between. */
export function journalEntries(): NewEntry[] {
  const device = deviceDid('fc-1');
  const entries: NewEntry[] = [enrolmentEntry({ position: 0, device })];
  for (let sequence = 1; sequence <= GROUPS * BATCHES; sequence += 1) {
    const timeMs = startMs + sequence * 1_000;
    const readings = [reading('volume', sequence, { type: 'Volume', unit: 'MTQ' })];
    const groups = [{ timeMs, gatewayTimeMs: timeMs, readings }];
    const position = entries.length;
    entries.push(batchEntry({ position, device, sequence, groups, closedMs: timeMs }));
    if (sequence % BATCHES === 0) entries.push(tickEntry(entries.length, timeMs + 500));
  }
  return entries.map(({ bytes, header }) => ({ header, bytes }));
}

/** Stores group after group and applies each to the twins. */
async function journal({ folder, say }: Work): Promise<void> {
  const store = openJournalStore(journalFile(folder));
  const reader = openJournalReader(journalFile(folder));
  const twins = openTwinsStore(twinsFile(folder));
  const applier = new Applier({ journal: reader, store: twins, plugins: foldPlugins });
  const entries = journalEntries();
  for (let at = 0; at < entries.length; at += BATCHES + 1) {
    const from = store.size();
    const appended = store.append(entries.slice(at, at + BATCHES + 1));
    say({ from, leaves: appended.map(({ leaf }) => leaf) });
    applier.drain();
    say({ applied: applier.cursor });
  }
  twins.close();
  reader.close();
  store.close();
}

export const plainFile = (folder: string) => join(folder, 'control.json');
export const keyFile = (folder: string) => join(folder, 'keys.json');
export const passphrase = 'a passphrase for one test only';

/** Replaces a file several times, and makes keys in a key store. */
async function files({ folder, say }: Work): Promise<void> {
  for (let version = 1; version <= 4; version += 1) {
    const text = `${version} `.repeat(700 * version);
    say({ writing: plainFile(folder), text });
    writeFileDurably(plainFile(folder), text);
    say({ written: plainFile(folder), text });
  }
  const keys = await openKeyFile(keyFile(folder), passphrase, systemClock);
  for (const label of ['one', 'two']) {
    const { did } = await keys.create(label, 'ES256');
    say({ key: did });
  }
  await keys.close();
}
