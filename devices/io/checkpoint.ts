/** When the WAL is moved into the database: by us, since SQLite keeps quiet when a sync fails. */
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
 * Moves the WAL into the database once it has grown; to be called after commits. SQLite would do it
 * by itself, but swallows a failed sync and tries it again, which proves nothing: what the kernel
 * could not write it may have forgotten. A disk that is full leaves the WAL for the next time.
 *
 * @throws what SQLite throws where the disk fails
 */
export function checkpointIfDue(db: Database): void {
  const look = looks.get(db) ?? db.prepare<[], WalState>('PRAGMA wal_checkpoint(NOOP)');
  looks.set(db, look);
  const { checkpointed = 0, log = 0 } = look.get() ?? {};
  if (log < CHECKPOINT_PAGES || checkpointed >= log) return;
  try {
    db.pragma('wal_checkpoint(PASSIVE)');
  } catch (error) {
    if (!sqliteCode(error).startsWith('SQLITE_FULL')) throw error;
  }
}
