/**
 * Opens SQLite databases the one way that keeps what it acknowledged: WAL, and `synchronous=FULL`
 * said explicitly on every connection. better-sqlite3 falls back to NORMAL at the first write
 * otherwise, and a power cut then takes committed rows.
 */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { EdgeError } from '../errors.ts';
import { makeDirectory } from './directory.ts';

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
 * @throws EdgeError DB_NEWER, DB_DAMAGED, DB_UNUSABLE, DB_NOT_DURABLE, CFG_DIRECTORY_UNWRITABLE
 */
export function openDatabase(file: string, options: OpenOptions): Database {
  const inMemory = file === ':memory:';
  if (!inMemory && !options.readonly) ensureDirectory(dirname(file));
  // The version is read on a read-only connection, so that a refusal changes no byte of the file.
  if (!inMemory && existsSync(file) && statSync(file).size > 0) {
    checkVersion(file, options.schema.length);
  }
  return guarded(file, () => {
    const db = new SqliteDatabase(file, {
      readonly: options.readonly ?? false,
      timeout: BUSY_MS,
    });
    try {
      if (options.readonly) {
        db.pragma('query_only = 1');
        return db;
      }
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`);
      db.pragma('foreign_keys = ON');
      // This is the connection's first write, after which the setting is worth reading.
      migrate(db, options.schema);
      assertFull(db);
      return db;
    } catch (error) {
      db.close();
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
    return () => {
      db.close();
    };
  });
}

/** The code of an error of SQLite (`SQLITE_FULL`), or an empty string for any other error. */
export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}

function checkVersion(file: string, known: number): void {
  guarded(file, () => {
    const probe = new SqliteDatabase(file, {
      readonly: true,
      timeout: BUSY_MS,
    });
    try {
      const found = Number(probe.pragma('user_version', { simple: true }));
      if (found <= known) return;
      throw new EdgeError('DB_NEWER', `${file} has version ${found}, this program knows ${known}`);
    } finally {
      probe.close();
    }
  });
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
