import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EdgeError } from '../../../../devices/errors.ts';
import { assertFull, lockDirectory, openDatabase } from '../../../../devices/io/sqlite.ts';

let directory = '';
let file = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sqlite-'));
  file = join(directory, 'data', 'some.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const one = ['CREATE TABLE t (a INTEGER) STRICT'];
const two = [...one, 'ALTER TABLE t ADD COLUMN b INTEGER'];

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as EdgeError).code;
  }
}

describe('a database', () => {
  it('is in WAL mode and syncs each commit, after the first write and later', () => {
    const db = openDatabase(file, { schema: one });
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    for (let row = 0; row < 3; row += 1) {
      db.exec(`INSERT INTO t VALUES (${row})`);
      expect(db.pragma('synchronous', { simple: true })).toBe(2);
    }
    db.close();
    const again = openDatabase(file, { schema: one });
    again.exec('INSERT INTO t VALUES (9)');
    expect(again.pragma('synchronous', { simple: true })).toBe(2);
    again.close();
  });

  it('that does not sync each commit is refused', () => {
    const db = openDatabase(file, { schema: one });
    db.pragma('synchronous = NORMAL');
    expect(codeOf(() => assertFull(db))).toBe('DB_NOT_DURABLE');
    db.close();
  });

  it('is brought up to date by the scripts that are missing, once', () => {
    const old = openDatabase(file, { schema: one });
    old.exec('INSERT INTO t VALUES (1)');
    old.close();
    for (let times = 0; times < 2; times += 1) {
      const db = openDatabase(file, { schema: two });
      expect(db.prepare('SELECT a, b FROM t').all()).toEqual([{ a: 1, b: null }]);
      expect(db.pragma('user_version', { simple: true })).toBe(2);
      db.close();
    }
  });

  it('whose update fails stays as it was', () => {
    openDatabase(file, { schema: one }).close();
    expect(codeOf(() => openDatabase(file, { schema: [...two, 'nonsense'] }))).toBe('DB_UNUSABLE');
    const db = openDatabase(file, { schema: one });
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    db.close();
  });

  it('of a newer version is refused, byte for byte unchanged', () => {
    openDatabase(file, { schema: two }).close();
    const before = readFileSync(file);
    expect(codeOf(() => openDatabase(file, { schema: one }))).toBe('DB_NEWER');
    expect(codeOf(() => openDatabase(file, { schema: one, readonly: true }))).toBe('DB_NEWER');
    expect(readFileSync(file)).toEqual(before);
  });

  it('can be read beside its writer, and not written', () => {
    const writer = openDatabase(file, { schema: one });
    const reader = openDatabase(file, { schema: one, readonly: true });
    writer.exec('INSERT INTO t VALUES (1)');
    expect(reader.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 1 });
    expect(() => reader.exec('INSERT INTO t VALUES (2)')).toThrow();
    reader.close();
    writer.close();
  });

  it('that is not there is not made by a reader', () => {
    expect(codeOf(() => openDatabase(file, { schema: one, readonly: true }))).not.toBe('none');
    expect(existsSync(file)).toBe(false);
  });

  it('that is none, or cannot be there, has a code', () => {
    const noDatabase = join(directory, 'text');
    writeFileSync(noDatabase, 'nonsense '.repeat(1_000));
    expect(codeOf(() => openDatabase(noDatabase, { schema: one }))).toBe('DB_DAMAGED');
    const below = join(noDatabase, 'below', 'some.db');
    expect(codeOf(() => openDatabase(below, { schema: one }))).toBe('CFG_DIRECTORY_UNWRITABLE');
  });
});

describe('a database of an older version', () => {
  const copies = () => readdirSync(join(directory, 'data')).filter((name) => /bak/.test(name));
  const rowsOf = (path: string) => {
    const db = openDatabase(path, { readonly: true, schema: [...two, 'CREATE TABLE u (a)'] });
    const rows = db.prepare('SELECT * FROM t').all();
    db.close();
    return rows;
  };

  it('is copied before it is changed, and said; of older copies none is kept', () => {
    const old = openDatabase(file, { schema: one });
    old.exec('INSERT INTO t VALUES (1)');
    old.close();
    expect(copies()).toEqual([]);
    const made: string[] = [];
    const onMigrate = (copy: string) => made.push(copy);
    openDatabase(file, { schema: two, onMigrate }).close();
    expect([made, copies()]).toEqual([[`${file}.v1.bak`], ['some.db.v1.bak']]);
    expect(rowsOf(`${file}.v1.bak`)).toEqual([{ a: 1 }]);
    openDatabase(file, { schema: two, onMigrate }).close();
    expect(made).toHaveLength(1);
    openDatabase(file, { schema: [...two, 'CREATE TABLE u (a)'], onMigrate }).close();
    expect(copies()).toEqual(['some.db.v2.bak']);
    expect(rowsOf(`${file}.v2.bak`)).toEqual([{ a: 1, b: null }]);
  });

  it('stays as it was where the copy finds no room, and can be made again from the copy', () => {
    openDatabase(file, { schema: one }).close();
    mkdirSync(`${file}.v1.bak`);
    expect(codeOf(() => openDatabase(file, { schema: two }))).toBe('DB_BACKUP_FAILED');
    const db = openDatabase(file, { schema: one });
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    db.close();
    rmdirSync(`${file}.v1.bak`);
    expect(readdirSync(join(directory, 'data')).filter((name) => /part/.test(name))).toEqual([]);
    expect(codeOf(() => openDatabase(file, { schema: [...two, 'nonsense'] }))).toBe('DB_UNUSABLE');
    expect(copies()).toEqual(['some.db.v1.bak']);
  });

  it('that can be made again from elsewhere is not copied, nor is one that is only read', () => {
    openDatabase(file, { schema: one }).close();
    openDatabase(file, { schema: two, readonly: true }).close();
    openDatabase(file, { schema: two, isDerived: true }).close();
    expect(copies()).toEqual([]);
  });
});

describe('a data directory', () => {
  it('stays taken when nobody keeps the lock, whatever is collected', async () => {
    const data = join(directory, 'data');
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    (() => void lockDirectory(data))();
    for (let times = 0; times < 5; times += 1) {
      collect();
      await new Promise((done) => setImmediate(done));
    }
    expect(codeOf(() => lockDirectory(data))).toBe('DB_IN_USE');
  });

  it('belongs to one at a time', () => {
    const data = join(directory, 'data');
    const release = lockDirectory(data);
    expect(codeOf(() => lockDirectory(data))).toBe('DB_IN_USE');
    release();
    lockDirectory(data)();
  });
});
