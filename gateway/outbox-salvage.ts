/**
 * Salvages an outbox whose database is damaged in more than single rows: every row that proves
 * itself is carried into a new database, and what cannot be read becomes losses that the next
 * batches of the devices say. The damaged files are kept beside it.
 */
import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { nameAside } from '../devices/io/copy-aside.ts';
import { type Database, openDatabase, sqliteCode } from '../devices/io/sqlite.ts';
import { OutboxLosses } from './outbox-losses.ts';
import { ORDINARY } from './outbox-places.ts';
import { judgeRow } from './outbox-row.ts';
import { prepareStatements, type Statements } from './outbox-statements.ts';
import { type BatchRow, type DeviceRow, hashOfHead, outboxSchema } from './outbox-tables.ts';

export interface Salvaged {
  /** Rows that proved themselves and are in the new database. */
  readonly carried: number;
  /** Rows that could be read and are not what was signed. */
  readonly damaged: number;
  /** Places of rows that cannot be read; rows with a receipt are among them. */
  readonly unreadable: number;
  /** Devices whose place in their history was told by their newest batch. */
  readonly placesFromBatches: number;
  /** Where the damaged database is kept. */
  readonly kept: string;
}

/** Ids that cannot be read, without a readable one between them. */
interface Hole {
  readonly from: number;
  to: number;
}

interface Read {
  /** Sound rows only, by id: where they stand, without their tokens. */
  readonly places: Pick<
    BatchRow,
    'id' | 'device' | 'epoch' | 'sequence' | 'nonce' | 'readings' | 'to_ms' | 'from_ms' | 'digest'
  >[];
  readonly holes: Hole[];
  damaged: number;
}

/** Whether SQLite itself finds the database malformed, beyond what single rows say. */
export function isMalformed(db: Database): boolean {
  try {
    return db.pragma('integrity_check(1)', { simple: true }) !== 'ok';
  } catch (error) {
    if (isCorrupt(error)) return true;
    throw error;
  }
}

/**
 * Makes the new database and puts it in the place of the old one. Nobody else may have it open.
 *
 * @throws EdgeError DB_DAMAGED where nothing can be read, and what the file system throws; the old
 *   database is then where it was
 */
export function salvageOutbox(file: string, onRow: (done: number) => void): Salvaged {
  const made = `${file}.salvaged`;
  removeFiles(made);
  const old = openDatabase(file, { readonly: true, schema: outboxSchema });
  const fresh = openDatabase(made, { schema: outboxSchema });
  let found: Omit<Salvaged, 'kept'>;
  try {
    found = carryOver(old, fresh, onRow);
  } finally {
    fresh.close();
    old.close();
  }
  const kept = keepAside(file);
  // The WAL of the damaged database must not be taken for one of the new.
  for (const ending of ['-wal', '-shm']) rmSync(file + ending, { force: true });
  renameSync(made, file);
  return { ...found, kept };
}

/** A second name for the damaged files; what it is. */
function keepAside(file: string): string {
  const kept = nameAside(file);
  for (const ending of ['-wal', '']) {
    if (existsSync(file + ending)) linkSync(file + ending, kept + ending);
  }
  return kept;
}

function removeFiles(file: string): void {
  for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true });
}

function carryOver(
  old: Database,
  fresh: Database,
  onRow: (done: number) => void,
): Omit<Salvaged, 'kept'> {
  const sql = prepareStatements(fresh);
  const read: Read = { places: [], holes: [], damaged: 0 };
  let placesFromBatches = 0;
  fresh
    .transaction(() => {
      carryRows(old, fresh, read, onRow);
      for (const table of ['loss', 'gone', 'beside', 'refusal', 'message', 'opening', 'device']) {
        copyTable(old, fresh, table);
      }
      placesFromBatches = movePlaces(fresh, sql, read);
      tellLosses(sql, read);
    })
    .immediate();
  const unreadable = read.holes.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  return { carried: read.places.length, damaged: read.damaged, unreadable, placesFromBatches };
}

