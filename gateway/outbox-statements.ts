/** The SQL statements of the outbox, with the types of their parameters and rows. */
import type { Database, Statement } from '../devices/io/sqlite.ts';
import type { LossCause } from '../devices/reading.ts';
import type { DeviceMark } from './outbox.ts';
import type { BatchRow, DeviceRow, GoneRow } from './outbox-tables.ts';

const BATCH_COLUMNS = `id, device, epoch, sequence, digest, readings, from_ms, to_ms, closed_ms,
  bytes, hash, token, witness, priority, paper, nonce, head, losses, level`;

/** What is held, as a JSON object: by device, the wall time from which on its batches wait. */
const HELD = `WITH hold AS MATERIALIZED (SELECT key AS held, value AS bound FROM json_each(@held))
  SELECT ${BATCH_COLUMNS} FROM batch LEFT JOIN hold ON held = device`;
const NOT_HELD = '(held IS NULL OR closed_ms < bound)';

interface Peek {
  readonly device: string;
  readonly after: number;
  readonly upTo: number;
  readonly closedFrom: number;
  readonly held: string;
  readonly count: number;
}

type NewGone = Omit<GoneRow, 'id'>;

export type Statements = ReturnType<typeof prepareStatements>;

/** Prepares them on a connection that was opened with `outboxSchema`. */
export function prepareStatements(db: Database) {
  // A column can rot; the length of the token is what SQLite itself goes by.
  const totals = `SELECT device, count(*) AS rows, sum(readings) AS readings,
    sum(length(token)) AS bytes FROM batch GROUP BY device`;
  type Total = { device: string; rows: number; readings: number; bytes: number };
  type Token = { token: Uint8Array };
  type Removed = { device: string; readings: number; bytes: number };
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
    move: db.prepare(`INSERT OR REPLACE INTO device (did, epoch, nonce, follows, sequence, last_id,
      last_digest, last_ms, after_epoch, after_nonce, after_sequence) VALUES (@did, @epoch, @nonce,
      @follows, @sequence, @last_id, @last_digest, @last_ms, @after_epoch, @after_nonce,
      @after_sequence)`),
    opening: db.prepare('SELECT epoch FROM opening WHERE device = ?') as Statement<
      [string],
      { epoch: number }
    >,
    open: db.prepare('INSERT OR REPLACE INTO opening (device, epoch) VALUES (?, ?)'),
    insert: db.prepare(`INSERT INTO batch (device, epoch, sequence, digest, readings, from_ms,
      to_ms, closed_ms, bytes, hash, token, priority, nonce, head, losses, level) VALUES (@device,
      @epoch, @sequence, @digest, @readings, @from_ms, @to_ms, @closed_ms, @bytes, @hash, @token,
      @priority, @nonce, @head, @losses, @level)`),
    // The same bytes again are no mistake: a device that did not hear of us sends them twice.
    keep: db.prepare(`INSERT OR IGNORE INTO batch (device, epoch, sequence, digest, readings,
      from_ms, to_ms, closed_ms, bytes, hash, token, witness, priority, nonce, head, level)
      VALUES (@device, @epoch, @sequence, @digest, @readings, @from_ms, @to_ms, @closed_ms, @bytes,
      @hash, @token, @witness, @priority, @nonce, @head, @level)`),
    carry: db.prepare(`INSERT OR IGNORE INTO batch (device, epoch, sequence, digest, readings,
      from_ms, to_ms, closed_ms, bytes, hash, token, priority, paper, head, level)
      VALUES (@device, @epoch, @sequence, @digest, @readings, @from_ms, @to_ms, @closed_ms, @bytes,
      @hash, @token, @priority, @paper, @head, @level)`),
    peek: db.prepare(`${HELD} WHERE id > @after AND id <= @upTo
      AND ${NOT_HELD} ORDER BY id LIMIT @count`) as Statement<[Peek], BatchRow>,
    peekUrgent: db.prepare(`${HELD} WHERE priority = 0
      AND id > @after AND id <= @upTo AND ${NOT_HELD} ORDER BY id LIMIT @count`) as Statement<
      [Peek],
      BatchRow
    >,
    peekDevice: db.prepare(`${HELD} WHERE device = @device
      AND id > @after AND id <= @upTo AND closed_ms >= @closedFrom AND ${NOT_HELD}
      ORDER BY id LIMIT @count`) as Statement<[Peek], BatchRow>,
    token: db.prepare('SELECT token FROM batch WHERE digest = ?') as Statement<[string], Token>,
    take: db.prepare(
      'DELETE FROM batch WHERE digest = ? RETURNING device, readings, length(token) AS bytes',
    ) as Statement<[string], Removed>,
    remove: db.prepare(
      'DELETE FROM batch WHERE id = ? RETURNING device, readings, length(token) AS bytes',
    ) as Statement<[number], Removed>,
    /** Those that may give way, oldest first. */
    ordinary: db.prepare(`SELECT ${BATCH_COLUMNS} FROM batch WHERE priority = 1 AND paper IS NULL
      ORDER BY id LIMIT ?`) as Statement<[number], BatchRow>,
    /** Of which device several batches of a level could become one; lowest level, oldest first. */
    thinnable: db.prepare(`SELECT level, device FROM batch
      WHERE priority = 1 AND witness IS NULL AND paper IS NULL
      GROUP BY level, device HAVING count(*) > 1 ORDER BY level, min(id)`) as Statement<
      [],
      { level: number; device: string }
    >,
    ofLevel: db.prepare(`SELECT ${BATCH_COLUMNS} FROM batch
      WHERE priority = 1 AND witness IS NULL AND paper IS NULL AND level = ? AND device = ?
      ORDER BY id LIMIT ?`) as Statement<[number, string, number], BatchRow>,
    /** The batches of a device beside an id. */
    before: db.prepare(`SELECT ${BATCH_COLUMNS} FROM batch WHERE device = ? AND id < ?
      ORDER BY id DESC LIMIT ?`) as Statement<[string, number, number], BatchRow>,
    behind: db.prepare(`SELECT ${BATCH_COLUMNS} FROM batch WHERE device = ? AND id > ?
      ORDER BY id LIMIT ?`) as Statement<[string, number, number], BatchRow>,
    refuse: db.prepare(`INSERT INTO refusal (device, code, batches, readings) VALUES (?, ?, 1, ?)
      ON CONFLICT DO UPDATE SET batches = batches + 1, readings = readings + excluded.readings`),
    ...lossStatements(db),
  };
}

