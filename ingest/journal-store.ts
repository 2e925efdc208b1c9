/**
 * Writes the journal: entry, replay key, high-water mark and log leaf in one durable transaction
 * a group. Synchronous, so that a worker thread or a simulation can run it.
 */
import { EdgeError } from '../devices/errors.ts';
import { afterCommit } from '../devices/io/checkpoint.ts';
import { assertFull, type Database, isDiskFailure, openDatabase } from '../devices/io/sqlite.ts';
import { findRottenWal, sayRotten, settleWal } from '../devices/io/wal-check.ts';
import { limits } from '../devices/limits.ts';
import { createIndex } from './journal-index.ts';
import { createPartyIndex } from './journal-party.ts';
import { createPlaces, digestBytes } from './journal-place.ts';
import { createPoisonIndex } from './journal-poison.ts';
import { createReader, type JournalReader, leafOf } from './journal-reader.ts';
import { createRefusals, defaultRefusalBounds, type RefusalBounds } from './journal-refusals.ts';
import { journalSchema } from './journal-schema.ts';
import { openTree, type WrittenTree } from './journal-tree.ts';
import type { Appended, EntryHeader, EntryKind, NewEntry } from './store.ts';

/** The journal as the one connection that may write it sees it. */
export interface JournalStore
  extends JournalReader,
    Pick<WrittenTree, 'head' | 'isMended' | 'keep' | 'mend'> {
  /**
   * Appends in order, in one transaction that is on disk when this returns. Throws, and has
   * stored nothing, when the disk fails; the caller then stops.
   */
  append(entries: readonly NewEntry[]): Appended[];
}

/**
 * Opens or creates the journal at `file` (`:memory:` for one that is not kept).
 *
 * @throws EdgeError as `openDatabase` does, and IN_JOURNAL_DAMAGED where SQLite would not see what
 *   had been committed, or the entries are not those of the newest checkpoint; none was changed
 */
export function openJournalStore(
  file: string,
  bounds: RefusalBounds = defaultRefusalBounds,
  onMigrate: (copy: string) => void = () => {},
): JournalStore {
  if (file !== ':memory:') refuseRotten(file);
  return createStore(openDatabase(file, { schema: journalSchema, onMigrate }), bounds);
}

/** Before SQLite opens it: what it does not see of a WAL it writes over. */
function refuseRotten(file: string): void {
  const rotten = findRottenWal(file);
  if (rotten) throw new EdgeError('IN_JOURNAL_DAMAGED', `opening ${file}: ${sayRotten(rotten)}`);
  settleWal(file);
}

/** Kinds that are told apart by their digest; the others may say the same thing twice. */
const NAMED: ReadonlySet<EntryKind> = new Set([
  ...(['refusal', 'equivocation', 'doubtful', 'enrolment', 'status', 'party'] as const),
]);