/** What rows of an older schema do not have. */
const COLUMNS_SINCE = {
  ...{ witness: null, priority: ORDINARY, paper: null, nonce: null, losses: null, level: 0 },
} as Partial<BatchRow>;

/** Row by row by its id, since an index may be what is damaged. */
function carryRows(old: Database, fresh: Database, read: Read, onRow: (done: number) => void) {
  const one = old.prepare<[number], BatchRow>('SELECT * FROM batch NOT INDEXED WHERE id = ?');
  const next = old.prepare<[number], BatchRow>(
    'SELECT * FROM batch NOT INDEXED WHERE id > ? ORDER BY id LIMIT 1',
  );
  const put = fresh.prepare(`INSERT OR IGNORE INTO batch (id, device, epoch, sequence, digest,
    readings, from_ms, to_ms, closed_ms, bytes, hash, token, witness, priority, paper, nonce, head,
    losses, level) VALUES (@id, @device, @epoch, @sequence, @digest, @readings, @from_ms, @to_ms,
    @closed_ms, @bytes, @hash, @token, @witness, @priority, @paper, @nonce, @head, @losses,
    @level)`);
  const last = lastIdOf(old);
  const take = (row: BatchRow): void => {
    if (judgeRow(row).fault !== undefined) {
      read.damaged += 1;
      addHole(read.holes, row.id);
      return;
    }
    const whole = { ...COLUMNS_SINCE, head: hashOfHead(row), ...row };
    if (put.run(whole).changes === 0) return;
    const { token: _token, hash: _hash, ...place } = whole;
    read.places.push(place);
    onRow(read.places.length);
  };
  let id = 0;
  for (let isOver = false; !isOver; ) {
    const row = readable(() => next.get(id));
    if (row.is === 'read') {
      isOver = row.value === undefined || row.value.id <= id;
      if (row.value && !isOver) take(row.value);
      id = row.value?.id ?? id;
      continue;
    }
    // The scan does not come past a damaged page; one id after the other does.
    id += 1;
    isOver = id > last;
    const single = readable(() => one.get(id));
    if (single.is === 'corrupt') {
      if (!isOver) addHole(read.holes, id);
    } else if (single.value) take(single.value);
  }
  fresh.prepare("DELETE FROM sqlite_sequence WHERE name = 'batch'").run();
  fresh
    .prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('batch', ?)")
    .run(Math.max(last, id));
}

/** Highest id that was given out, as far as it can be known. */
function lastIdOf(old: Database): number {
  const asked = [
    "SELECT seq AS last FROM sqlite_sequence WHERE name = 'batch'",
    'SELECT max(id) AS last FROM batch NOT INDEXED',
  ].map((text) => readable(() => old.prepare<[], { last: number | null }>(text).get()?.last ?? 0));
  return Math.max(0, ...asked.map((answer) => (answer.is === 'read' ? answer.value : 0)));
}

type Readable<T> = { readonly is: 'read'; readonly value: T } | { readonly is: 'corrupt' };

function readable<T>(action: () => T): Readable<T> {
  try {
    return { is: 'read', value: action() };
  } catch (error) {
    if (isCorrupt(error)) return { is: 'corrupt' };
    throw error;
  }
}

function isCorrupt(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(sqliteCode(error));
}

function addHole(holes: Hole[], id: number): void {
  const before = holes.at(-1);
  if (before && before.to >= id - 1) before.to = Math.max(before.to, id);
  else holes.push({ from: id, to: id });
}

/** As many rows as can be read, from both ends. */
function copyTable(old: Database, fresh: Database, table: string): void {
  for (const order of ['ASC', 'DESC']) {
    const rows = readable(() =>
      old.prepare<[], Record<string, unknown>>(
        `SELECT * FROM ${table} NOT INDEXED ORDER BY rowid ${order}`,
      ),
    );
    if (rows.is === 'corrupt') continue;
    const all = readable(() => {
      for (const row of rows.value.iterate()) {
        const names = Object.keys(row);
        const values = names.map((name) => `@${name}`).join(', ');
        fresh
          .prepare(`INSERT OR IGNORE INTO ${table} (${names.join(', ')}) VALUES (${values})`)
          .run(row);
      }
    });
    if (all.is === 'read') return;
  }
}

