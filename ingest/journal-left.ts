/** Goes on with what is left of a journal whose WAL a disk changed, because a person says so. */
import { EdgeError } from '../devices/errors.ts';
import { copyAside } from '../devices/io/copy-aside.ts';
import { openDatabase } from '../devices/io/sqlite.ts';
import { findRottenWal, type RottenWal } from '../devices/io/wal-check.ts';
import { journalSchema } from './journal-schema.ts';

export interface JournalLeft extends RottenWal {
  /** The journal as it was, with its WAL. */
  readonly kept: string;
}

/**
 * Copies the journal aside and moves into it what SQLite sees of the WAL, which is empty
 * afterwards. `undefined` where the WAL is not damaged. No ingester may run.
 *
 * @throws EdgeError DB_BACKUP_FAILED where there is no room for the copy; nothing was changed
 */
export function goOnWithLeft(file: string): JournalLeft | undefined {
  const rotten = findRottenWal(file);
  if (rotten === undefined) return undefined;
  const kept = copyAside(file);
  if (kept === undefined) throw new EdgeError('DB_BACKUP_FAILED', `copying ${file} aside`);
  const db = openDatabase(file, { schema: journalSchema });
  try {
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  return { ...rotten, kept };
}
