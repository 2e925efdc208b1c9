/**
 * Gives each batch its place in its device's history, once and for ever, and keeps what comes for
 * a place that is taken or from a key in doubt as evidence beside it. Part of the transaction that
 * stores the entry, so that no other batch comes between a look and what follows of it.
 */
import { EdgeError } from '../devices/errors.ts';
import type { Database } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { ChainedAct } from './act.ts';
import { createDoubts, type DoubtPlace, type Doubts, type Settled } from './journal-doubt.ts';
import { createRuns, type Runs } from './journal-runs.ts';
import type { Appended, BatchKey, EntryHeader, NewEntry } from './store.ts';

/** The log below: what is put there takes the next position. */
export interface PlaceLog {
  readonly put: (header: EntryHeader, bytes: Uint8Array) => Appended;
  readonly next: () => number;
  readonly headerAt: (position: number) => EntryHeader | undefined;
  /** The answer to what is stored at a position already. */
  readonly known: (position: number) => Appended;
  /** An entry that is the same as this one and stands in no place. */
  readonly findNamed: (entry: NewEntry) => Appended | undefined;
}

export interface Places {
  appendBatch(entry: NewEntry, key: BatchKey): Appended;
  /** Stores an act; what it accepts takes its place. */
  appendAct(entry: NewEntry): Appended;
  /** After a transaction that failed: memory follows the database. */
  reload(): void;
}

interface Context {
  readonly sql: ReturnType<typeof prepare>;
  readonly log: PlaceLog;
  readonly doubts: Doubts;
  readonly runs: Runs;
  /** Rows of devices that spoke lately: each batch asks for its own. */
  readonly devices: Map<string, number>;
}

export function createPlaces(db: Database, log: PlaceLog): Places {
  const doubts = createDoubts(db);
  const runs = createRuns(db);
  const context: Context = { sql: prepare(db), log, doubts, runs, devices: new Map() };
  return {
    appendBatch: (entry, key) => appendBatch(context, entry, key),
    appendAct: (entry) => appendAct(context, entry),
    reload() {
      context.devices.clear();
      doubts.reload();
      runs.reload();
    },
  };
}

/** The 32 bytes of SHA-256 in a multibase multihash (`uEi…`). */
export function digestBytes(digest: string): Buffer {
  return Buffer.from(digest.slice(1), 'base64url').subarray(2);
}

/** A batch in its place. */
export interface ReplayRow {
  readonly sequence: number;
  readonly digest: Buffer;
  readonly position: number;
}

/** The highest place taken in an epoch, and how many are: places are counted from 1. */
interface HighWaterRow {
  readonly sequence: number;
  readonly count: number;
}

/** A batch on its way to its place. */
interface Coming {
  readonly entry: NewEntry;
  readonly place: DoubtPlace;
  readonly digest: Buffer;
  /** What stands in this place and beside it, but for the batch before where this one names it. */
  readonly near: readonly ReplayRow[];
}

function appendBatch(context: Context, entry: NewEntry, key: BatchKey): Appended {
  const { sql, log, doubts } = context;
  const { epochCounter, epochNonce, sequence } = key;
  const device = deviceId(context, key.device);
  const digest = digestBytes(entry.header.digest);
  const previous = key.previous === undefined ? null : digestBytes(key.previous);
  const [first, last] = [sequence - 1, sequence + 1];
  const near = sql.near.all(device, epochCounter, epochNonce, first, last, sequence, previous);
  const here = near.find((row) => row.sequence === sequence);
  if (here?.digest.equals(digest)) return counting(log.known(here.position));
  const named = log.findNamed(entry);
  if (named !== undefined) return named;
  const coming = { entry, place: { device, epochCounter, epochNonce, sequence }, digest, near };
  const about = { digest: entry.header.digest, batch: key };
  const other = contradictionOf(near, about, log.headerAt);
  if (other !== undefined) {
    assertIndexed(near, other, log.headerAt);
    doubts.quarantine(device, log.next());
    const header = { ...clean(entry.header), kind: 'equivocation', ...forkWith(other) } as const;
    return log.put(header, entry.bytes);
  }
  const since = earliest(entry.header.since, doubts.quarantinedSince(device));
  if (since === undefined) {
    const rival = context.runs.proofIn(coming.place, entry, log.next());
    return rival === undefined ? putGood(context, coming) : putCloned(context, coming, rival);
  }
  const under = rootOf(context, coming, since);
  if (under === undefined) return putDoubtful(context, coming, since);
  const header = { ...clean(entry.header), kind: 'batch', under } as const;
  return putGood(context, { ...coming, entry: { ...entry, header } });
}

/**
 * The position of what cannot be true beside a batch: another in its place, or a neighbour that
 * disagrees about which batch comes before which. Two histories show by either. `near` is what
 * stands in its place and in the two beside it.
 */
