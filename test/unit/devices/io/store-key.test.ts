import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EdgeError } from '../../../../devices/errors.ts';
import {
  assertFull,
  backUpDatabase,
  convertDatabase,
  openDatabase,
} from '../../../../devices/io/sqlite.ts';
import { actOnStore } from '../../../../devices/io/store-files.ts';
import { makeStoreKey, readStoreKey, useStoreKey } from '../../../../devices/io/store-key.ts';

let directory = '';
let file = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-key-'));
  file = join(directory, 'some.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const schema = ['CREATE TABLE t (a TEXT) STRICT'];
const known = 'a reading that nobody else may read';

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as EdgeError).code;
  }
}

/** Names of the files in which what was written can be read. */
function readable(): string[] {
  return readdirSync(directory).filter((name) =>
    readFileSync(join(directory, name)).includes(known),
  );
}

function fill(count = 200) {
  const db = openDatabase(file, { schema });
  for (let n = 0; n < count; n += 1) db.prepare('INSERT INTO t VALUES (?)').run(`${known} ${n}`);
  return db;
}

describe('an encrypted database', () => {
  it('leaves nothing readable on the disk, WAL and copies included, and syncs each commit', () => {
    fill().close();
    // The search finds what is there to be found.
    expect(readable()).toEqual(['some.db']);
    rmSync(file);
    useStoreKey(directory, randomBytes(32));
    const db = fill();
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    assertFull(db);
    expect(readdirSync(directory)).toContain('some.db-wal');
    expect(readable()).toEqual([]);
    backUpDatabase(file, join(directory, 'copy.db'));
    db.exec('UPDATE t SET a = a || 1');
    db.close();
    expect(readable()).toEqual([]);
    const copy = openDatabase(join(directory, 'copy.db'), { schema, readonly: true });
    expect(copy.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 200 });
    copy.close();
  });

  it('opens with its own key alone, and is not taken for a plain one', () => {
    const key = randomBytes(32);
    useStoreKey(directory, key);
    fill().close();
    const before = readFileSync(file);
    useStoreKey(directory, randomBytes(32));
    expect(codeOf(() => openDatabase(file, { schema }))).toBe('DB_KEY_WRONG');
    expect(codeOf(() => openDatabase(file, { schema, readonly: true }))).toBe('DB_KEY_WRONG');
    expect(readFileSync(file)).toEqual(before);
    useStoreKey(directory, key);
    openDatabase(file, { schema }).close();
  });

  it('is never a plain file that somebody put in its place', () => {
    fill().close();
    useStoreKey(directory, randomBytes(32));
    expect(codeOf(() => openDatabase(file, { schema }))).toBe('DB_NOT_ENCRYPTED');
  });

  it('is made of a plain one, and plain again, with all that is in it', () => {
    fill().close();
    const key = randomBytes(32);
    expect(convertDatabase(file, key, 'encrypted')).toBe(true);
    expect(convertDatabase(file, key, 'encrypted')).toBe(false);
    expect(readable()).toEqual([]);
    useStoreKey(directory, key);
    const db = openDatabase(file, { schema });
    expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 200 });
    db.close();
    expect(codeOf(() => convertDatabase(file, randomBytes(32), 'plain'))).not.toBe('none');
    expect(convertDatabase(file, key, 'plain')).toBe(true);
    expect(readable()).toEqual(['some.db']);
  });

  it('leaves no copy readable: of an older version, of a damaged one, half of one', () => {
    fill().close();
    openDatabase(file, { schema: [...schema, 'CREATE TABLE u (a TEXT) STRICT'] }).close();
    const damaged = readFileSync(file);
    // Within a row: what damages the tree of pages is more than SQLite can convert.
    damaged.fill(0xff, 8_192 + 4_000, 8_192 + 4_010);
    writeFileSync(`${file}.damaged-1`, damaged);
    writeFileSync(`${file}.v2.bak.part`, damaged.subarray(0, 4_096 * 3));
    writeFileSync(join(directory, 'other.txt'), 'no database');
    const names = ['other.txt', 'some.db', 'some.db.damaged-1', 'some.db.v1.bak'];
    expect(readdirSync(directory).sort()).toEqual([...names, 'some.db.v2.bak.part']);
    const key = randomBytes(32);
    const about = { encryption: { key: { file: '' } }, passphrase: '', key, data: directory };
    const act = (action: 'encrypt' | 'decrypt') =>
      actOnStore({ ...about, action, names: ['some.db'], out: undefined }).map((line) =>
        line.slice(directory.length + 1),
      );
    expect(act('encrypt')).toEqual([
      'some.db: is encrypted now',
      'some.db.damaged-1: is encrypted now',
      'some.db.v1.bak: is encrypted now',
      'some.db.v2.bak.part: half a copy, removed',
    ]);
    expect(readable()).toEqual([]);
    expect(
      readdirSync(directory)
        .filter((name) => name !== 'lock.db')
        .sort(),
    ).toEqual(names);
    useStoreKey(directory, key);
    const copy = openDatabase(`${file}.v1.bak`, { schema, readonly: true });
    expect(copy.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 200 });
    copy.close();
    expect(act('decrypt')).toEqual(names.slice(1).map((name) => `${name}: is plain now`));
  });

  it('says of a copy that is too damaged to be encrypted that anyone can read it', () => {
    fill().close();
    const bytes = readFileSync(file);
    bytes.fill(0, 16, 100);
    writeFileSync(`${file}.damaged-1`, bytes);
    const about = { encryption: { key: { file: '' } }, passphrase: '', data: directory };
    const lines = actOnStore({
      ...{ ...about, key: randomBytes(32), action: 'encrypt' },
      ...{ names: ['some.db'], out: undefined },
    });
    expect(lines[1]).toMatch(
      /damaged-1: CANNOT BE CONVERTED \(DB_.*\), anyone can read it: remove it/,
    );
    expect(readable()).toEqual(['some.db.damaged-1']);
  });

  it('has a key that threads started later know', async () => {
    useStoreKey(directory, Buffer.alloc(32, 7));
    const url = new URL('../../../../devices/io/store-key.ts', import.meta.url).href;
    const worker = new Worker(
      `import('${url}').then(({ storeKeyOf }) =>
        require('node:worker_threads').parentPort.postMessage(storeKeyOf('${file}')))`,
      { eval: true },
    );
    const heard = await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    expect(heard).toBe('07'.repeat(32));
  });
});

