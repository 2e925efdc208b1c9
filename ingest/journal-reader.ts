/** Reads a journal, and checks every entry against its leaf: SQLite does not notice bit rot. */
import { createHash } from 'node:crypto';
import { EdgeError } from '../devices/errors.ts';
import { type Database, openDatabase, type Statement } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { createDoubtReader, type DoubtReader } from './journal-doubt-reader.ts';
import type { EnrolmentIndex, ListCheck, NamedList } from './journal-index.ts';
import { createPartyReader, type PartyIndex } from './journal-party.ts';
import { readPoisons } from './journal-poison.ts';
import { journalSchema } from './journal-schema.ts';
import { createTreeReader, type TreeReader } from './journal-tree.ts';
import type { Poison } from './poison.ts';
import type { EntryHeader, EntryKind, JournalEntry } from './store.ts';

/** The kinds of which there are few enough to list. */
export type RareKind = Exclude<EntryKind, 'batch'>;

/** How far one device has come in one epoch. */
export interface HighWater {
  readonly device: string;
  readonly epochCounter: number;
  readonly epochNonce: string;
  /** Highest sequence stored, and how many are stored: they differ where there is a gap. */
  readonly sequence: number;
  readonly count: number;
}

export interface JournalReader extends EnrolmentIndex, PartyIndex, DoubtReader, TreeReader {
  /**
   * Entries from position `from` on, at most `count`, and no more after `bytesMax` bytes.
   *
   * @throws EdgeError IN_JOURNAL_DAMAGED
   */
  read(from: number, count: number, bytesMax?: number): JournalEntry[];
  /**
   * All leaves from position `from` on, each of which was held against its entry.
   *
   * @throws EdgeError IN_JOURNAL_DAMAGED, also where a position is left out or below 0
   */
  leaves(from?: number): Iterable<{ readonly position: number; readonly leaf: Buffer }>;
  /**
   * The entry at a position with the lower-case hex of its leaf, which was held against it.
   *
   * @throws EdgeError IN_JOURNAL_DAMAGED
   */
  entry(position: number): (JournalEntry & { readonly leaf: string }) | undefined;
  /** Number of entries, which is the next position. */
  size(): number;
  /** Lower-case hex of the leaf at `position`, or `undefined` when there is none. */
  leaf(position: number): string | undefined;
  /** All entries of the kinds, in order. */
  readKinds(kinds: readonly RareKind[]): JournalEntry[];
  /** The last entry of a kind. */
  last(kind: RareKind): JournalEntry | undefined;
  /** The newest entry of each status list, in order. */
  statusLists(): JournalEntry[];
  /** When status lists were last said to be found at their address. */
  listChecks(): ListCheck[];
  highWater(): HighWater[];
  /** The newest messages that no worker could judge, oldest first. */
  poisons(): Poison[];
  close(): void;
}

/** A damaged page may turn any column into NULL, and its name into `Bytes`, whatever we ask for. */
interface EntryRow {
  position: number;
  header?: string | null;
  leaf?: Buffer | null;
  bytes?: Buffer | null;
}

const ENTRY = 'SELECT position, header, leaf, bytes FROM entry';

/**
 * Opens the journal at `file` for reading while another connection may write it.
 *
 * @throws EdgeError as `openDatabase` does
 */
export function openJournalReader(file: string): JournalReader {
  return createReader(openDatabase(file, { readonly: true, schema: journalSchema }));
}