/** Where a history has come is never behind a batch that was signed in it. */
function movePlaces(fresh: Database, sql: Statements, { places }: Read): number {
  const newest = new Map<string, Read['places'][number]>();
  const signed = fresh.prepare<[number], BatchRow>(
    'SELECT * FROM batch WHERE id = ? AND witness IS NULL AND paper IS NULL',
  );
  for (const place of places) {
    const before = newest.get(place.device);
    const isNewer =
      !before ||
      place.epoch > before.epoch ||
      (place.epoch === before.epoch && place.sequence > before.sequence);
    if (isNewer) newest.set(place.device, place);
  }
  let moved = 0;
  for (const { device, id } of newest.values()) {
    const row = signed.get(id);
    const known = sql.device.get(device);
    const isBehind =
      !known ||
      known.epoch < (row?.epoch ?? 0) ||
      (known.epoch === row?.epoch && known.sequence < row.sequence);
    if (!row || !isBehind) continue;
    const { batch } = judgeRow(row);
    if (!batch) continue;
    const place: DeviceRow = {
      ...{ did: device, epoch: row.epoch, nonce: batch.epoch.nonce, follows: null },
      ...{ sequence: row.sequence, last_id: batch.id, last_digest: row.digest },
      ...{ last_ms: row.to_ms, after_epoch: null, after_nonce: null, after_sequence: null },
    };
    sql.move.run(place);
    moved += 1;
  }
  return moved;
}

/**
 * Of each device, the places that are missing between two rows with unreadable ones between them,
 * before the first and behind the last. Some may have had their receipts: the losses say that they
 * are estimates.
 */
function tellLosses(sql: Statements, { holes, places }: Read): void {
  if (holes.length === 0) return;
  const losses = new OutboxLosses(sql);
  for (const { device, lastMs } of sql.marks.all()) {
    const now = sql.device.get(device);
    const own = places.filter((place) => place.device === device);
    const isHole = (from: number, to: number) => holes.some((h) => h.from < to && h.to > from);
    const typical = Math.max(1, ...own.map(({ readings }) => readings));
    let isTold = false;
    const tell = (at: Place, first: number, last: number, fromMs: number, toMs: number) => {
      isTold = true;
      const batches = { counter: at.epoch, nonce: at.nonce ?? '', first, last };
      const span = { fromMs: Math.min(fromMs, toMs), toMs: Math.max(fromMs, toMs) };
      const count = (last - first + 1) * typical;
      losses.record(device, { ...span, count, cause: 'damaged', estimated: true, batches });
    };
    const [oldest] = own;
    const before = holes.findLast(({ to }) => oldest && to < oldest.id);
    if (oldest && before && oldest.sequence > 1) {
      const first = Math.max(1, oldest.sequence - (before.to - before.from + 1));
      tell(oldest, first, oldest.sequence - 1, oldest.from_ms, oldest.from_ms);
    }
    for (const [index, place] of own.entries()) {
      const next = own[index + 1];
      if (place.nonce === null || place.nonce === undefined) continue;
      const isSame = next && next.nonce === place.nonce && next.epoch === place.epoch;
      if (next && isSame && next.sequence > place.sequence + 1 && isHole(place.id, next.id)) {
        tell(place, place.sequence + 1, next.sequence - 1, place.to_ms, next.from_ms);
      }
      const isLast = !next && now?.nonce === place.nonce && now.sequence > place.sequence;
      if (now && isLast && isHole(place.id, Number.MAX_SAFE_INTEGER)) {
        tell(place, place.sequence + 1, now.sequence, place.to_ms, lastMs);
      }
    }
    // Nobody knows whether any of them were of this device.
    const unknown = { fromMs: lastMs, toMs: lastMs, count: 0, cause: 'damaged' } as const;
    if (!isTold) losses.record(device, { ...unknown, estimated: true });
  }
}

type Place = Read['places'][number];
