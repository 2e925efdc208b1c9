/**
 * Sees what each commit of an outbox puts on its disk and takes from it, by temporary triggers of
 * the connection, which the database itself knows nothing of.
 */
import type { Database } from '../../devices/io/sqlite.ts';
import type { Batches } from './facts.ts';

export interface OutboxChange {
  /** All that is there, after a start; else what is new. */
  readonly isAll: boolean;
  readonly added: readonly AddedRow[];
  /** Digests of the rows that went. */
  readonly gone: readonly string[];
  /** Batches that went without a receipt, of which the disk knows that it has to sign the loss. */
  readonly given: readonly Batches[];
}

export interface AddedRow {
  readonly digest: string;
  readonly token: Uint8Array;
}

const TRIGGERS = `
  CREATE TEMP TABLE sim_added (digest TEXT, token BLOB);
  CREATE TEMP TABLE sim_gone (digest TEXT);
  CREATE TEMP TRIGGER sim_on_insert AFTER INSERT ON main.batch
    BEGIN INSERT INTO sim_added VALUES (new.digest, new.token); END;
  CREATE TEMP TRIGGER sim_on_delete AFTER DELETE ON main.batch
    BEGIN INSERT INTO sim_gone VALUES (old.digest); END;
`;

/** Begins to watch the connection; the answer is all that is there. */
export function watchOutbox(db: Database): OutboxChange {
  db.pragma('temp_store = MEMORY');
  db.exec(TRIGGERS);
  prepared.set(db, prepare(db));
  const added = db.prepare<[], AddedRow>('SELECT digest, token FROM batch ORDER BY id').all();
  return { isAll: true, added, gone: [], given: [] };
}

interface Statements {
  readonly added: () => AddedRow[];
  readonly gone: () => { digest: string }[];
  readonly given: () => Batches[];
  readonly clear: () => void;
}

const prepared = new WeakMap<Database, Statements>();

/** What the commit that was just made changed. */
export function takeChanges(db: Database): OutboxChange {
  const sql = prepared.get(db);
  // The schema itself is written before anybody watches.
  if (sql === undefined) return { isAll: false, added: [], gone: [], given: [] };
  const added = sql.added();
  const gone = sql.gone();
  if (added.length + gone.length > 0) sql.clear();
  const given = gone.length > 0 ? sql.given() : [];
  return { isAll: false, added, gone: gone.map(({ digest }) => digest), given };
}

function prepare(db: Database): Statements {
  const added = db.prepare<[], AddedRow>('SELECT digest, token FROM sim_added');
  const gone = db.prepare<[], { digest: string }>('SELECT digest FROM sim_gone');
  const given = db.prepare<[], Batches>(
    'SELECT device, epoch AS counter, nonce, first, last FROM gone',
  );
  const [clearAdded, clearGone] = [
    db.prepare('DELETE FROM sim_added'),
    db.prepare('DELETE FROM sim_gone'),
  ];
  return {
    added: () => added.all(),
    gone: () => gone.all(),
    given: () => given.all(),
    clear: () => {
      clearAdded.run();
      clearGone.run();
    },
  };
}
