/** Walks through an outbox that another process may be writing, and judges each row on the way. */
import type { Database, Statement } from '../devices/io/sqlite.ts';
import { type Judged, judgeRow } from './outbox-row.ts';
import type { BatchRow } from './outbox-tables.ts';

export interface WalkedRow {
  readonly row: BatchRow;
  /** By hash, signature, and its columns against its token. */
  readonly judged: Judged;
}

/** Every row, oldest first. Read in short steps: a long read would keep a gateway's WAL large. */
export function* walkOutbox(db: Database): Generator<WalkedRow> {
  const next = db.prepare('SELECT * FROM batch WHERE id > ? ORDER BY id LIMIT 64') as Statement<
    [number],
    BatchRow
  >;
  for (let rows = next.all(0); rows.length > 0; rows = next.all(rows.at(-1)?.id ?? 0)) {
    for (const row of rows) yield { row, judged: judgeRow(row) };
  }
}
