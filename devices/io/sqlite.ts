/**
 * Opens SQLite databases the one way that keeps what it acknowledged: WAL, and `synchronous=FULL`
 * said explicitly on every connection. better-sqlite3 falls back to NORMAL at the first write
 * otherwise, and a power cut then takes committed rows.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
// The same interface over SQLite with encryption; loaded when a database has a key.
// @ts-expect-error Its package.json does not say where its types are; they are better-sqlite3's.
import type EncryptedDatabase from 'better-sqlite3-multiple-ciphers';
import { EdgeError } from '../errors.ts';
import { makeDirectory } from './directory.ts';
import { proveReplaced } from './prove-disk.ts';
import { storeKeyOf } from './store-key.ts';
import { syncPath } from './write-file.ts';

export type Database = SqliteDatabase.Database;
export type Statement<
  Parameters extends unknown[] | object = unknown[],
  Row = unknown,
> = SqliteDatabase.Statement<Parameters extends unknown[] ? Parameters : [Parameters], Row>;

export interface OpenOptions {
  /** Reads a database that another connection writes; it must exist. */
  readonly readonly?: boolean;
  /**
   * Steps, oldest first; version n of the database is the first n of them. Those that are missing
   * run in one transaction. A database that has more is refused unchanged.
   */
  readonly schema: readonly SchemaStep[];
  /** Told of the copy that was made before a database of an older version was changed. */
  readonly onMigrate?: (copy: string) => void;
  /** All of it can be made again from elsewhere, so that no copy is needed. */
  readonly isDerived?: true;
}

/** SQL, or work that SQL alone cannot do, such as an index over what stands inside of entries. */
export type SchemaStep = string | ((db: Database) => void);

/** The WAL file is cut back to this size after a checkpoint. */
const WAL_BYTES_MAX = 32 * 1024 * 1024;
/** Waits this long for another connection's lock before it fails. */
const BUSY_MS = 5_000;
/** `PRAGMA synchronous` as SQLite counts it. */
const FULL = 2;

/**
 * Opens or creates the database at `file` (`:memory:` for one that is not kept), brings its
 * schema up to date and proves that commits on this connection reach the disk.
 *
 * A database in a folder that has a key (store-key.ts) is encrypted, its WAL and copies too.
 *
 * @throws EdgeError DB_NEWER, DB_DAMAGED, DB_UNUSABLE, DB_NOT_DURABLE, CFG_DIRECTORY_UNWRITABLE,
 *   DB_DISK_FAILED, DB_KEY_WRONG, DB_NOT_ENCRYPTED, DB_CIPHER_MISSING, DB_BACKUP_FAILED
 */
