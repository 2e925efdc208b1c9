/**
 * Keeps twins between two starts: states, the journal cursor that they are the fold of, the last
 * tick and the routes, all in one transaction. It can be deleted at any time; the journal makes
 * it again.
 */
import { afterCommit } from '../devices/io/checkpoint.ts';
import { assertFull, type Database, openDatabase } from '../devices/io/sqlite.ts';
import type { StateSource } from './fold.ts';
import { foldVersion } from './fold-codec.ts';
import type { TwinKind } from './twin.ts';

export interface TwinRow {
  readonly id: string;
  readonly kind: TwinKind;
  /** Journal position of the last entry that touched it. */
  readonly position: number;
  /** When a tick changes it next, milliseconds; `null` for never. */
  readonly dueMs: number | null;
  /** `encodeState`. */
  readonly state: string;
}

/** Up to where the journal is folded, and what holds for all twins. */
export interface TwinsMeta {
  /** Next journal position. */
  readonly cursor: number;
  /** Time of the last tick. */
  readonly nowMs: number;
  /** JSON of the routes in force. */
  readonly routes: string;
  /** Log leaf of the last entry folded, lower-case hex: these twins are of that journal. */
  readonly leaf: string;
}

/** An entry that the fold could not take: it stays in the journal, without effect on twins. */
export interface Unapplied {
  readonly position: number;
  /** `threw`: by itself, each time. `held`: it ended or held up the thread that folded it. */
  readonly how: 'threw' | 'held';
  readonly reason: string;
}

export interface TwinsStore extends StateSource {
  meta(): TwinsMeta;
  /** Rows with a position of at least `from`, ordered by id; at most `count` after id `after`. */
  list(query: { from?: number; after?: string; count: number }): TwinRow[];
  row(id: string): TwinRow | undefined;
  /** Writes states and meta in one durable transaction; throws, having changed nothing. */
  commit(change: {
    readonly meta: TwinsMeta;
    readonly rows: readonly TwinRow[];
    readonly unapplied?: Unapplied;
  }): void;
  /** Entries that have no effect, in order. */
  unapplied(): Unapplied[];
  /** Runs reads that must agree with each other. */
  snapshot<T>(read: () => T): T;
  close(): void;
}

const SCHEMA: readonly string[] = [
  `
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    cursor INTEGER NOT NULL,
    now_ms INTEGER NOT NULL,
    routes TEXT NOT NULL,
    fold_version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE twin (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    position INTEGER NOT NULL,
    due_ms INTEGER,
    state TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX twin_position ON twin (position);
  CREATE INDEX twin_due ON twin (due_ms) WHERE due_ms IS NOT NULL;
  `,
  "ALTER TABLE meta ADD COLUMN leaf TEXT NOT NULL DEFAULT '';",
  `
  CREATE TABLE unapplied (
    position INTEGER PRIMARY KEY,
    how TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  `,
];

/** One transaction: a crash in between leaves both or none. */
const FORGET =
  'BEGIN IMMEDIATE; DELETE FROM meta; DELETE FROM twin; DELETE FROM unapplied; COMMIT;';

const EMPTY: TwinsMeta = { cursor: 0, nowMs: 0, routes: '', leaf: '' };

/**
 * Opens or creates the twins at `file` (`:memory:` for twins that are not kept). Twins of another
 * version of the fold are dropped, so that the journal is folded anew.
 *
 * @throws EdgeError as `openDatabase` does
 */
export function openTwinsStore(file: string, options: { readonly?: boolean } = {}): TwinsStore {
  const readonly = options.readonly ?? false;
  const db = openDatabase(file, { readonly, schema: SCHEMA, isDerived: true });
  const version = db.prepare<[], { version: number }>('SELECT fold_version AS version FROM meta');
  if (!readonly && (version.get()?.version ?? foldVersion) !== foldVersion) {
    db.exec(FORGET);
  }
  return createStore(db);
}

function createStore(db: Database): TwinsStore {
  const sql = prepare(db);
  let asserted = false;
  type Change = Parameters<TwinsStore['commit']>[0];
  const commit = db.transaction(({ meta, rows, unapplied }: Change) => {
    for (const { id, kind, position, dueMs, state } of rows) {
      sql.put.run(id, kind, position, dueMs, state);
    }
    if (unapplied) sql.putUnapplied.run(unapplied.position, unapplied.how, unapplied.reason);
    sql.putMeta.run(meta.cursor, meta.nowMs, meta.routes, meta.leaf, foldVersion);
  });
  return {
    meta: () => sql.meta.get() ?? EMPTY,
    load: (id) => sql.row.get(id)?.state,
    row: (id) => sql.row.get(id),
    due: (nowMs) => sql.due.all(nowMs).map(({ id }) => id),
    list: ({ from = -1, after = '', count }) => sql.list.all(from, after, count),
    unapplied: () => sql.unapplied.all(),
    commit(change) {
      commit.immediate(change);
      if (!asserted) assertFull(db);
      asserted = true;
      afterCommit(db);
    },
    snapshot: (read) => db.transaction(read).deferred(),
    close: () => {
      db.close();
    },
  };
}

function prepare(db: Database) {
  const columns = 'id, kind, position, due_ms AS dueMs, state';
  return {
    meta: db.prepare<[], TwinsMeta>('SELECT cursor, now_ms AS nowMs, routes, leaf FROM meta'),
    row: db.prepare<[string], TwinRow>(`SELECT ${columns} FROM twin WHERE id = ?`),
    due: db.prepare<[number], { id: string }>(
      'SELECT id FROM twin WHERE due_ms <= ? ORDER BY due_ms, id',
    ),
    list: db.prepare<[number, string, number], TwinRow>(
      `SELECT ${columns} FROM twin WHERE position >= ? AND id > ? ORDER BY id LIMIT ?`,
    ),
    put: db.prepare<[string, string, number, number | null, string]>(
      `INSERT INTO twin (id, kind, position, due_ms, state) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET
         position = excluded.position, due_ms = excluded.due_ms, state = excluded.state`,
    ),
    unapplied: db.prepare<[], Unapplied>(
      'SELECT position, how, reason FROM unapplied ORDER BY position',
    ),
    putUnapplied: db.prepare<[number, string, string]>(
      'INSERT INTO unapplied (position, how, reason) VALUES (?, ?, ?)',
    ),
    putMeta: db.prepare<[number, number, string, string, number]>(
      `INSERT INTO meta (id, cursor, now_ms, routes, leaf, fold_version) VALUES (0, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET cursor = excluded.cursor, now_ms = excluded.now_ms,
         routes = excluded.routes, leaf = excluded.leaf, fold_version = excluded.fold_version`,
    ),
  };
}
