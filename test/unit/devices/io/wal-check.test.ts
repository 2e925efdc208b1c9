/** Rot in a WAL is told from what a power cut leaves, in files that SQLite itself wrote. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../../devices/io/sqlite.ts';
import { useStoreKey } from '../../../../devices/io/store-key.ts';
import { findRottenWal, settleWal } from '../../../../devices/io/wal-check.ts';
import { Chance } from '../../../sim/chance.ts';

const schema = ['CREATE TABLE t (a BLOB) STRICT', 'CREATE TABLE u (a BLOB, b INTEGER) STRICT'];
const HEADER = 32;
const FRAME = 24 + 4_096;
const SECTOR = 512;

let directory = '';
let open: Database[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wal-check-'));
});
afterEach(() => {
  for (const db of open) db.close();
  open = [];
  rmSync(directory, { recursive: true, force: true });
});

interface Left {
  readonly db: Buffer;
  readonly wal: Buffer;
}

function opened(file: string): Database {
  const db = openDatabase(file, { schema });
  open.push(db);
  return db;
}

/** One transaction of several pages. */
function write(db: Database, bytes = 6_000): void {
  db.transaction(() => {
    db.prepare('INSERT INTO t VALUES (?)').run(randomBytes(bytes));
    db.prepare('INSERT INTO u VALUES (?, 1)').run(randomBytes(20));
  }).immediate();
}

const leftOf = (file: string): Left => ({
  db: readFileSync(file),
  wal: readFileSync(`${file}-wal`),
});

let places = 0;
/** Puts files as a disk has them where nobody has opened them. */
function put({ db, wal }: Left, folder = join(directory, String(++places))): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'some.db');
  writeFileSync(file, db);
  writeFileSync(`${file}-wal`, wal);
  return file;
}

/** Transactions in a WAL, and where each of them begins in it. */
function filled(count = 6, folder = directory): Left & { readonly begins: readonly number[] } {
  const file = join(folder, 'some.db');
  const db = opened(file);
  const begins: number[] = [];
  for (let at = 0; at < count; at += 1) {
    begins.push(readFileSync(`${file}-wal`).length);
    write(db);
  }
  return { ...leftOf(file), begins };
}

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at);
  return changed;
}

const find = (left: Left) => findRottenWal(put(left));
const rowsOf = (file: string) =>
  (opened(file).prepare('SELECT count(*) AS rows FROM t').get() as { rows: number }).rows;

