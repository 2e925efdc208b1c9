/** Many enrolments: what a start reads, what a look-up costs, and what a book sees of a journal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentialDigest } from '../../../devices/envelope.ts';
import { openDatabase } from '../../../devices/io/sqlite.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import { startAdmitPool } from '../../../ingest/admit-pool.ts';
import { createLocalJournal, startJournal } from '../../../ingest/journal.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { journalSchema } from '../../../ingest/journal-schema.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import type { EntryKind } from '../../../ingest/store.ts';
import { emptyTrust, enrolmentsOf, learnTrust } from '../../../ingest/trust.ts';
import { listingOf } from '../../../ingest/trust-listing.ts';
import { numberedDid, writeEnrolments } from '../../support/many-enrolments.ts';
import { makeWorld, worldMs } from '../../support/trust-world.ts';

const DEVICES = 4_000;

let directory: string;
let file: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bondline-scale-'));
  file = join(directory, 'many.db');
  writeEnrolments(file, DEVICES, worldMs);
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('a journal with many enrolments', () => {
  it('starts without reading any of them, and finds each', async () => {
    const journal = await startJournal(file);
    expect(journal.found.trust.map(({ header }) => header.kind)).toEqual(['organisation']);
    const book = emptyTrust(journal.enrolments);
    learnTrust(book, { entries: journal.found.trust, position: journal.found.size });
    expect(book.enrolments.size).toBe(0);
    for (const index of [0, 1, DEVICES / 2, DEVICES - 1]) {
      const [one, ...others] = enrolmentsOf(book, numberedDid(index));
      expect(one).toMatchObject({ position: index + 1, enrolment: { device: numberedDid(index) } });
      expect(others).toEqual([]);
    }
    expect(enrolmentsOf(book, numberedDid(DEVICES))).toEqual([]);
    await journal.close();
  });

  it('is looked into through an index, whatever its size', () => {
    const db = new SqliteDatabase(file, { readonly: true });
    const plan = db
      .prepare(
        'EXPLAIN QUERY PLAN SELECT position FROM enrolment WHERE device = ? AND position < ?',
      )
      .all('x', 1) as { detail: string }[];
    db.close();
    expect(plan.map(({ detail }) => detail).join()).toMatch(/^SEARCH enrolment USING PRIMARY KEY/);
  });

  it('is listed page by page, each enrolment once', () => {
    const reader = openJournalReader(file);
    const book = emptyTrust(reader);
    const seen: string[] = [];
    let pages = 0;
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page = listingOf(book, { from, count: 999 });
      expect(page.enrolmentCount).toBe(DEVICES);
      seen.push(...page.enrolments.map(({ device }) => device));
      pages += 1;
      from = page.next;
    }
    expect(pages).toBe(Math.ceil(DEVICES / 999));
    expect(new Set(seen).size).toBe(DEVICES);
    expect(seen).toHaveLength(DEVICES);
    reader.close();
  });

  it('of an older version gets its index when it is opened', () => {
    const old = join(directory, 'old.db');
    const world = numberedDid(3);
    writeEnrolments(old, 5, worldMs);
    const db = new SqliteDatabase(old);
    for (const table of tablesSince(1)) db.exec(`DROP TABLE ${table}`);
    db.exec('PRAGMA user_version = 1');
    db.close();
    const store = openJournalStore(old);
    expect(store.enrolmentsOf(world, store.size())).toMatchObject([{ position: 4 }]);
    expect(store.hasEnrolments()).toBe(true);
    store.close();
  });
});

/** The tables that a journal of this version did not have. */
function tablesSince(version: number): string[] {
  const [old, now] = [version, journalSchema.length].map((steps) => {
    const db = openDatabase(':memory:', { schema: journalSchema.slice(0, steps) });
    const names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all();
    db.close();
    return names as string[];
  });
  return (now ?? []).filter((name) => !old?.includes(name));
}

