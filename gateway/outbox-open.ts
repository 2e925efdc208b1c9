/**
 * Opens the outbox for those who write it. A gateway has nobody beside it, so that it goes on also
 * where a disk changed the WAL and SQLite will not see batches that had been committed: what was
 * there is copied aside, and each device signs that it lost an unknown number of readings.
 */

import { EdgeError } from '../devices/errors.ts';
import { afterCommit } from '../devices/io/checkpoint.ts';
import { copyAside } from '../devices/io/copy-aside.ts';
import { type Database, isDiskFailure, openDatabase } from '../devices/io/sqlite.ts';
import { findRottenWal, type RottenWal, settleWal } from '../devices/io/wal-check.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { Reserve } from './outbox-reserve.ts';
import { isDiskFull } from './outbox-rows.ts';
import { prepareStatements } from './outbox-statements.ts';
import { outboxSchema } from './outbox-tables.ts';

export interface OpenOutboxOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
  /** On a full disk it is opened in this room. */
  readonly reserve?: Reserve;
}

/**
 * Nobody else may have it open for writing.
 *
 * @throws EdgeError as `openDatabase` does, and what SQLite throws where the disk fails
 */
export function openOutbox(file: string, options: OpenOutboxOptions): Database {
  const rotten = findRottenWal(file);
  const kept = rotten && copyAside(file);
  if (!rotten) settleWal(file);
  const db = openOnFullDisk(file, options);
  try {
    if (rotten) tell(db, rotten, kept, options);
    return db;
  } catch (error) {
    if (!isDiskFailure(error)) db.close();
    throw error;
  }
}

/** Opening writes too. */
function openOnFullDisk(file: string, { log, reserve }: OpenOutboxOptions): Database {
  const onMigrate = (copy: string) => log.info('the outbox was copied before its update', { copy });
  const options = { schema: outboxSchema, onMigrate };
  try {
    return openDatabase(file, options);
  } catch (error) {
    const isFull = error instanceof EdgeError && isDiskFull(error.cause);
    if (!isFull || !reserve?.release()) throw error;
    return openDatabase(file, options);
  }
}

/** How much was lost nobody knows; the places are behind the last that is known. */
function tell(
  db: Database,
  { frames, seen, transactions }: RottenWal,
  kept: string | undefined,
  { clock, log, reserve }: OpenOutboxOptions,
): void {
  const found = { transactions, frames, seen, ...(kept !== undefined && { kept }) };
  log.error('the disk changed the WAL of the outbox: what was committed behind is lost', found);
  if (kept === undefined) log.warn('there is no room for a copy of the damaged outbox');
  const sql = prepareStatements(db);
  const nowMs = Math.trunc(clock.nowMs());
  const note = () => {
    db.transaction(() => {
      for (const { device, lastMs } of sql.marks.all()) {
        const [fromMs, toMs] = [Math.min(lastMs, nowMs), Math.max(lastMs, nowMs)];
        sql.recordLoss.run(device, 'damaged', fromMs, toMs, 0, 1);
      }
    }).immediate();
    afterCommit(db);
    // What stands behind would be taken for lost again at each start.
    db.pragma('wal_checkpoint(TRUNCATE)');
    afterCommit(db);
  };
  try {
    note();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    try {
      if (reserve?.release()) note();
    } catch (again) {
      // The damage is still there at the next start, and is told then.
      if (!isDiskFull(again)) throw again;
    }
  }
}