describe('a store key', () => {
  it('is sealed by a passphrase, and by no other', async () => {
    const key = join(directory, 'store.key');
    makeStoreKey(key, 'right');
    const encryption = { key: { file: key } };
    const [one, two] = [await readStoreKey(encryption, 'right', {}), readFileSync(key, 'utf8')];
    expect(one).toHaveLength(32);
    expect(two).not.toContain(Buffer.from(one).toString('base64url'));
    const wrong = readStoreKey(encryption, 'wrong', {});
    await expect(wrong).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG' });
    writeFileSync(key, '{}');
    const none = readStoreKey(encryption, 'right', {});
    await expect(none).rejects.toMatchObject({ code: 'DB_KEY_UNREADABLE' });
  });

  it('comes as a credential of systemd', async () => {
    writeFileSync(join(directory, 'store'), `${'0a'.repeat(32)}\n`);
    const access = { environment: { CREDENTIALS_DIRECTORY: directory } };
    const key = await readStoreKey({ key: { credential: 'store' } }, '', access);
    expect(Buffer.from(key).toString('hex')).toBe('0a'.repeat(32));
    writeFileSync(join(directory, 'store'), 'short\n');
    const none = readStoreKey({ key: { credential: 'store' } }, '', access);
    await expect(none).rejects.toMatchObject({ code: 'DB_KEY_UNREADABLE' });
  });

  it('is never made twice', () => {
    const encryption = { key: { file: join(directory, 'store.key') } };
    const about = { encryption, passphrase: 'p', key: undefined, data: directory, names: [] };
    const make = () => actOnStore({ ...about, action: 'keygen', out: undefined });
    expect(make()).toHaveLength(1);
    expect(codeOf(make)).toBe('CFG_USAGE');
  });
});