export function contradictionOf(
  near: readonly ReplayRow[],
  { digest, batch }: { readonly digest: string; readonly batch: BatchKey },
  headerAt: (position: number) => EntryHeader | undefined,
): number | undefined {
  const other = near.find((row) => {
    if (row.sequence === batch.sequence) return true;
    const isNext = row.sequence > batch.sequence;
    const named = isNext ? headerAt(row.position)?.batch?.previous : batch.previous;
    return (
      named !== undefined && !digestBytes(named).equals(isNext ? digestBytes(digest) : row.digest)
    );
  });
  return other?.position;
}

/** Nobody is accused by an index that a disk has changed: it must say what the entry says. */
function assertIndexed(
  near: readonly ReplayRow[],
  position: number,
  headerAt: (position: number) => EntryHeader | undefined,
): void {
  const header = headerAt(position);
  const row = near.find((one) => one.position === position);
  const isSame = header && row && digestBytes(header.digest).equals(row.digest);
  if (isSame && header.batch?.sequence === row.sequence) return;
  throw new EdgeError('IN_JOURNAL_DAMAGED', `comparing with the batch at position ${position}`);
}

/**
 * The batch under which one is chained that came in doubt: a batch that stood in the journal
 * before `since` names it, or names one that names it, and so on. Those in between may have come
 * later; they were judged in the same way.
 */
function rootOf(
  { sql, log, doubts }: Context,
  { near, place, digest }: Coming,
  since: number,
): number | undefined {
  const { device, epochCounter, epochNonce, sequence } = place;
  const { voucherEpochsMax: most } = limits;
  const later = sql.laterEpochs.all(device, epochCounter, epochCounter, epochNonce, most);
  for (const { position } of [...near.filter((row) => row.sequence > sequence), ...later]) {
    const { batch, kind, under } = log.headerAt(position) ?? {};
    if (batch?.previous === undefined || !digestBytes(batch.previous).equals(digest)) continue;
    const root = kind === 'batch' ? (under ?? position) : doubts.rootOf(position);
    if (root !== undefined && root < since) return root;
  }
  return undefined;
}

function putGood(context: Context, { entry, place, digest }: Coming): Appended {
  const { header, bytes } = entry;
  const appended = context.log.put(header, bytes);
  occupy(context, { position: appended.position, place, digest });
  const act = settleChained(context, { header, place, under: header.under ?? appended.position });
  return act === undefined ? appended : { ...appended, act };
}

function putDoubtful({ log, doubts }: Context, { entry, place, digest }: Coming, since: number) {
  const { header, bytes } = entry;
  const other = doubts.besides(place);
  const quarantined = { code: 'IN_QUARANTINE', reason: `in quarantine since position ${since}` };
  const own = header.kind === 'doubtful' ? {} : quarantined;
  const why = other === undefined ? own : forkWith(other);
  const appended = log.put({ ...header, ...why, kind: 'doubtful', since }, bytes);
  doubts.keep(appended.position, place, digest, since);
  if (other !== undefined) doubts.quarantine(place.device, appended.position);
  return appended;
}

/** It shows that its key is in two places: from it on the device is in quarantine. */
function putCloned({ log, doubts }: Context, { entry, place, digest }: Coming, rival: number) {
  const since = log.next();
  const reason = `its run goes on after the one of the batch at position ${rival} had begun`;
  const header = { ...entry.header, kind: 'doubtful', code: 'IN_CLONED', reason, since } as const;
  const appended = log.put(header, entry.bytes);
  doubts.keep(since, place, digest, since);
  doubts.quarantine(place.device, since);
  return appended;
}

/**
 * Accepts the doubtful batch that a good one names, and the one that this names, and so on back,
 * in an act of its own; its position, where there was any.
 */
function settleChained(
  context: Context,
  { header, place, under }: { header: EntryHeader; place: DoubtPlace; under: number },
): number | undefined {
  const { sql, log, doubts } = context;
  const { tenant, receivedMs } = header;
  const positions: number[] = [];
  let after = { place, previous: header.batch?.previous };
  while (after.previous !== undefined) {
    const found = doubts.chained(place.device, digestBytes(after.previous), under);
    if (found === undefined || !isBefore(found.place, after.place)) break;
    if (isTaken(sql, found.place)) break;
    const act = log.next() + Math.floor(positions.length / limits.actPositionsMax);
    doubts.settle(found.position, act, under);
    occupy(context, found);
    positions.push(found.position);
    after = { place: found.place, previous: log.headerAt(found.position)?.batch?.previous };
  }
  for (let at = 0; at < positions.length; at += limits.actPositionsMax) {
    const accept = positions.slice(at, at + limits.actPositionsMax);
    const act: ChainedAct = { act: 'chained', accept, under, atMs: receivedMs };
    const bytes = Buffer.from(JSON.stringify(act));
    const digest = digestMultibase(bytes);
    log.put({ version: 1, tenant, kind: 'act', receivedMs, digest }, bytes);
  }
  return positions.length === 0 ? undefined : log.next() - 1;
}

