/** A journal whose WAL a disk changed stops its writer, and goes on when a person says so. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeBackup } from '../../../ingest/backup.ts';
import { goOnWithLeft } from '../../../ingest/journal-left.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import { journalEntries } from '../../faults/disk/workloads.ts';

let directory = '';
let file = '';
const entries = journalEntries();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'journal-left-'));
  file = join(directory, 'journal.db');
  const store = openJournalStore(file);
  for (const entry of entries) store.append([entry]);
  const [db, wal] = [readFileSync(file), readFileSync(`${file}-wal`)];
  store.close();
  const at = wal.length >> 1;
  wal.writeUInt8(wal.readUInt8(at) ^ 1, at);
  writeFileSync(file, db);
  writeFileSync(`${file}-wal`, wal);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a journal with committed entries behind damage of its WAL', () => {
  it('does not open, and is as it was', () => {
    const bytes = () => [readFileSync(file), readFileSync(`${file}-wal`)];
    const before = bytes();
    for (let times = 0; times < 2; times += 1) {
      expect(() => openJournalStore(file)).toThrow(
        expect.objectContaining({ code: 'IN_JOURNAL_DAMAGED' }),
      );
    }
    expect(bytes()).toEqual(before);
  });

  it('is not copied as if it were whole', () => {
    const about = { name: 'site', tenant: 'test', key: undefined, files: [], hasKeys: false };
    const out = join(directory, 'backup');
    const make = () => makeBackup({ ...about, data: directory, out, nowMs: 0 });
    expect(make).toThrow(expect.objectContaining({ code: 'IN_JOURNAL_DAMAGED' }));
    goOnWithLeft(file);
    expect(make().entries).toBeGreaterThan(0);
  });

  it('goes on with what is left when a person says so, and is kept as it was', () => {
    const wal = readFileSync(`${file}-wal`);
    const left = goOnWithLeft(file);
    expect(left).toMatchObject({ kept: `${file}.damaged-1` });
    expect(left?.transactions).toBeGreaterThan(1);
    expect(readFileSync(`${file}.damaged-1-wal`).equals(wal)).toBe(true);
    const store = openJournalStore(file);
    expect(store.size()).toBeGreaterThan(0);
    expect(store.size()).toBeLessThan(entries.length);
    store.append(entries.slice(store.size()));
    expect(store.size()).toBe(entries.length);
    store.close();
    expect(goOnWithLeft(file)).toBeUndefined();
  });
});
