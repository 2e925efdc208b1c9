/** Reads what the journal keeps of doubt: what waits, what was decided, who is in quarantine. */
import type { Database, Statement } from '../devices/io/sqlite.ts';
import { contradictionOf, type ReplayRow } from './journal-place.ts';
import type { BatchKey, EntryHeader } from './store.ts';

/** A batch that came in doubt. */
export interface DoubtfulRow extends Omit<BatchKey, 'previous'> {
  readonly position: number;
  /** The act that accepted it. */
  readonly act: number | null;
}

export interface QuarantineRow {
  readonly device: string;
  /** The entry that showed it, and the act that ended it. */
  readonly since: number;
  readonly act: number | null;
}

export interface DoubtReader {
  /** The header of an entry; its leaf is not checked. */
  headerAt(position: number): EntryHeader | undefined;
  /** Batches from position `from` on, at most `count`; with `open` those that wait. */
  doubtful(page: {
    readonly from: number;
    readonly count: number;
    readonly open: boolean;
    readonly device?: string;
  }): DoubtfulRow[];
  /** How many wait for a decision. */
  waitingCount(): number;
  doubtfulAt(position: number): DoubtfulRow | undefined;
  /** The position of what contradicts a batch with this header, were it accepted. */
  contradiction(header: EntryHeader): number | undefined;
  /** The newest first; with `open` those that nobody ended. */
  quarantines(page: { readonly count: number; readonly open: boolean }): QuarantineRow[];
}

const ROW = `SELECT position, did AS device, epoch_counter AS epochCounter,
  epoch_nonce AS epochNonce, sequence, act
  FROM doubtful JOIN device ON device.id = doubtful.device`;

/** Statements are prepared when they are first used: an older journal lacks the tables. */
export function createDoubtReader(
  db: Database,
  headerAt: (position: number) => EntryHeader | undefined,
): DoubtReader {
  const prepared = new Map<string, Statement>();
  const all = <Row>(sql: string, ...parameters: unknown[]): Row[] => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement.all(...parameters) as Row[];
  };
  return {
    headerAt,
    doubtful: ({ from, count, open, device = '' }) =>
      all(
        `${ROW} WHERE position >= ? AND (act IS NULL OR NOT ?) AND (? IN ('', did))
         ORDER BY position LIMIT ?`,
        from,
        open ? 1 : 0,
        device,
        count,
      ),
    waitingCount: () =>
      all<{ count: number }>('SELECT count(*) AS count FROM doubtful WHERE act IS NULL')[0]
        ?.count ?? 0,
    doubtfulAt: (position) => all<DoubtfulRow>(`${ROW} WHERE position = ?`, position)[0],
    contradiction({ batch, digest }) {
      if (batch === undefined) return undefined;
      const { device, epochCounter, epochNonce, sequence } = batch;
      const near = all<ReplayRow>(
        `SELECT sequence, digest, position FROM replay JOIN device ON device.id = replay.device
         WHERE did = ? AND epoch_counter = ? AND epoch_nonce = ? AND sequence BETWEEN ? AND ?`,
        ...[device, epochCounter, epochNonce, sequence - 1, sequence + 1],
      );
      return contradictionOf(near, { digest, batch }, headerAt);
    },
    quarantines: ({ count, open }) =>
      all(
        `SELECT did AS device, since, act
         FROM quarantine JOIN device ON device.id = quarantine.device
         WHERE act IS NULL OR NOT ? ORDER BY since DESC LIMIT ?`,
        open ? 1 : 0,
        count,
      ),
  };
}
