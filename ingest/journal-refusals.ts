/**
 * How much of what is refused for good the journal keeps: the bytes of each refusal, up to a bound
 * for one gateway and day and one for all of them. What is refused beyond is counted, by gateway
 * and reason, and the counts become an entry of the journal. Part of the transaction that stores
 * the others, so that no refusal is lost between the two.
 */
import { createHash } from 'node:crypto';
import type { Database } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { EntryHeader, NewEntry } from './store.ts';

/** Bounds in bytes of what is refused and kept. */
export interface RefusalBounds {
  readonly gatewayDayBytes: number;
  readonly totalBytes: number;
}

export const defaultRefusalBounds: RefusalBounds = {
  gatewayDayBytes: limits.refusalDayBytesDefault,
  totalBytes: limits.refusalTotalBytesDefault,
};

export interface Refusals {
  /** Whether there is room for one more; if so it is counted as kept, else as not kept. */
  keep(header: EntryHeader, bytes: number): boolean;
  /** The entry that says what was not kept, once it is due. */
  due(tenant: string, nowMs: number): NewEntry | undefined;
  /** After a transaction that failed: memory follows the database. */
  reload(): void;
}

/** Refusals of one gateway for one reason that were not kept. */
export interface CountedRefusals {
  /** Empty where no gateway brought them; `others` for those beyond the bound of rows. */
  readonly gateway: string;
  readonly code: string;
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** SHA-256, hex, over the digest before it and the next one, of each in order. */
  readonly digests: string;
}

const DAY_MS = 86_400_000;
const OTHERS = 'others';

export const refusalSchema = `
  -- Bytes of refusals that were kept, of each gateway in one day; and of all of them ever.
  CREATE TABLE refusal_day (
    gateway TEXT NOT NULL,
    day INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (gateway, day)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE refusal_total (bytes INTEGER NOT NULL) STRICT;
  INSERT INTO refusal_total
    SELECT coalesce(sum(length(entry.bytes) + length(entry.header)), 0)
    FROM rare JOIN entry USING (position) WHERE kind = 'refusal';

  -- Refusals that were not kept and of which no entry tells yet.
  CREATE TABLE refusal_count (
    gateway TEXT NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    digests BLOB NOT NULL,
    PRIMARY KEY (gateway, code)
  ) STRICT, WITHOUT ROWID;
`;

export function createRefusals(db: Database, bounds: RefusalBounds): Refusals {
  const sql = prepare(db);
  /** Rows of counts, and since when the oldest of them waits for its entry. */
  let rows = 0;
  let sinceMs: number | undefined;
  const reload = () => {
    const { count = 0, since } = sql.pending.get() ?? {};
    rows = count;
    sinceMs = since ?? undefined;
  };
  reload();

  const count = ({ code = '', digest, gateway = '', receivedMs }: EntryHeader) => {
    // Anybody can name a gateway, so that names alone must not fill the table.
    const isNew = sql.counted.get(gateway, code) === undefined;
    const name = isNew && rows >= limits.refusalRowsMax ? OTHERS : gateway;
    const before = sql.counted.get(name, code);
    const chain = createHash('sha256').update(before?.digests ?? '');
    sql.count.run(name, code, receivedMs, receivedMs, chain.update(digest).digest());
    if (before === undefined) rows += 1;
    sinceMs ??= receivedMs;
  };
  return {
    reload,
    keep(header, length) {
      const { gateway = '', receivedMs } = header;
      const bytes = length + JSON.stringify(header).length;
      const day = Math.floor(receivedMs / DAY_MS);
      const total = (sql.total.get()?.bytes ?? 0) + bytes;
      const today = (sql.day.get(gateway, day)?.bytes ?? 0) + bytes;
      if (total > bounds.totalBytes || today > bounds.gatewayDayBytes) {
        count(header);
        return false;
      }
      sql.setTotal.run(total);
      // Clocks differ by less than a day; what is older is never asked for again.
      if (today === bytes) sql.forgetDays.run(day - 1);
      sql.setDay.run(gateway, day, today);
      return true;
    },
    due(tenant, nowMs) {
      if (sinceMs === undefined || nowMs - sinceMs < limits.refusalSummaryMs) return undefined;
      const refused: CountedRefusals[] = sql.all
        .all()
        .map(({ digests, ...row }) => ({ ...row, digests: digests.toString('hex') }));
      sql.clear.run();
      rows = 0;
      sinceMs = undefined;
      const bytes = Buffer.from(JSON.stringify({ refused }));
      const receivedMs = Math.round(nowMs);
      const digest = digestMultibase(bytes);
      return { header: { version: 1, tenant, kind: 'refusals', receivedMs, digest }, bytes };
    },
  };
}

interface CountRow extends Omit<CountedRefusals, 'digests'> {
  readonly digests: Buffer;
}

function prepare(db: Database) {
  return {
    total: db.prepare<[], { bytes: number }>('SELECT bytes FROM refusal_total'),
    setTotal: db.prepare<[number]>('UPDATE refusal_total SET bytes = ?'),
    day: db.prepare<[string, number], { bytes: number }>(
      'SELECT bytes FROM refusal_day WHERE gateway = ? AND day = ?',
    ),
    setDay: db.prepare<[string, number, number]>(
      `INSERT INTO refusal_day (gateway, day, bytes) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET bytes = excluded.bytes`,
    ),
    forgetDays: db.prepare<[number]>('DELETE FROM refusal_day WHERE day < ?'),
    counted: db.prepare<[string, string], { digests: Buffer }>(
      'SELECT digests FROM refusal_count WHERE gateway = ? AND code = ?',
    ),
    count: db.prepare<[string, string, number, number, Buffer]>(
      `INSERT INTO refusal_count (gateway, code, count, from_ms, to_ms, digests)
       VALUES (?, ?, 1, ?, ?, ?)
       ON CONFLICT DO UPDATE SET count = count + 1, from_ms = min(from_ms, excluded.from_ms),
         to_ms = max(to_ms, excluded.to_ms), digests = excluded.digests`,
    ),
    pending: db.prepare<[], { count: number; since: number | null }>(
      'SELECT count(*) AS count, min(from_ms) AS since FROM refusal_count',
    ),
    all: db.prepare<[], CountRow>(
      `SELECT gateway, code, count, from_ms AS fromMs, to_ms AS toMs, digests
       FROM refusal_count ORDER BY gateway, code`,
    ),
    clear: db.prepare<[]>('DELETE FROM refusal_count'),
  };
}