/** A reader over an open connection, which it closes. */
export function createReader(db: Database): JournalReader {
  const from = db.prepare<[number, number], EntryRow>(
    `${ENTRY} WHERE position >= ? ORDER BY position LIMIT ?`,
  );
  const one = db.prepare<[number], EntryRow>(`${ENTRY} WHERE position = ?`);
  const next = db.prepare<[], { next: number }>(
    'SELECT coalesce(max(position) + 1, 0) AS next FROM entry',
  );
  const lowest = db.prepare<[], { lowest: number | null }>(
    'SELECT min(position) AS lowest FROM entry',
  );
  const leaf = db.prepare<[number], { leaf: Buffer | null }>(
    'SELECT leaf FROM entry WHERE position = ?',
  );
  const last = db.prepare<[string], { position: number | null }>(
    'SELECT max(position) AS position FROM rare WHERE kind = ?',
  );
  const rare = db.prepare<[string], { position: number }>(
    'SELECT position FROM rare WHERE kind = ?',
  );
  const highWater = db.prepare<[], HighWater>(
    `SELECT did AS device, epoch_counter AS epochCounter, epoch_nonce AS epochNonce, sequence, count
     FROM high_water JOIN device ON device.id = high_water.device ORDER BY 1, 2, 3`,
  );
  const entryAt = (position: number): JournalEntry | undefined => {
    const row = one.get(position);
    return row === undefined ? undefined : checked(row);
  };
  return {
    read(start, count, bytesMax = Number.POSITIVE_INFINITY) {
      const entries: JournalEntry[] = [];
      let bytes = 0;
      for (const row of from.iterate(start, count)) {
        const position = start + entries.length;
        if (row.position !== position) throw damagedAt(position);
        const entry = checked(row);
        entries.push(entry);
        bytes += entry.bytes.length;
        if (bytes >= bytesMax) break;
      }
      return entries;
    },
    *leaves(start = 0) {
      // Where no position leads to it, an entry could still stand in an index.
      const { lowest: first } = lowest.get() ?? {};
      if (typeof first === 'number' && first < 0) throw damagedAt(first);
      for (let position = start; ; ) {
        const page = from.all(position, limits.leavesPage);
        for (const row of page) {
          if (row.position !== position) throw damagedAt(position);
          yield { position, leaf: checkedLeaf(row) };
          position += 1;
        }
        if (page.length === 0) return;
      }
    },
    entry(position) {
      const row = one.get(position);
      return row && { ...checked(row), leaf: row.leaf?.toString('hex') ?? '' };
    },
    size: () => next.get()?.next ?? 0,
    leaf: (position) => leaf.get(position)?.leaf?.toString('hex'),
    readKinds(kinds) {
      const positions = kinds.flatMap((kind) => rare.all(kind).map((row) => row.position));
      positions.sort((a, b) => a - b);
      return positions.map(entryAt).filter((entry) => entry !== undefined);
    },
    last(kind) {
      const position = last.get(kind)?.position;
      return position === null || position === undefined ? undefined : entryAt(position);
    },
    ...createLookups(db, entryAt),
    ...createPartyReader(db, entryAt),
    ...createDoubtReader(db, (position) => entryAt(position)?.header),
    ...createTreeReader(db),
    highWater: () => highWater.all(),
    poisons: () => readPoisons(db),
    close: () => {
      db.close();
    },
  };
}

/**
 * Lookups in the index of trust. Each is prepared when it is first asked for: a journal that an
 * older version wrote has no index before the ingester opens it, and can be read all the same.
 */
function createLookups(
  db: Database,
  entryAt: (position: number) => JournalEntry | undefined,
): Omit<EnrolmentIndex, 'partyCredential'> & Pick<JournalReader, 'listChecks' | 'statusLists'> {
  const prepared = new Map<string, Statement>();
  const all = <Row>(sql: string, ...parameters: unknown[]): Row[] => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement.all(...parameters) as Row[];
  };
  const entriesOf = (rows: readonly { position: number }[]) =>
    rows.map(({ position }) => entryAt(position)).filter((entry) => entry !== undefined);
  return {
    enrolmentsOf: (device, before) =>
      entriesOf(
        all(
          `SELECT position FROM enrolment WHERE device = ? AND position < ?
           ORDER BY position DESC LIMIT ?`,
          device,
          before,
          limits.deviceEnrolmentsMax,
        ),
      ),
    enrolmentPage: (start, count) =>
      entriesOf(
        all(
          `SELECT position FROM rare WHERE kind = 'enrolment' AND position >= ?
           ORDER BY position LIMIT ?`,
          start,
          count,
        ),
      ),
    enrolmentCount: () =>
      all<{ count: number }>("SELECT count(*) AS count FROM rare WHERE kind = 'enrolment'")[0]
        ?.count ?? 0,
    hasEnrolments: () => all('SELECT 1 FROM enrolment LIMIT 1').length > 0,
    isGateway: (did) => all('SELECT 1 FROM enrolled_gateway WHERE did = ?', did).length > 0,
    namedLists: (count) =>
      all<NamedList>('SELECT list, organisation FROM named_list LIMIT ?', count),
    listChecks: () => all<ListCheck>('SELECT list, at_ms AS atMs FROM checked_list'),
    statusLists: () => entriesOf(all('SELECT position FROM status_list ORDER BY position')),
  };
}

const LEAF_PREFIX = Uint8Array.of(0x00);
const LINE_FEED = Uint8Array.of(0x0a);

/**
 * SHA-256(0x00 ‖ header JSON ‖ 0x0A ‖ bytes), the leaf hash of RFC 9162 §2.1.1 over one entry.
 * JSON text has no bare line feed, so header and bytes cannot be shifted against each other.
 */
export function leafOf(header: string, bytes: Uint8Array): Buffer {
  return createHash('sha256')
    .update(LEAF_PREFIX)
    .update(header, 'utf8')
    .update(LINE_FEED)
    .update(bytes)
    .digest();
}

function checked({ bytes, header, leaf, position }: EntryRow): JournalEntry {
  if (!bytes || !header || !leaf || !leafOf(header, bytes).equals(leaf)) throw damagedAt(position);
  return { position, header: JSON.parse(header) as EntryHeader, bytes };
}

/** The leaf that stands in the database, where it is that of its entry. */
function checkedLeaf(row: EntryRow): Buffer {
  checked(row);
  return row.leaf as Buffer;
}

function damagedAt(position: number): EdgeError {
  return new EdgeError('IN_JOURNAL_DAMAGED', `reading journal entry ${position}`);
}