function appendAct(context: Context, { header, bytes }: NewEntry): Appended {
  const appended = context.log.put(header, bytes);
  for (const settled of context.doubts.take(appended.position, bytes)) {
    if (!isTaken(context.sql, settled.place)) occupy(context, settled);
  }
  context.runs.reload();
  return appended;
}

/** Gives a batch its place. */
function occupy({ sql, runs }: Context, { position, place, digest }: Settled): void {
  const { device, epochCounter, epochNonce, sequence } = place;
  sql.insertReplay.run(device, epochCounter, epochNonce, sequence, digest, position);
  const high = sql.raiseHighWater.get(device, epochCounter, epochNonce, sequence);
  if (high?.count === 1) runs.began(device);
  if (high !== undefined && high.count <= high.sequence) return;
  // More batches than places: a disk has changed the index, and one of them would count twice.
  throw new EdgeError('IN_JOURNAL_DAMAGED', `counting batch ${sequence} at position ${position}`);
}

function isTaken(sql: Context['sql'], place: DoubtPlace): boolean {
  const { device, epochCounter, epochNonce, sequence } = place;
  return sql.at.get(device, epochCounter, epochNonce, sequence) !== undefined;
}

/** Whether a batch in the first place can be the one that a batch in the second names. */
function isBefore(a: DoubtPlace, b: DoubtPlace): boolean {
  if (a.epochCounter === b.epochCounter && a.epochNonce === b.epochNonce) {
    return a.sequence + 1 === b.sequence;
  }
  return b.sequence === 1 && a.epochCounter <= b.epochCounter;
}

function forkWith(position: number): Required<Pick<EntryHeader, 'code' | 'reason'>> {
  return { code: 'IN_FORK', reason: `contradicts the batch at position ${position}` };
}

/** A batch that counts, whatever it was when it came. */
function counting({ code: _doubt, ...appended }: Appended): Appended {
  return { ...appended, kind: 'batch' };
}

/** A header without what its doubt said. */
function clean({ code: _code, reason: _reason, since: _since, ...rest }: EntryHeader): EntryHeader {
  return rest;
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function deviceId({ devices, sql }: Context, did: string): number {
  const known = devices.get(did);
  if (known !== undefined) return known;
  const id = sql.findDevice.get(did)?.id ?? Number(sql.insertDevice.run(did).lastInsertRowid);
  if (devices.size >= limits.enrolmentsCached) devices.clear();
  devices.set(did, id);
  return id;
}

function prepare(db: Database) {
  return {
    // A batch in order finds nothing here: the one before it is as it says, and none is behind it.
    near: db.prepare<[number, number, string, number, number, number, Buffer | null], ReplayRow>(
      `SELECT sequence, digest, position FROM replay
       WHERE device = ? AND epoch_counter = ? AND epoch_nonce = ? AND sequence BETWEEN ? AND ?
         AND (sequence >= ? OR digest IS NOT ?)`,
    ),
    at: db.prepare<[number, number, string, number], { position: number }>(
      `SELECT position FROM replay
       WHERE device = ? AND epoch_counter = ? AND epoch_nonce = ? AND sequence = ?`,
    ),
    // The first batches of other epochs, of which one may name the last of this one.
    laterEpochs: db.prepare<[number, number, number, string, number], { position: number }>(
      `SELECT replay.position FROM high_water JOIN replay USING (device, epoch_counter, epoch_nonce)
       WHERE device = ? AND epoch_counter >= ? AND (epoch_counter > ? OR epoch_nonce != ?)
         AND replay.sequence = 1
       ORDER BY epoch_counter LIMIT ?`,
    ),
    insertReplay: db.prepare<[number, number, string, number, Buffer, number]>(
      `INSERT INTO replay (device, epoch_counter, epoch_nonce, sequence, digest, position)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    raiseHighWater: db.prepare<[number, number, string, number], HighWaterRow>(
      `INSERT INTO high_water (device, epoch_counter, epoch_nonce, sequence, count)
       VALUES (?, ?, ?, ?, 1)
       ON CONFLICT DO UPDATE SET
         sequence = max(sequence, excluded.sequence), count = count + 1
       RETURNING sequence, count`,
    ),
    findDevice: db.prepare<[string], { id: number }>('SELECT id FROM device WHERE did = ?'),
    insertDevice: db.prepare<[string]>('INSERT INTO device (did) VALUES (?)'),
  };
}
