/**
 * Which devices are in quarantine and which batches are doubtful, as the journal's database keeps
 * it: derived from the entries, in the transaction that stores them.
 */
import type { Database } from '../devices/io/sqlite.ts';
import { readAct } from './act.ts';
import type { BatchKey, EntryHeader } from './store.ts';

/** Step of the journal's schema. */
export const doubtSchema = `
  -- One row for each doubtful batch; act and root are what became of it. Root is the batch,
  -- received before the doubt, under which it is chained; none where an officer accepted it.
  CREATE TABLE doubtful (
    position INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES device,
    epoch_counter INTEGER NOT NULL,
    epoch_nonce TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    digest BLOB NOT NULL,
    since INTEGER NOT NULL,
    act INTEGER,
    root INTEGER
  ) STRICT;
  CREATE INDEX doubtful_digest ON doubtful (device, digest);
  CREATE INDEX doubtful_place ON doubtful (device, epoch_counter, epoch_nonce, sequence);

  -- From which entry to which act a device was in quarantine.
  CREATE TABLE quarantine (
    device INTEGER NOT NULL REFERENCES device,
    since INTEGER NOT NULL,
    act INTEGER,
    PRIMARY KEY (device, since)
  ) STRICT, WITHOUT ROWID;
`;

/** Step of the journal's schema: contradictions that an older version stored. */
export function quarantineStored(db: Database): void {
  const rows = db.prepare<[], { position: number; header: string }>(
    `SELECT entry.position, header FROM rare JOIN entry ON entry.position = rare.position
     WHERE kind = 'equivocation' ORDER BY rare.position`,
  );
  const doubts = createDoubts(db);
  for (const { position, header } of rows.all()) {
    const { batch } = JSON.parse(header) as EntryHeader;
    if (batch !== undefined) doubts.quarantineDid(batch.device, position);
  }
}

/** Where a batch stands, with the row of its device. */
export interface DoubtPlace extends Omit<BatchKey, 'device' | 'previous'> {
  readonly device: number;
}

/** A doubtful batch that an act accepts. */
export interface Settled {
  readonly position: number;
  readonly place: DoubtPlace;
  readonly digest: Buffer;
}

interface Row {
  readonly position: number;
  readonly device: number;
  readonly epochCounter: number;
  readonly epochNonce: string;
  readonly sequence: number;
  readonly digest: Buffer;
}

/** The writer's side, for the connection that appends. */
export type Doubts = ReturnType<typeof createDoubts>;

export function createDoubts(db: Database) {
  const sql = prepare(db);
  /** Since when, by device; there are few, and every batch asks. */
  const quarantined = new Map<number, number>();
  /** Devices of which something waits. */
  const waiting = new Set<number>();
  const load = () => {
    quarantined.clear();
    waiting.clear();
    for (const { device, since } of sql.open.all()) quarantined.set(device, since);
    for (const { device } of sql.waiting.all()) waiting.add(device);
  };
  load();

  const quarantine = (device: number, position: number) => {
    if (quarantined.has(device)) return;
    quarantined.set(device, position);
    sql.begin.run(device, position);
  };

  return {
    /** After a transaction that failed: memory follows the database. */
    reload: load,
    quarantine,
    quarantineDid(did: string, position: number): void {
      const device = sql.device.get(did)?.id;
      if (device !== undefined) quarantine(device, position);
    },
    /** The entry since which a device is in quarantine. */
    quarantinedSince: (device: number): number | undefined => quarantined.get(device),
    /** Notes a batch that was stored as doubtful. */
    keep(position: number, place: DoubtPlace, digest: Buffer, since: number): void {
      waiting.add(place.device);
      const { device, epochCounter, epochNonce, sequence } = place;
      sql.keep.run(position, device, epochCounter, epochNonce, sequence, digest, since);
    },
    /** Another doubtful batch in the same place. */
    besides: ({ device, epochCounter, epochNonce, sequence }: DoubtPlace): number | undefined =>
      waiting.has(device)
        ? sql.besides.get(device, epochCounter, epochNonce, sequence)?.position
        : undefined,
    /** The doubtful batch of this digest that a batch chained under `root` makes good. */
    chained(device: number, digest: Buffer, root: number): Settled | undefined {
      if (!waiting.has(device)) return undefined;
      const row = sql.chained.get(device, digest, root);
      return row === undefined ? undefined : settledOf(row);
    },
    /** Under which batch an accepted doubtful one is chained; `undefined` for an officer's. */
    rootOf: (position: number): number | undefined => sql.root.get(position)?.root ?? undefined,
    /** Notes that an act accepts a doubtful batch; `undefined` where there is none that waits. */
    settle(position: number, act: number, root: number | null): Settled | undefined {
      const row = sql.settle.get(act, root, position);
      if (row === undefined) return undefined;
      if (sql.left.get(row.device) === undefined) waiting.delete(row.device);
      return settledOf(row);
    },
    /** Takes an officer's act apart: what it accepts takes effect, quarantines end. */
    take(position: number, bytes: Uint8Array): Settled[] {
      const act = readAct(bytes);
      if (act?.act !== 'officer') return [];
      for (const did of act.lift) {
        const device = sql.device.get(did)?.id;
        if (device === undefined || !quarantined.delete(device)) continue;
        sql.lift.run(position, device);
      }
      return act.accept
        .map((one) => this.settle(one, position, null))
        .filter((one) => one !== undefined);
    },
  };
}

function settledOf({ position, digest, ...place }: Row): Settled {
  return { position, place, digest };
}

const ROW =
  'position, device, epoch_counter AS epochCounter, epoch_nonce AS epochNonce, sequence, digest';

function prepare(db: Database) {
  return {
    open: db.prepare<[], { device: number; since: number }>(
      'SELECT device, since FROM quarantine WHERE act IS NULL',
    ),
    waiting: db.prepare<[], { device: number }>(
      'SELECT DISTINCT device FROM doubtful WHERE act IS NULL',
    ),
    left: db.prepare<[number], { position: number }>(
      'SELECT position FROM doubtful WHERE device = ? AND act IS NULL LIMIT 1',
    ),
    device: db.prepare<[string], { id: number }>('SELECT id FROM device WHERE did = ?'),
    begin: db.prepare<[number, number]>('INSERT INTO quarantine (device, since) VALUES (?, ?)'),
    lift: db.prepare<[number, number]>(
      'UPDATE quarantine SET act = ? WHERE device = ? AND act IS NULL',
    ),
    keep: db.prepare<[number, number, number, string, number, Buffer, number]>(
      `INSERT INTO doubtful
       (position, device, epoch_counter, epoch_nonce, sequence, digest, since)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    besides: db.prepare<[number, number, string, number], { position: number }>(
      `SELECT position FROM doubtful
       WHERE device = ? AND epoch_counter = ? AND epoch_nonce = ? AND sequence = ?
         AND act IS NULL ORDER BY position LIMIT 1`,
    ),
    chained: db.prepare<[number, Buffer, number], Row>(
      `SELECT ${ROW} FROM doubtful
       WHERE device = ? AND digest = ? AND act IS NULL AND since > ?`,
    ),
    root: db.prepare<[number], { root: number | null }>(
      'SELECT root FROM doubtful WHERE position = ?',
    ),
    settle: db.prepare<[number, number | null, number], Row>(
      `UPDATE doubtful SET act = ?, root = ? WHERE position = ? AND act IS NULL RETURNING ${ROW}`,
    ),
  };
}