export function openDatabase(file: string, options: OpenOptions): Database {
  const inMemory = file === ':memory:';
  if (!inMemory && !options.readonly) ensureDirectory(dirname(file));
  // The version is read on a read-only connection, so that a refusal changes no byte of the file.
  if (!inMemory && existsSync(file) && statSync(file).size > 0) {
    const found = checkVersion(file, options.schema.length);
    const isOld = found > 0 && found < options.schema.length;
    if (isOld && !options.readonly && !options.isDerived) copyBefore(file, found, options);
  }
  return guarded(file, () => {
    const db = connect(file, options.readonly ?? false);
    try {
      if (options.readonly) {
        db.pragma('query_only = 1');
        return db;
      }
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`);
      // SQLite's own checkpoints keep quiet when a sync fails; see checkpoint.ts.
      db.pragma('wal_autocheckpoint = 0');
      db.pragma('foreign_keys = ON');
      // This is the connection's first write, after which the setting is worth reading.
      migrate(db, options.schema);
      assertFull(db);
      // SQLite syncs the folder of a file that it made, and takes no notice where that fails.
      if (!inMemory) syncPath(dirname(file));
      return db;
    } catch (error) {
      // Closing it would sync once more what could not be synced.
      if (!isDiskFailure(error)) db.close();
      throw error;
    }
  });
}

/**
 * Asserts that commits on this connection are synced. Call it after a connection's first write:
 * before that the answer proves nothing.
 *
 * @throws EdgeError DB_NOT_DURABLE
 */
export function assertFull(db: Database): void {
  const synchronous = db.pragma('synchronous', { simple: true });
  if (synchronous === FULL) return;
  throw new EdgeError('DB_NOT_DURABLE', `synchronous is ${String(synchronous)}, not FULL`);
}

/** What is not referred to is collected, which closes it: the lock would go with it. */
const locks = new Set<Database>();

/**
 * Takes the data directory for this process until the returned function is called or the process
 * ends, however it ends: the lock is the operating system's, held through `lock.db`.
 *
 * @throws EdgeError DB_IN_USE, CFG_DIRECTORY_UNWRITABLE
 */
export function lockDirectory(directory: string): () => void {
  ensureDirectory(directory);
  const file = `${directory}/lock.db`;
  return guarded(file, () => {
    const db = new SqliteDatabase(file, { timeout: 0 });
    try {
      db.exec('BEGIN EXCLUSIVE');
    } catch (cause) {
      db.close();
      if (sqliteCode(cause).startsWith('SQLITE_BUSY')) {
        throw new EdgeError('DB_IN_USE', `taking the data directory ${directory}`);
      }
      throw cause;
    }
    locks.add(db);
    return () => {
      locks.delete(db);
      db.close();
    };
  });
}

/**
 * Whether a disk failed to write, or to sync what was written. Nothing more may be done with its
 * files then, not even closing them: the process ends at once.
 */
export function isDiskFailure(error: unknown): boolean {
  const cause = error instanceof EdgeError ? error.cause : error;
  const isNamed = (one: unknown) => one instanceof EdgeError && one.code === 'DB_DISK_FAILED';
  return isNamed(error) || isNamed(cause) || sqliteCode(cause).startsWith('SQLITE_IOERR');
}

/** Connections that are never closed. */
const left: Database[] = [];

/**
 * Leaves the databases at `files`, which threads of this process have open, as they are on a disk
 * that failed: when the process ends, each thread closes its connections, and the last one of a
 * database writes and syncs it. Called on the main thread, whose connections the end does not
 * close, this is never the last. Returns whether it worked; or else only SIGKILL leaves them alone.
 */
export function leaveAlone(files: readonly string[]): boolean {
  try {
    for (const file of files) {
      const db = connect(file, true);
      left.push(db);
      // The first read takes the lock, which stays.
      db.prepare('SELECT count(*) FROM sqlite_master').get();
    }
    return true;
  } catch {
    return false;
  }
}

/** The code of an error of SQLite (`SQLITE_FULL`), or an empty string for any other error. */
export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}

/** A connection; with the key of its folder, where that has one. */
function connect(file: string, readonly: boolean): Database {
  const options = { readonly, timeout: BUSY_MS };
  const key = file === ':memory:' ? undefined : storeKeyOf(file);
  if (key === undefined) return new SqliteDatabase(file, options);
  if (isPlain(file)) throw new EdgeError('DB_NOT_ENCRYPTED', `opening ${file}`);
  const db = new (loadEncrypted())(file, options);
  applyKey(db, key);
  return db;
}

/** SQLCipher 4: AES-256-CBC with an HMAC for each page; the key is used as it is. */
function applyKey(db: Database, key: string): void {
  db.pragma("cipher = 'sqlcipher'");
  db.pragma('legacy = 4');
  db.pragma(`key = "x'${key}'"`);
  // What does not fit into memory while sorting would be written down in plain text.
  db.pragma('temp_store = MEMORY');
}

function loadEncrypted(): typeof SqliteDatabase {
  try {
    const load = createRequire(import.meta.url);
    return load('better-sqlite3-multiple-ciphers') as typeof EncryptedDatabase;
  } catch (cause) {
    throw new EdgeError('DB_CIPHER_MISSING', 'loading better-sqlite3-multiple-ciphers', { cause });
  }
}

const PLAIN_HEADER = 'SQLite format 3\0';

/** Whether the file is a database that anyone can read. */
export function isPlain(file: string): boolean {
  if (!existsSync(file)) return false;
  const head = Buffer.alloc(PLAIN_HEADER.length);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, head, 0, head.length, 0);
  } finally {
    closeSync(handle);
  }
  return head.toString('latin1') === PLAIN_HEADER;
}

/**
 * Encrypts a database with the key of its folder, or makes an encrypted one plain again, in place
 * and in one transaction. Nobody else may have it open. Returns whether there was anything to do.
 *
 * @throws EdgeError DB_KEY_WRONG, DB_UNUSABLE, DB_CIPHER_MISSING
 */
export function convertDatabase(file: string, key: Uint8Array, to: 'encrypted' | 'plain'): boolean {
  if (isPlain(file) === (to === 'plain')) return false;
  const hex = Buffer.from(key).toString('hex');
  return guarded(file, () => {
    const db = new (loadEncrypted())(file, { timeout: 0 });
    try {
      if (to === 'plain') applyKey(db, hex);
      // Keys cannot change in WAL mode; the rollback journal makes the change whole or none.
      db.pragma('journal_mode = DELETE');
      db.pragma('synchronous = FULL');
      if (to === 'plain') db.pragma("rekey = ''");
      else {
        db.pragma("cipher = 'sqlcipher'");
        db.pragma('legacy = 4');
        db.pragma(`rekey = "x'${hex}'"`);
      }
      db.exec('VACUUM');
      return true;
    } finally {
      db.close();
    }
  });
}

/**
 * Copies a database as of one moment, also while another process writes it. The copy is there
 * whole and synced, or not at all; one that was there is replaced. The copy of an encrypted
 * database is encrypted with the same key.
 *
 * @throws EdgeError as `openDatabase` does
 */
export function backUpDatabase(file: string, copy: string): void {
  ensureDirectory(dirname(copy));
  const part = `${copy}.part`;
  try {
    guarded(file, () => {
      rmSync(part, { force: true });
      const db = connect(file, true);
      try {
        db.prepare('VACUUM INTO ?').run(part);
      } finally {
        db.close();
      }
      syncPath(part);
      renameSync(part, copy);
      syncPath(dirname(copy));
      proveReplaced(copy, part);
    });
  } catch (error) {
    // On a disk that is full, half a copy would only take the room of others.
    rmSync(part, { force: true });
    throw error;
  }
}

/**
 * Copies a database before its schema changes. Of the copies of older versions none is kept: with
 * each update of the program they would become more.
 *
 * @throws EdgeError DB_BACKUP_FAILED, DB_DISK_FAILED; nothing was changed
 */
function copyBefore(file: string, version: number, { onMigrate }: OpenOptions): void {
  const copy = `${file}.v${version}.bak`;
  try {
    backUpDatabase(file, copy);
  } catch (error) {
    if (isDiskFailure(error)) throw error;
    const cause = error instanceof EdgeError && error.cause ? error.cause : error;
    throw new EdgeError('DB_BACKUP_FAILED', `copying ${file} to ${copy}`, { cause });
  }
  for (const name of readdirSync(dirname(file))) {
    const isCopy = name.startsWith(`${basename(file)}.v`) && /\.v\d+\.bak$/.test(name);
    if (isCopy && name !== basename(copy)) rmSync(join(dirname(file), name), { force: true });
  }
  onMigrate?.(copy);
}

function checkVersion(file: string, known: number): number {
  return guarded(file, () => {
    const found = versionOf(file);
    if (found <= known) return found;
    throw new EdgeError('DB_NEWER', `${file} has version ${found}, this program knows ${known}`);
  });
}

function versionOf(file: string): number {
  const read = (readonly: boolean) => {
    const probe = connect(file, readonly);
    try {
      return Number(probe.pragma('user_version', { simple: true }));
    } finally {
      probe.close();
    }
  };
  try {
    return read(true);
  } catch (error) {
    // The first start was cut short before WAL mode: only who writes can take back what it did.
    if (sqliteCode(error) !== 'SQLITE_READONLY_ROLLBACK') throw error;
    return read(false);
  }
}

function migrate(db: Database, schema: readonly SchemaStep[]): void {
  db.transaction(() => {
    const found = Number(db.pragma('user_version', { simple: true }));
    for (const step of schema.slice(found)) {
      if (typeof step === 'string') db.exec(step);
      else step(db);
    }
    db.pragma(`user_version = ${schema.length}`);
  }).immediate();
}

function ensureDirectory(directory: string): void {
  try {
    makeDirectory(directory, 0o700);
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `making ${directory}`, {
      cause,
    });
  }
}

/** Gives SQLite's failures a code that an operator can look up. */
function guarded<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    const code = sqliteCode(cause);
    if (isDiskFailure(cause)) throw new EdgeError('DB_DISK_FAILED', `opening ${file}`, { cause });
    if (code.startsWith('SQLITE_NOTADB') && storeKeyOf(file) !== undefined) {
      throw new EdgeError('DB_KEY_WRONG', `opening ${file}`, { cause });
    }
    if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) {
      throw new EdgeError('DB_DAMAGED', `opening ${file}`, { cause });
    }
    if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN')) {
      throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `opening ${file}`, {
        cause,
      });
    }
    throw new EdgeError('DB_UNUSABLE', `opening ${file}`, { cause });
  }
}