function createStore(db: Database, bounds: RefusalBounds): JournalStore {
  const reader = createReader(db);
  const sql = prepare(db);
  const index = createIndex(db);
  const indexParty = createPartyIndex(db);
  const indexPoison = createPoisonIndex(db);
  const refusals = createRefusals(db, bounds);
  const tree = openTree(db, reader.size(), reader.leaves);
  let asserted = false;
  const disk = createDiskWatch(db);

  const put = (header: EntryHeader, bytes: Uint8Array): Appended => {
    const text = JSON.stringify(header);
    const leaf = leafOf(text, bytes);
    const position = tree.size();
    sql.insertEntry.run(position, text, leaf, bytes);
    tree.add(leaf);
    const hex = leaf.toString('hex');
    const { kind } = header;
    remember({ position, leaf: hex, result: 'known', kind, ...codeOf(header) });
    if (header.kind !== 'batch') {
      const digest = NAMED.has(header.kind) ? digestBytes(header.digest) : null;
      sql.insertRare.run(header.kind, position, digest);
      index(header.kind, position, bytes);
      indexParty({ position, header, bytes });
      indexPoison(header, position, bytes);
    }
    const result = kind === 'equivocation' ? 'equivocation' : 'stored';
    return { position, leaf: hex, result, kind, ...codeOf(header) };
  };

  const headerAt = (position: number): EntryHeader | undefined => reader.entry(position)?.header;

  const { findNamed, forget, known, remember } = createLookup(reader, sql);
  const places = createPlaces(db, { put, known, findNamed, next: tree.size, headerAt });

  const appendOne = (entry: NewEntry): Appended => {
    const { batch, kind } = entry.header;
    if (batch !== undefined && (kind === 'batch' || kind === 'doubtful')) {
      return places.appendBatch(entry, batch);
    }
    if (kind === 'act') return places.appendAct(entry);
    const found = NAMED.has(entry.header.kind) ? findNamed(entry) : undefined;
    if (found !== undefined) return found;
    const { header, bytes } = entry;
    if (kind !== 'refusal' || refusals.keep(header, bytes.length)) return put(header, bytes);
    return { position: tree.size() - 1, leaf: '', result: 'counted', kind, ...codeOf(header) };
  };

  const appendAll = db.transaction((entries: readonly NewEntry[]) => {
    const appended = entries.map(appendOne);
    const last = entries.at(-1)?.header;
    const due = last && refusals.due(last.tenant, last.receivedMs);
    const answer = appended.at(-1);
    if (!due || !answer) return appended;
    return [...appended.slice(0, -1), { ...answer, act: put(due.header, due.bytes).position }];
  });

  return {
    ...reader,
    size: tree.size,
    head: tree.head,
    rootOf: (entries) => disk.guard('reading the tree', () => reader.rootOf(entries)),
    prove: (from, entries) => disk.guard('reading the tree', () => reader.prove(from, entries)),
    isMended: tree.isMended,
    mend: () => disk.watch('making the tree of the journal anew', tree.mend),
    keep: (checkpoint, statements) =>
      disk.watch('keeping a checkpoint of the journal', () => tree.keep(checkpoint, statements)),
    append(entries) {
      const mark = tree.mark();
      const undo = () => {
        tree.back(mark);
        forget();
        places.reload();
        refusals.reload();
      };
      const append = () => {
        const appended = appendAll.immediate(entries);
        if (!asserted) assertFull(db);
        asserted = true;
        return appended;
      };
      return disk.watch(`appending to the journal at ${mark.size()}`, append, undo);
    },
  };
}

/** A disk that failed once is not asked again. */
function createDiskWatch(db: Database) {
  let failure: EdgeError | undefined;
  return {
    /** Does something; where that fails, `undo` puts memory back first. */
    guard<T>(what: string, action: () => T, undo: () => void = () => {}): T {
      if (failure) throw failure;
      try {
        return action();
      } catch (cause) {
        undo();
        const found = failureOf(cause, what);
        if (isDiskFailure(found)) failure = found;
        throw found;
      }
    },
    /** The same with something that commits. */
    watch<T>(what: string, action: () => T, undo?: () => void): T {
      const commit = () => {
        const done = action();
        afterCommit(db);
        return done;
      };
      return this.guard(what, commit, undo);
    },
  };
}

/** What is stored already. */
function createLookup(reader: JournalReader, sql: ReturnType<typeof prepare>) {
  /** What was stored a moment ago, since what comes twice mostly comes again soon. */
  const recent = new Map<number, Appended>();
  const remember = (answer: Appended): void => {
    recent.set(answer.position, answer);
    if (recent.size > limits.recentAnswers) recent.delete(answer.position - limits.recentAnswers);
  };

  const known = (position: number): Appended => {
    const answer = recent.get(position);
    if (answer !== undefined) return answer;
    // Its leaf goes into a receipt, so that it is compared with what it stands for.
    const entry = reader.entry(position);
    if (entry === undefined) {
      throw new EdgeError('IN_JOURNAL_DAMAGED', `no journal entry ${position}, which is indexed`);
    }
    const { header, leaf } = entry;
    return { position, leaf, result: 'known', kind: header.kind, ...codeOf(header) };
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
  return { findNamed, forget: () => recent.clear(), known, remember };
}

function failureOf(cause: unknown, what: string): EdgeError {
  if (isDiskFailure(cause)) return new EdgeError('DB_DISK_FAILED', what, { cause });
  return cause instanceof EdgeError ? cause : new EdgeError('IN_JOURNAL_FAILED', what, { cause });
}

function codeOf({ code }: EntryHeader): { readonly code?: string } {
  return code === undefined ? {} : { code };
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
