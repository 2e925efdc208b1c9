/**
 * Writes the journal: entry, replay key, high-water mark and log leaf in one durable transaction
 * a group. Synchronous, so that a worker thread or a simulation can run it.
 */
import { EdgeError } from '../devices/errors.ts';
import { assertFull, type Database, openDatabase } from '../devices/io/sqlite.ts';
import { createIndex } from './journal-index.ts';
import { createPartyIndex } from './journal-party.ts';
import { createPlaces, digestBytes } from './journal-place.ts';
import { createReader, type JournalReader, leafOf } from './journal-reader.ts';
import { journalSchema } from './journal-schema.ts';
import type { Appended, EntryHeader, EntryKind, NewEntry } from './store.ts';

/** The journal as the one connection that may write it sees it. */
export interface JournalStore extends JournalReader {
  /**
   * Appends in order, in one transaction that is on disk when this returns. Throws, and has
   * stored nothing, when the disk fails; the caller then stops.
   */
  append(entries: readonly NewEntry[]): Appended[];
}

/**
 * Opens or creates the journal at `file` (`:memory:` for one that is not kept).
 *
 * @throws EdgeError as `openDatabase` does
 */
export function openJournalStore(file: string): JournalStore {
  return createStore(openDatabase(file, { schema: journalSchema }));
}

/** Kinds that are told apart by their digest; the others may say the same thing twice. */
const NAMED: ReadonlySet<EntryKind> = new Set([
  ...(['refusal', 'equivocation', 'doubtful', 'enrolment', 'status', 'party'] as const),
]);

function createStore(db: Database): JournalStore {
  const reader = createReader(db);
  const sql = prepare(db);
  const index = createIndex(db);
  const indexParty = createPartyIndex(db);
  let size = reader.size();
  let asserted = false;

  const put = (header: EntryHeader, bytes: Uint8Array): Appended => {
    const text = JSON.stringify(header);
    const leaf = leafOf(text, bytes);
    const position = size;
    sql.insertEntry.run(position, text, leaf, bytes);
    size += 1;
    if (header.kind !== 'batch') {
      const digest = NAMED.has(header.kind) ? digestBytes(header.digest) : null;
      sql.insertRare.run(header.kind, position, digest);
      index(header.kind, position, bytes);
      indexParty({ position, header, bytes });
    }
    return {
      position,
      leaf: leaf.toString('hex'),
      result: header.kind === 'equivocation' ? 'equivocation' : 'stored',
      kind: header.kind,
      ...(header.code === undefined ? {} : { code: header.code }),
    };
  };

  const headerAt = (position: number): EntryHeader | undefined =>
    reader.read(position, 1)[0]?.header;

  const known = (position: number): Appended => {
    // Its leaf goes into a receipt, so that it is compared with what it stands for.
    const [entry] = reader.read(position, 1);
    const leaf = reader.leaf(position);
    if (entry === undefined || leaf === undefined) {
      throw new EdgeError('IN_JOURNAL_DAMAGED', `no journal entry ${position}, which is indexed`);
    }
    const { kind, code } = entry.header;
    return { position, leaf, result: 'known', kind, ...(code === undefined ? {} : { code }) };
  };

  /** A stored entry that is the same as this one; a refusal is so only by all of its bytes. */
  const findNamed = ({ header, bytes }: NewEntry): Appended | undefined => {
    for (const { kind, position } of sql.byDigest.all(digestBytes(header.digest))) {
      // Nobody keeps a status list out by sending it first by a way that does not take lists.
      if (kind === 'refusal' && header.kind === 'status') continue;
      // A forged signature must not stand for the genuine token that has the same digest.
      const same =
        kind === 'refusal'
          ? sql.entryBytes.get(position)?.bytes.equals(bytes)
          : header.kind !== 'refusal';
      if (same) return known(position);
    }
    return undefined;
  };

  const places = createPlaces(db, { put, known, findNamed, next: () => size, headerAt });

  const appendOne = (entry: NewEntry): Appended => {
    const { batch, kind } = entry.header;
    if (batch !== undefined && (kind === 'batch' || kind === 'doubtful')) {
      return places.appendBatch(entry, batch);
    }
    if (kind === 'act') return places.appendAct(entry);
    const found = NAMED.has(entry.header.kind) ? findNamed(entry) : undefined;
    return found ?? put(entry.header, entry.bytes);
  };

  const appendAll = db.transaction((entries: readonly NewEntry[]) => entries.map(appendOne));

  return {
    ...reader,
    size: () => size,
    append(entries) {
      const before = size;
      try {
        const appended = appendAll.immediate(entries);
        if (!asserted) assertFull(db);
        asserted = true;
        return appended;
      } catch (cause) {
        size = before;
        places.reload();
        if (cause instanceof EdgeError) throw cause;
        throw new EdgeError('IN_JOURNAL_FAILED', `appending to the journal at ${before}`, {
          cause,
        });
      }
    },
  };
}

function prepare(db: Database) {
  return {
    insertEntry: db.prepare<[number, string, Buffer, Uint8Array]>(
      'INSERT INTO entry (position, header, leaf, bytes) VALUES (?, ?, ?, ?)',
    ),
    insertRare: db.prepare<[string, number, Buffer | null]>(
      'INSERT INTO rare (kind, position, digest) VALUES (?, ?, ?)',
    ),
    byDigest: db.prepare<[Buffer], { kind: EntryKind; position: number }>(
      'SELECT kind, position FROM rare WHERE digest = ? ORDER BY position',
    ),
    entryBytes: db.prepare<[number], { bytes: Buffer }>(
      'SELECT bytes FROM entry WHERE position = ?',
    ),
  };
}
