/** The SQL statements of the outbox, with the types of their parameters and rows. */
import type { Database, Statement } from '../devices/io/sqlite.ts';
import type { LossCause } from '../devices/reading.ts';
import type { DeviceMark } from './outbox.ts';
import type { BatchRow, DeviceRow } from './outbox-tables.ts';

const BATCH_COLUMNS = `id, device, epoch, sequence, digest, readings, from_ms, to_ms, closed_ms,
  bytes, hash, token, witness, priority, paper`;

/** Prepares them on a connection that was opened with `outboxSchema`. */
export function prepareStatements(db: Database) {
  const totals = `SELECT device, count(*) AS rows, sum(readings) AS readings, sum(bytes) AS bytes
    FROM batch GROUP BY device`;
  type Total = { device: string; rows: number; readings: number; bytes: number };
  type StoredLoss = { fromMs: number; toMs: number; count: number; cause: LossCause };
  return {
    totals: db.prepare(totals) as Statement<[], Total>,
    marks: db.prepare('SELECT did AS device, last_ms AS lastMs FROM device') as Statement<
      [],
      Omit<DeviceMark, 'messages'>
    >,
    messages: db.prepare('SELECT name FROM message WHERE device = ? ORDER BY id') as Statement<
      [string],
      { name: string }
    >,
    rememberMessage: db.prepare('INSERT OR REPLACE INTO message (device, name) VALUES (?, ?)'),
    trimMessages: db.prepare(`DELETE FROM message WHERE device = ? AND id <=
      (SELECT id FROM message WHERE device = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`) as Statement<
      [string, string, number]
    >,
    forget: db.prepare('DELETE FROM message WHERE device = ? AND name = ?'),
    forgetAll: db.prepare('DELETE FROM message WHERE device = ?'),
    lastId: db.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'batch'`) as Statement<
      [],
      { seq: number }
    >,
    device: db.prepare('SELECT * FROM device WHERE did = ?') as Statement<[string], DeviceRow>,
    move: db.prepare(`INSERT OR REPLACE INTO device
      VALUES (@did, @epoch, @nonce, @follows, @sequence, @last_id, @last_digest, @last_ms)`),
    insert: db.prepare(`INSERT INTO batch (device, epoch, sequence, digest, readings, from_ms,
      to_ms, closed_ms, bytes, hash, token, priority) VALUES (@device, @epoch, @sequence, @digest,
      @readings, @from_ms, @to_ms, @closed_ms, @bytes, @hash, @token, @priority)`),
    // The same bytes again are no mistake: a device that did not hear of us sends them twice.
    keep: db.prepare(`INSERT OR IGNORE INTO batch (device, epoch, sequence, digest, readings,
      from_ms, to_ms, closed_ms, bytes, hash, token, witness, priority) VALUES (@device, @epoch,
      @sequence, @digest, @readings, @from_ms, @to_ms, @closed_ms, @bytes, @hash, @token, @witness,
      @priority)`),
    peek: db.prepare(`SELECT ${BATCH_COLUMNS} FROM batch WHERE id > ? AND id <= ?
      AND device NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?`) as Statement<
      [number, number, string, number],
      BatchRow
    >,
    peekUrgent: db.prepare(`SELECT ${BATCH_COLUMNS} FROM batch WHERE priority = 0 AND id > ?
      AND id <= ? AND device NOT IN (SELECT value FROM json_each(?)) ORDER BY id
      LIMIT ?`) as Statement<[number, number, string, number], BatchRow>,
    peekDevice: db.prepare(`SELECT ${BATCH_COLUMNS} FROM batch WHERE device = ? AND id > ?
      AND id <= ? ORDER BY id LIMIT ?`) as Statement<[string, number, number, number], BatchRow>,
    take: db.prepare(
      'DELETE FROM batch WHERE digest = ? RETURNING device, readings, bytes',
    ) as Statement<[string], { device: string; readings: number; bytes: number }>,
    remove: db.prepare('DELETE FROM batch WHERE id = ?') as Statement<[number]>,
    refuse: db.prepare(`INSERT INTO refusal (device, code, batches, readings) VALUES (?, ?, 1, ?)
      ON CONFLICT DO UPDATE SET batches = batches + 1, readings = readings + excluded.readings`),
    recordLoss: db.prepare(`INSERT INTO loss (device, cause, from_ms, to_ms, count)
      VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET from_ms = min(from_ms, excluded.from_ms),
      to_ms = max(to_ms, excluded.to_ms), count = count + excluded.count`),
    losses: db.prepare(`SELECT from_ms AS fromMs, to_ms AS toMs, count, cause FROM loss
      WHERE device = ?`) as Statement<[string], StoredLoss>,
    // More may have been lost while these were signed: that stays, for the next batch to say.
    takeLoss: db.prepare(`UPDATE loss SET count = count - ? WHERE device = ? AND cause = ?`),
    dropTakenLosses: db.prepare('DELETE FROM loss WHERE device = ? AND count <= 0'),
  };
}