describe('a WAL', () => {
  it('that is whole, empty, short or not there is not rotten', () => {
    const left = filled();
    expect(find(left)).toBeUndefined();
    for (const length of [0, 7, HEADER, HEADER + 10]) {
      expect(find({ ...left, wal: left.wal.subarray(0, length) })).toBeUndefined();
    }
    const file = put(left);
    rmSync(`${file}-wal`);
    expect(findRottenWal(file)).toBeUndefined();
  });

  it('in which a bit of an early frame flipped is rotten, whichever it is', () => {
    const left = filled();
    const [from = 0, to = 0] = left.begins.slice(1, 3);
    for (let at = from; at < to; at += 61) {
      const file = put({ ...left, wal: flipped(left.wal, at) });
      const found = findRottenWal(file);
      expect(found, `byte ${at}`).toMatchObject({ seen: (from - HEADER) / FRAME });
      expect(found?.transactions).toBeGreaterThanOrEqual(4);
    }
    const file = put({ ...left, wal: flipped(left.wal, from + 100) });
    const frames = (left.wal.length - from) / FRAME;
    expect(findRottenWal(file)).toEqual({ seen: (from - HEADER) / FRAME, frames, transactions: 5 });
    // That is what SQLite makes of it.
    expect(rowsOf(file)).toBe(1);
  });

  it('whose header is damaged is rotten, and in which all is in the database already is not', () => {
    const left = filled();
    for (let at = 0; at < HEADER; at += 1) {
      expect(find({ ...left, wal: flipped(left.wal, at) }), `byte ${at}`).toMatchObject({
        seen: 0,
        frames: (left.wal.length - HEADER) / FRAME,
      });
    }
    const db = open[0] as Database;
    db.pragma('wal_checkpoint(PASSIVE)');
    const moved = leftOf(db.name);
    expect(moved.wal.length).toBe(left.wal.length);
    for (let at = 0; at < HEADER; at += 1) {
      expect(find({ ...moved, wal: flipped(moved.wal, at) }), `byte ${at}`).toBeUndefined();
    }
  });

  it('of which only the last transaction is damaged is what a power cut leaves', () => {
    const left = filled();
    const isMark = (at: number) => [4, 5, 6, 7].includes((at - HEADER) % FRAME);
    for (let at = left.begins.at(-1) ?? 0; at < left.wal.length; at += 53) {
      // One that makes a frame a commit, and no power cut leaves that, is said.
      if (!isMark(at))
        expect(find({ ...left, wal: flipped(left.wal, at) }), `byte ${at}`).toBeUndefined();
      expect(find({ ...left, wal: left.wal.subarray(0, at) }), `cut at ${at}`).toBeUndefined();
    }
  });

  it('of which the end of the transaction before the last is damaged is rotten', () => {
    const left = filled();
    const last = left.begins.at(-1) ?? 0;
    expect(find({ ...left, wal: flipped(left.wal, last - 50) })).toMatchObject({ transactions: 2 });
    expect(find({ ...left, wal: flipped(left.wal, last - FRAME - 50) })).toBeDefined();
  });

  it('with what a dropped transaction left behind newer ones is not rotten', () => {
    const file = join(directory, 'some.db');
    const db = opened(file);
    write(db);
    const before = readFileSync(`${file}-wal`).length;
    write(db, 60_000);
    const left = leftOf(file);
    left.wal.fill(0, before, before + FRAME);
    const again = put(left);
    expect(findRottenWal(again)).toBeUndefined();
    const next = opened(again);
    for (let times = 0; times < 2; times += 1) {
      write(next, 10);
      const now = leftOf(again);
      // The frames behind have the same salts, and a commit among them.
      expect(now.wal.length).toBe(left.wal.length);
      expect(find(now)).toBeUndefined();
    }
  });

  it('that was begun anew over older frames is not rotten, but is when it rots', () => {
    const { wal } = filled(30);
    const db = open[0] as Database;
    db.pragma('wal_checkpoint(PASSIVE)');
    for (let times = 0; times < 5; times += 1) write(db, 10);
    const left = leftOf(db.name);
    expect(left.wal.length).toBe(wal.length);
    expect(find(left)).toBeUndefined();
    expect(find({ ...left, wal: flipped(left.wal, HEADER + 60) })).toMatchObject({ seen: 0 });
    expect(find({ ...left, wal: flipped(left.wal, 18) })).toMatchObject({ seen: 0 });
  });

  it('of an encrypted database is looked at in the same way', () => {
    const folder = join(directory, 'sealed');
    const [elsewhere, key] = [join(directory, 'elsewhere'), randomBytes(32)];
    for (const one of [folder, elsewhere]) useStoreKey(one, key);
    const left = filled(6, folder);
    expect(findRottenWal(put(left, elsewhere))).toBeUndefined();
    for (const at of [5, HEADER + 3, HEADER + 100, left.begins[2] ?? 0]) {
      const file = put({ ...left, wal: flipped(left.wal, at) }, elsewhere);
      expect(findRottenWal(file)).toBeDefined();
    }
    const db = open[0] as Database;
    db.pragma('wal_checkpoint(PASSIVE)');
    const moved = leftOf(db.name);
    expect(findRottenWal(put({ ...moved, wal: flipped(moved.wal, 5) }, elsewhere))).toBeUndefined();
  });

  it.each([512, 65_536])('with pages of %i bytes is looked at in the same way', (pageSize) => {
    const file = join(directory, 'some.db');
    const made = openDatabase(file, { schema: [] });
    made.pragma('journal_mode = DELETE');
    made.pragma(`page_size = ${pageSize}`);
    made.exec('VACUUM');
    made.close();
    const left = filled();
    expect(left.wal.readUInt32BE(8)).toBe(pageSize);
    expect(find(left)).toBeUndefined();
    expect(find({ ...left, wal: flipped(left.wal, HEADER + 200) })).toMatchObject({ seen: 0 });
    expect(find({ ...left, wal: flipped(left.wal, 20) })).toMatchObject({ seen: 0 });
  });
});

/** What a cut leaves: of the sectors that were being written, any; the header goes ahead of all. */
function cut(before: Left, after: Left, chance: Chance): Left {
  const isAnew = !before.wal.subarray(0, HEADER).equals(after.wal.subarray(0, HEADER));
  const wal = Buffer.alloc(after.wal.length);
  before.wal.copy(wal);
  if (isAnew && chance.happens(0.4)) {
    const [from, to] = [chance.between(0, HEADER), chance.between(0, HEADER)].sort((a, b) => a - b);
    after.wal.copy(wal, from, from, to);
    return { ...before, wal: wal.subarray(0, Math.max(before.wal.length, HEADER)) };
  }
  if (isAnew) after.wal.copy(wal, 0, 0, HEADER);
  const share = chance.fraction();
  for (let at = 0; at < wal.length; at += SECTOR) {
    if (chance.happens(share))
      after.wal.copy(wal, Math.max(at, HEADER), Math.max(at, HEADER), at + SECTOR);
  }
  const end = chance.between(Math.min(before.wal.length, wal.length), wal.length);
  return { ...before, wal: chance.happens(0.5) ? wal : wal.subarray(0, end) };
}

describe('power cuts one after the other', () => {
  // Life by life the header is torn too, of which SQLite takes the salts though it is damaged.
  it.each(Array.from({ length: 8 }, (_, at) => at + 1))('are never taken for rot (%i)', (seed) => {
    const chance = new Chance(seed);
    let file = join(directory, 'some.db');
    for (let life = 0; life < 16; life += 1) {
      const db = openDatabase(file, { schema });
      for (let times = chance.between(0, 5); times > 0; times -= 1) {
        write(db, chance.pick([10, 3_000, 40_000]));
        if (chance.happens(0.2)) db.pragma('wal_checkpoint(PASSIVE)');
      }
      const before = leftOf(file);
      write(db, chance.pick([10, 3_000, 40_000]));
      const after = leftOf(file);
      db.close();
      const left = cut(before, after, chance);
      file = put(left);
      expect(findRottenWal(file), `life ${life}`).toBeUndefined();
      settleWal(file);
    }
  });
});
