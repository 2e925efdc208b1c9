/** What an audit tells of a journal that was rewritten by who has all but the old checkpoint. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentialDigest } from '../../../devices/envelope.ts';
import { auditJournal } from '../../../ingest/audit.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import type { KeptCheckpoint, NewEntry } from '../../../ingest/store.ts';
import { memorySigner } from '../../support/identity.ts';
import { keepCheckpoint, rewriteJournal } from '../../support/rewritten-journal.ts';

const signer = memorySigner();

function entry(at: number, note = ''): NewEntry {
  const bytes = Buffer.from(JSON.stringify({ at, note }));
  const digest = credentialDigest(bytes);
  return { header: { version: 1, tenant: 't', kind: 'tick', receivedMs: at, digest }, bytes };
}

let folder: string;
let file: string;
let kept: KeptCheckpoint[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bondline-audit-'));
  file = join(folder, 'journal.db');
  const store = openJournalStore(file);
  kept = [100, 40, 160].map((count) => {
    const from = store.size();
    store.append(Array.from({ length: count }, (_, at) => entry(from + at)));
    return keepCheckpoint(store, signer, store.size());
  });
  store.append([entry(300), entry(301)]);
  store.close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const audit = () =>
  auditJournal({ file, checkpoints: kept.map((one) => ({ ...one, issuer: signer.did })) });
const rewrite = (change: (entries: NewEntry[]) => NewEntry[]) =>
  rewriteJournal({ file, signer, issuedMs: 999, change: (all) => change([...all]) });

describe('an audit', () => {
  it('says that all hold where nothing was rewritten', () => {
    const { change, checkpoints, damage, entries } = audit();
    expect(checkpoints.map(({ holds }) => holds)).toEqual([true, true, true]);
    expect({ change, damage, entries }).toEqual({ entries: 302 });
  });

  it.each<[string, (entries: NewEntry[]) => NewEntry[]]>([
    ['changed', (all) => all.with(120, entry(120, 'other'))],
    ['changed in what the ingester says of it', (all) => all.with(120, changedHeader(all[120]))],
    ['removed', (all) => all.toSpliced(120, 1)],
    ['added', (all) => all.toSpliced(120, 0, entry(9_999))],
    ['moved', (all) => all.with(120, all[121] as NewEntry).with(121, all[120] as NewEntry)],
  ])('tells that an entry was %s, and between which checkpoints', (_how, change) => {
    rewrite(change);
    const found = audit();
    expect(found.checkpoints.map(({ holds }) => holds)).toEqual([true, false, false]);
    expect(found.change).toEqual({ from: 100, to: 140 });
    expect(found.damage).toBeUndefined();
  });

  it('tells that the end was cut off', () => {
    rewrite((all) => all.slice(0, 290));
    expect(audit().checkpoints.map(({ failure }) => failure)).toEqual([
      undefined,
      undefined,
      'shorter',
    ]);
  });

  it('says nothing of what came after the newest checkpoint that is at hand', () => {
    rewrite((all) => all.slice(0, 301));
    expect(audit().change).toBeUndefined();
  });

  it.each([
    ['bytes beside the old leaf', "UPDATE entry SET bytes = x'00' WHERE position = 120"],
    [
      'an entry where no position leads to it',
      'UPDATE entry SET position = -1 WHERE position = 301',
    ],
    ['a position that is left out', 'DELETE FROM entry WHERE position = 120'],
  ])('names the damage where there is %s', (_what, sql) => {
    const db = new SqliteDatabase(file);
    db.exec(sql);
    db.close();
    expect(audit().damage).toMatch(/journal entry (120|-1)$/);
  });

  it('believes no tree that stands in the database', () => {
    const other = join(folder, 'other.db');
    copyFileSync(file, other);
    rewrite((all) => all.with(7, entry(7, 'other')));
    const db = new SqliteDatabase(file);
    db.exec(`ATTACH '${other}' AS other; DELETE FROM tree; DELETE FROM checkpoint`);
    db.exec('INSERT INTO tree SELECT * FROM other.tree');
    db.exec('INSERT INTO checkpoint SELECT * FROM other.checkpoint');
    db.close();
    expect(audit().change).toEqual({ from: 0, to: 100 });
  });
});

function changedHeader(one: NewEntry | undefined): NewEntry {
  const { bytes, header } = one as NewEntry;
  return { header: { ...header, receivedMs: header.receivedMs + 1 }, bytes };
}
