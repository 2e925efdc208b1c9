/** The journal as a log of hashes: the local one and the one in a thread pass the same suite. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentialDigest } from '../../devices/envelope.ts';
import { openDatabase } from '../../devices/io/sqlite.ts';
import { createTree, isConsistent } from '../../devices/merkle.ts';
import { createLocalJournal, type OpenJournal, startJournal } from '../../ingest/journal.ts';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import { journalSchema } from '../../ingest/journal-schema.ts';
import { openJournalStore } from '../../ingest/journal-store.ts';
import { treeSchema } from '../../ingest/journal-tree.ts';
import type { NewEntry } from '../../ingest/store.ts';
import { memorySigner } from '../support/identity.ts';
import { keepCheckpoint, signedCheckpoint } from '../support/rewritten-journal.ts';

function entry(text: string): NewEntry {
  const bytes = Buffer.from(text);
  const digest = credentialDigest(bytes);
  return { header: { version: 1, tenant: 't', kind: 'tick', receivedMs: 1, digest }, bytes };
}

const ticks = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => entry(`{"at":${from + at}}`));
const broken: NewEntry = { ...entry('x'), bytes: null as never };

/** The root over the leaves that were answered, computed beside the journal. */
function rootOver(leaves: readonly string[]): string {
  const tree = createTree();
  for (const leaf of leaves) tree.add(Buffer.from(leaf, 'hex'));
  return tree.root().toString('hex');
}

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bondline-log-'));
  file = join(directory, 'journal.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const kinds: [string, (file: string) => Promise<OpenJournal>][] = [
  ['local', async (at) => createLocalJournal(openJournalStore(at))],
  ['in a thread', startJournal],
];

describe.each(kinds)('the log of a journal, %s', (_name, open) => {
  it('has the root over its leaves, before and after a start', async () => {
    const leaves: string[] = [];
    for (const count of [0, 1, 2, 252, 1, 1, 300]) {
      const journal = await open(file);
      const appended = await journal.append(ticks(count, leaves.length));
      leaves.push(...appended.map(({ leaf }) => leaf));
      expect(await journal.log.head()).toEqual({ size: leaves.length, root: rootOver(leaves) });
      await journal.close();
    }
    const journal = await open(file);
    expect(await journal.log.head()).toEqual({ size: 557, root: rootOver(leaves) });
    for (const size of [0, 1, 255, 256, 257, 512, 556]) {
      expect(await journal.log.rootOf(size)).toBe(rootOver(leaves.slice(0, size)));
    }
    await journal.close();
  });

  it('proves of any two of its sizes that one continues the other', async () => {
    const journal = await open(file);
    await journal.append(ticks(600));
    const headOf = async (size: number) => ({
      size,
      root: Buffer.from(await journal.log.rootOf(size), 'hex'),
    });
    for (const [from, size] of [
      [1, 600],
      [255, 256],
      [256, 600],
      [257, 513],
      [599, 600],
      [600, 600],
    ] as const) {
      const proof = await journal.log.prove(from, size);
      expect(isConsistent(await headOf(from), await headOf(size), proof)).toBe(true);
      const other = await headOf(from - 1);
      expect(isConsistent({ ...other, size: from }, await headOf(size), proof)).toBe(false);
    }
    await journal.close();
  });

  it('is as before when a transaction fails, and goes on', async () => {
    const journal = await open(file);
    await journal.append(ticks(254));
    const before = await journal.log.head();
    await expect(journal.append([...ticks(5, 254), broken])).rejects.toThrow();
    expect(await journal.log.head()).toEqual(before);
    await journal.append(ticks(5, 1_000));
    const after = await journal.log.head();
    await journal.close();
    const again = await open(file);
    expect(await again.log.head()).toEqual(after);
    await again.close();
  });

  it('keeps the newest checkpoint and what each gateway said last', async () => {
    const signer = memorySigner();
    const journal = await open(file);
    await journal.append(ticks(3));
    const head = await journal.log.head();
    const [a, b] = ['a', 'b'].map((text) => Buffer.from(text)) as [Buffer, Buffer];
    const first = signedCheckpoint(signer, head, 5);
    await journal.log.keep(first, [{ gateway: 'x', token: a }]);
    await journal.log.keep(undefined, [{ gateway: 'x', token: b }]);
    await journal.close();
    const again = await open(file);
    const { checkpoint, isMended, statements } = again.found;
    expect({ ...checkpoint, token: Buffer.from(checkpoint?.token ?? '') }).toEqual({
      ...first,
      token: Buffer.from(first.token),
    });
    expect(statements.map(({ token }) => Buffer.from(token).toString())).toEqual(['b']);
    expect(isMended).toBe(false);
    await again.close();
  });

  it('makes nodes anew that were damaged while it ran', async () => {
    const journal = await open(file);
    await journal.append(ticks(1_000));
    const proof = await journal.log.prove(300, 1_000);
    const db = new SqliteDatabase(file);
    db.exec('UPDATE tree SET hash = zeroblob(32) WHERE at = 2');
    db.close();
    expect(await journal.log.prove(300, 1_000)).not.toEqual(proof);
    const head = await journal.log.head();
    await journal.log.mend();
    expect([await journal.log.prove(300, 1_000), await journal.log.head()]).toEqual([proof, head]);
    await journal.close();
  });
});

