/** What follows a commit: it is proven, and the WAL moved into the database when it has grown. */
import { proveCommitted } from './prove-disk.ts';
import { type Database, type Statement, sqliteCode } from './sqlite.ts';

/** Pages of the WAL beyond which it is moved into the database: SQLite's own number. */
const CHECKPOINT_PAGES = 1_000;

/** Statements that look at the WAL, by connection. */
const looks = new WeakMap<Database, Statement<[], WalState>>();

interface WalState {
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * To be called after a commit and before anyone is told of it.
 *
 * @throws EdgeError DB_DISK_FAILED, and what SQLite throws where the disk fails
 */
export function afterCommit(db: Database): void {
  prove(db);
  checkpointIfDue(db);
}

/**
 * Moves the WAL into the database once it has grown. SQLite would do it by itself, but swallows a
 * failed sync and tries it again, which proves nothing: what the kernel could not write it may have
 * forgotten. A disk that is full leaves the WAL for the next time.
 *
 * @throws EdgeError DB_DISK_FAILED, and what SQLite throws where the disk fails
 */
function checkpointIfDue(db: Database): void {
  const look = looks.get(db) ?? db.prepare<[], WalState>('PRAGMA wal_checkpoint(NOOP)');
  looks.set(db, look);
  const { checkpointed = 0, log = 0 } = look.get() ?? {};
  if (log < CHECKPOINT_PAGES || checkpointed >= log) return;
  try {
    db.pragma('wal_checkpoint(PASSIVE)');
    // The next commit may write over the WAL.
    prove(db);
  } catch (error) {
    if (!sqliteCode(error).startsWith('SQLITE_FULL')) throw error;
  }
}

function prove(db: Database): void {
  if (!db.memory) proveCommitted(db.name);
}