function lossStatements(db: Database) {
  type Span = { fromMs: number; toMs: number };
  type StoredLoss = Span & { count: number; cause: LossCause; estimated: number };
  return {
    recordLoss: db.prepare(`INSERT INTO loss (device, cause, from_ms, to_ms, count, estimated)
      VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET from_ms = min(from_ms, excluded.from_ms),
      to_ms = max(to_ms, excluded.to_ms), count = count + excluded.count,
      estimated = max(estimated, excluded.estimated)`) as Statement<
      [string, LossCause, number, number, number, number]
    >,
    losses: db.prepare(`SELECT from_ms AS fromMs, to_ms AS toMs, count, cause, estimated FROM loss
      WHERE device = ?`) as Statement<[string], StoredLoss>,
    takeLoss: db.prepare(`UPDATE loss SET count = count - ? WHERE device = ? AND cause = ?`),
    dropTakenLosses: db.prepare('DELETE FROM loss WHERE device = ? AND count <= 0'),
    gone: db.prepare('SELECT * FROM gone WHERE device = ? ORDER BY id LIMIT ?') as Statement<
      [string, number],
      GoneRow
    >,
    goneBeside: db.prepare(`SELECT * FROM gone WHERE device = @device AND cause = @cause
      AND estimated = @estimated AND epoch = @epoch AND nonce = @nonce
      AND (last = @first - 1 OR first = @last + 1)`) as Statement<[NewGone], GoneRow>,
    recordGone: db.prepare(`INSERT INTO gone (device, cause, estimated, epoch, nonce, first, last,
      digest, from_ms, to_ms, count) VALUES (@device, @cause, @estimated, @epoch, @nonce, @first,
      @last, @digest, @from_ms, @to_ms, @count)`) as Statement<[NewGone]>,
    dropGone: db.prepare('DELETE FROM gone WHERE id = ?') as Statement<[number]>,
    takenBeside: db.prepare('SELECT taken FROM beside').pluck() as unknown as Statement<[], number>,
    takeBeside: db.prepare('INSERT OR REPLACE INTO beside (id, taken) VALUES (1, ?)') as Statement<
      [number]
    >,
    countGone: db
      .prepare('SELECT count(*) FROM gone WHERE device = ?')
      .pluck() as unknown as Statement<[string], number>,
  };
}