describe('a journal that is opened', () => {
  const signer = memorySigner();
  const change = (sql: string, ...values: unknown[]) => {
    const db = new SqliteDatabase(file);
    expect(db.prepare(sql).run(...values).changes).toBeGreaterThan(0);
    db.close();
  };
  const fill = (under: number, beyond: number) => {
    const store = openJournalStore(file);
    store.append(ticks(under));
    keepCheckpoint(store, signer, 1);
    store.append(ticks(beyond, under));
    store.close();
  };

  it('goes on where entries came after its checkpoint', () => {
    fill(300, 300);
    const store = openJournalStore(file);
    expect(store.head().size).toBe(600);
    store.close();
  });

  it.each([
    ['a stored node', 'UPDATE tree SET hash = zeroblob(32) WHERE at = 0'],
    ['a node that came after its checkpoint', 'UPDATE tree SET hash = zeroblob(32) WHERE at = 1'],
    ['a node that is gone', 'DELETE FROM tree WHERE at = 0'],
    ['a node of no length', "UPDATE tree SET hash = x'' WHERE at = 0"],
  ])('makes its tree anew from its entries where there was %s', (_what, sql) => {
    fill(300, 300);
    const before = openJournalStore(file);
    const head = before.head();
    expect(before.isMended).toBe(false);
    before.close();
    change(sql);
    for (const isMended of [true, false]) {
      const store = openJournalStore(file);
      expect([store.isMended, store.head()]).toEqual([isMended, head]);
      store.close();
    }
  });

  it.each([
    ['a leaf below its checkpoint', 'UPDATE entry SET leaf = zeroblob(32) WHERE position = 290'],
    ['a leaf that came after', 'UPDATE entry SET leaf = zeroblob(32) WHERE position = 599'],
    ['an end that is cut off', 'DELETE FROM entry WHERE position >= 299'],
    ['an entry that is gone', 'DELETE FROM entry WHERE position = 299'],
  ])('stops at %s', (_what, sql) => {
    fill(300, 300);
    change(sql);
    expect(() => openJournalStore(file)).toThrow(
      expect.objectContaining({ code: 'IN_JOURNAL_DAMAGED' }),
    );
  });

  it('stops at a checkpoint of other entries, and goes on without one that is damaged', () => {
    fill(300, 300);
    const other = signedCheckpoint(signer, { size: 300, root: '0'.repeat(64) }, 1);
    change('UPDATE checkpoint SET token = ?', other.token);
    expect(() => openJournalStore(file)).toThrow(
      expect.objectContaining({ code: 'IN_JOURNAL_DAMAGED' }),
    );
    change('UPDATE checkpoint SET token = ?', other.token.subarray(1));
    const store = openJournalStore(file);
    expect([store.checkpoint(), store.head().size]).toEqual([undefined, 600]);
    store.close();
  });

  /** A journal as a version before trees would have left it. */
  const writeOld = (count: number) => {
    const today = join(directory, 'today.db');
    const before = openJournalStore(today);
    before.append(ticks(count));
    const head = before.head();
    before.close();
    const old = openDatabase(file, {
      schema: journalSchema.slice(0, journalSchema.indexOf(treeSchema)),
    });
    old.exec(`ATTACH '${today}' AS today`);
    for (const table of ['entry', 'rare']) {
      old.exec(`INSERT INTO main.${table} SELECT * FROM today.${table}`);
    }
    old.close();
    return head;
  };

  it('gets its tree where an older version wrote it', () => {
    const head = writeOld(1_700);
    const reader = openJournalReader(file);
    expect([reader.checkpoint(), reader.statements()]).toEqual([undefined, []]);
    reader.close();
    const after = openJournalStore(file);
    expect(after.head()).toEqual(head);
    expect(after.rootOf(256)).toBe(rootOver(leavesOf(after, 256)));
    after.close();
  });

  it.each([
    ['lacks an entry', 'DELETE FROM entry WHERE position = 2'],
    ['has a leaf that is none', "UPDATE entry SET leaf = x'00' WHERE position = 2"],
  ])('gets none where an older version wrote it and it %s', (_what, sql) => {
    writeOld(300);
    change(sql);
    expect(() => openJournalStore(file)).toThrow(
      expect.objectContaining({ code: 'IN_JOURNAL_DAMAGED' }),
    );
  });
});

const leavesOf = (store: { leaf(position: number): string | undefined }, count: number) =>
  Array.from({ length: count }, (_, at) => store.leaf(at) ?? '');
