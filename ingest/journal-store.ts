/**
 * Writes the journal: entry, replay key, high-water mark and log leaf in one durable transaction
 * a group. Synchronous, so that a worker thread or a simulation can run it.
 */
import { EdgeError } from '../devices/errors.ts';
import { assertFull, type Database, openDatabase } from '../devices/io/sqlite.ts';
import { createIndex } from './journal-index.ts';
import { createReader, type JournalReader, leafOf } from './journal-reader.ts';
import { journalSchema } from './journal-schema.ts';
import type { Appended, BatchKey, EntryHeader, EntryKind, NewEntry } from './store.ts';

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
  ...(['refusal', 'equivocation', 'enrolment', 'status', 'party'] as const),
]);

function createStore(db: Database): JournalStore {
  const reader = createReader(db);
  const sql = prepare(db);
  const index = createIndex(db);
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
    }
    return {
      position,
      leaf: leaf.toString('hex'),
      result: header.kind === 'equivocation' ? 'equivocation' : 'stored',
      kind: header.kind,
      ...(header.code === undefined ? {} : { code: header.code }),
    };
  };

  const known = (position: number): Appended => {
    const row = sql.entryHead.get(position);
    if (row === undefined) throw new Error(`no journal entry ${position} although it is indexed`);
    const { kind, code } = JSON.parse(row.header) as EntryHeader;
    const leaf = row.leaf.toString('hex');
    return { position, leaf, result: 'known', kind, ...(code === undefined ? {} : { code }) };
  };

  /** A stored entry that is the same as this one; a refusal is so only by all of its bytes. */
  const findNamed = ({ header, bytes }: NewEntry): Appended | undefined => {
    for (const { kind, position } of sql.byDigest.all(digestBytes(header.digest))) {
      // A forged signature must not stand for the genuine token that has the same digest.
      const same =
        kind === 'refusal'
          ? sql.entryBytes.get(position)?.bytes.equals(bytes)
          : header.kind !== 'refusal';
      if (same) return known(position);
    }
    return undefined;
  };

  const appendBatch = (entry: NewEntry, key: BatchKey): Appended => {
    const refused = findNamed(entry);
    if (refused !== undefined) return refused;
    const device = deviceId(sql, key.device);
    const digest = digestBytes(entry.header.digest);
    const found = sql.findReplay.get(device, key.epochCounter, key.epochNonce, key.sequence);
    if (found !== undefined && digest.equals(found.digest)) return known(found.position);
    if (found !== undefined) {
      return put({ ...entry.header, ...equivocationOf(found.position) }, entry.bytes);
    }
    const appended = put(entry.header, entry.bytes);
    const { epochCounter, epochNonce, sequence } = key;
    sql.insertReplay.run(device, epochCounter, epochNonce, sequence, digest, appended.position);
    sql.raiseHighWater.run(device, epochCounter, epochNonce, sequence);
    return appended;
  };

  const appendOne = (entry: NewEntry): Appended => {
    if (entry.header.batch !== undefined && entry.header.kind === 'batch') {
      return appendBatch(entry, entry.header.batch);
    }
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
        if (cause instanceof EdgeError) throw cause;
        throw new EdgeError('IN_JOURNAL_FAILED', `appending to the journal at ${before}`, {
          cause,
        });
      }
    },
  };
}

function equivocationOf(position: number): Pick<EntryHeader, 'kind' | 'code' | 'reason'> {
  return {
    kind: 'equivocation',
    code: 'IN_FORK',
    reason: `contradicts the batch at position ${position}`,
  };
}

type Sql = ReturnType<typeof prepare>;

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
    entryHead: db.prepare<[number], { header: string; leaf: Buffer }>(
      'SELECT header, leaf FROM entry WHERE position = ?',
    ),
    entryBytes: db.prepare<[number], { bytes: Buffer }>(
      'SELECT bytes FROM entry WHERE position = ?',
    ),
    findReplay: db.prepare<[number, number, string, number], { digest: Buffer; position: number }>(
      `SELECT digest, position FROM replay
       WHERE device = ? AND epoch_counter = ? AND epoch_nonce = ? AND sequence = ?`,
    ),
    insertReplay: db.prepare<[number, number, string, number, Buffer, number]>(
      `INSERT INTO replay (device, epoch_counter, epoch_nonce, sequence, digest, position)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    raiseHighWater: db.prepare<[number, number, string, number]>(
      `INSERT INTO high_water (device, epoch_counter, epoch_nonce, sequence, count)
       VALUES (?, ?, ?, ?, 1)
       ON CONFLICT DO UPDATE SET
         sequence = max(sequence, excluded.sequence), count = count + 1`,
    ),
    findDevice: db.prepare<[string], { id: number }>('SELECT id FROM device WHERE did = ?'),
    insertDevice: db.prepare<[string]>('INSERT INTO device (did) VALUES (?)'),
  };
}

function deviceId(sql: Sql, did: string): number {
  return sql.findDevice.get(did)?.id ?? Number(sql.insertDevice.run(did).lastInsertRowid);
}

/** The 32 bytes of SHA-256 in a multibase multihash (`uEi…`). */
function digestBytes(digest: string): Buffer {
  return Buffer.from(digest.slice(1), 'base64url').subarray(2);
}