describe('a book over a journal', () => {
  const world = makeWorld();
  const device = world.device.signer.did;
  const put = (store: JournalStore, kind: EntryKind, bytes: Uint8Array) => {
    const digest = kind === 'organisation' ? digestMultibase(bytes) : credentialDigest(bytes);
    const header = { version: 1, tenant: 't', kind, receivedMs: worldMs, digest } as const;
    const [appended] = store.append([{ header, bytes }]);
    return { position: appended?.position ?? -1, header, bytes };
  };

  it('sees an enrolment when it is told of it, not before, and then at once', async () => {
    const store = openJournalStore(':memory:');
    const book = emptyTrust(store);
    const organisation = put(store, 'organisation', world.document());
    learnTrust(book, { entries: [organisation], position: 1 });
    const first = put(store, 'enrolment', await world.enrolment());
    // The journal is ahead: a verdict by this book is one as of its own position.
    expect(enrolmentsOf(book, device)).toEqual([]);
    learnTrust(book, { entries: [first], position: 2 });
    expect(enrolmentsOf(book, device).map(({ position }) => position)).toEqual([1]);
    const second = put(store, 'enrolment', await world.enrolment());
    learnTrust(book, { entries: [second], position: 3 });
    expect(enrolmentsOf(book, device).map(({ position }) => position)).toEqual([2, 1]);
    store.close();
  });

  it('gives the same enrolments as one that keeps all, over changes of the organisation', async () => {
    const store = openJournalStore(':memory:');
    const [looked, kept] = [emptyTrust(store), emptyTrust()];
    const other = makeWorld();
    const entries = [
      put(store, 'enrolment', await world.enrolment()),
      put(store, 'organisation', world.document()),
      put(store, 'enrolment', await world.enrolment()),
      put(store, 'organisation', other.document()),
      put(store, 'enrolment', await world.enrolment({}, other.organisation)),
      put(store, 'organisation', world.document()),
      put(store, 'enrolment', await world.enrolment()),
    ];
    for (const book of [looked, kept]) learnTrust(book, { entries, position: entries.length });
    const found = enrolmentsOf(looked, device);
    expect(found.map(({ position }) => position)).toEqual([6, 4, 2]);
    expect(found).toEqual(enrolmentsOf(kept, device));
    store.close();
  });

  it('in an admission thread knows an enrolment that came while the thread ran', async () => {
    const path = join(directory, 'thread.db');
    const journal = await startJournal(path);
    const admitter = startAdmitPool({
      ...{ workers: 1, tenant: 't', journalFile: path, poisons: [] },
      ...{ clock: systemClock, log: silentLog },
    });
    const judge = async () => {
      const bytes = Uint8Array.from(await world.device.next(worldMs));
      const at = { gateway: world.fingerprint, receivedMs: worldMs, offset: 0 };
      const items = [{ ...at, length: bytes.length }];
      return admitter.admit({ buffer: bytes.buffer, items });
    };
    expect((await judge()).admissions).toMatchObject([{ code: 'IN_NOT_ENROLLED' }]);
    const document = world.document();
    const enrolment = await world.enrolment();
    const common = { version: 1, tenant: 't', receivedMs: worldMs } as const;
    const entries = [
      {
        header: { ...common, kind: 'organisation', digest: digestMultibase(document) },
        bytes: document,
      },
      {
        header: { ...common, kind: 'enrolment', digest: credentialDigest(enrolment) },
        bytes: enrolment,
      },
    ] as const;
    await journal.append(entries);
    const news = entries.map((entry, position) => ({ ...entry, position }));
    admitter.trust({ entries: news, position: 2 });
    const judged = await judge();
    expect(judged).toMatchObject({ trustPosition: 2, admissions: [{ outcome: 'accepted' }] });
    await admitter.close();
    await journal.close();
  });

  it('does not read a local journal before a device speaks', async () => {
    const journal = createLocalJournal(openJournalStore(':memory:'));
    expect(journal.found.trust).toEqual([]);
    expect(journal.enrolments.hasEnrolments()).toBe(false);
    await journal.close();
  });
});
