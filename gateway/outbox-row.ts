/**
 * Whether a row of the outbox is what was signed: its hash, its signature, and its columns against
 * the token. And where it is not, what can still be believed of it.
 */
import type { Batch } from '../devices/credential/batch.ts';
import { readBatch } from '../devices/credential/batch-wire.ts';
import { openToken, verifyToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { isDidKey, publicKeyOfDid } from '../devices/identity/did-key.ts';
import { limits } from '../devices/limits.ts';
import type { Loss } from '../devices/reading.ts';
import { countReadings, readingsOf, spanOf } from './draft.ts';
import type { Statements } from './outbox-statements.ts';
import { type BatchRow, hashOfHead, isIntact } from './outbox-tables.ts';

/** The batch in a token whose signature is its issuer's, or why there is none. */
export type Proven = { readonly batch: Batch; readonly digest: string } | { readonly why: string };

/** Judges a token by itself. */
export function proveToken(token: Uint8Array): Proven {
  const opened = openToken(token, limits.batchBytesMax);
  if (isRefusal(opened)) return { why: opened.reason };
  const { issuer } = opened.payload;
  if (typeof issuer !== 'string' || !isDidKey(issuer)) return { why: 'its issuer is no device' };
  if (!verifyToken(opened, publicKeyOfDid(issuer))) return { why: 'its signature is wrong' };
  const batch = readBatch(opened.payload);
  return isRefusal(batch) ? { why: batch.reason } : { batch, digest: opened.digest };
}

/** What a row is found to be: a sound one has its batch, but for papers, which others signed. */
export type Judged =
  | { readonly fault: string; readonly batch?: never }
  | { readonly fault?: never; readonly batch: Batch | undefined };

/** Judges a row before it is sent or relied on. */
export function judgeRow(row: BatchRow): Judged {
  if (!isIntact(row)) return { fault: 'its hash is wrong' };
  if (row.paper) return { batch: undefined };
  const proven = proveToken(row.token);
  if ('why' in proven) return { fault: proven.why };
  if (!agrees(row, proven)) return { fault: 'its columns say something else than its token' };
  return { batch: proven.batch };
}

function agrees(row: BatchRow, { batch, digest }: Exclude<Proven, { why: string }>): boolean {
  const { fromMs, toMs } = spanOf(batch);
  return (
    row.digest === digest &&
    row.device === batch.device &&
    row.epoch === batch.epoch.counter &&
    (row.nonce ?? batch.epoch.nonce) === batch.epoch.nonce &&
    row.sequence === batch.sequence &&
    row.readings === readingsOf(batch) &&
    row.bytes === row.token.length &&
    row.closed_ms === batch.closedMs &&
    row.from_ms === fromMs &&
    row.to_ms === toMs
  );
}

/** The loss that stands for a damaged row, and whose key says it. */
export interface DamagedLoss {
  readonly witness: string;
  readonly losses: readonly Loss[];
}

/**
 * What is lost with a damaged row. Nothing is taken from a number that may have rotted: the token
 * is believed where its signature is right, the columns where their own hash is, and otherwise the
 * batches beside it tell the interval, and the larger of them how many readings it may have had.
 */
export function lossOfDamaged(
  row: BatchRow,
  sql: Pick<Statements, 'before' | 'behind' | 'marks'>,
  canSign: (did: string) => boolean,
): DamagedLoss | undefined {
  const proven = proveToken(row.token);
  const witness = row.witness && canSign(row.witness) ? row.witness : undefined;
  if (!('why' in proven)) {
    const { batch, digest } = proven;
    const by = canSign(batch.device) ? batch.device : witness;
    if (by !== undefined)
      return { witness: by, losses: lossesOfBatch(batch, digest, 'damaged', by) };
  }
  if (row.head && Buffer.compare(row.head, hashOfHead(row)) === 0) {
    const by = row.witness ?? row.device;
    if (!canSign(by)) return undefined;
    const { device, digest, epoch, from_ms, nonce, readings, sequence, to_ms } = row;
    const places = nonce &&
      by === device && { counter: epoch, nonce, first: sequence, last: sequence };
    const span = { fromMs: Math.min(from_ms, to_ms), toMs: Math.max(from_ms, to_ms) };
    const loss = { ...span, count: readings, cause: 'damaged' } as const;
    const own = { ...loss, ...(places && { batches: { ...places, digest } }) };
    // What we wrote ourselves, and its hash is right.
    const carried = JSON.parse(row.losses ?? '[]') as Loss[];
    return { witness: by, losses: [own, ...carried.map(({ points: _, ...one }) => one)] };
  }
  return guess(row, sql, witness ?? (canSign(row.device) ? row.device : undefined), canSign);
}

/** Rows beside a damaged one that are looked at, for one that is sound. */
const NEIGHBOURS = 8;

function guess(
  row: BatchRow,
  { before, behind, marks }: Pick<Statements, 'before' | 'behind' | 'marks'>,
  named: string | undefined,
  canSign: (did: string) => boolean,
): DamagedLoss | undefined {
  const devices = marks.all();
  const sound = (rows: readonly BatchRow[]) =>
    rows.find((one) => judgeRow(one).fault === undefined);
  const beside = (device: string) => {
    const previous = sound(before.all(device, row.id, NEIGHBOURS));
    const next = sound(behind.all(device, row.id, NEIGHBOURS));
    return { device, previous, next, places: previous && next && between(previous, next) };
  };
  // A name that rotted is none of those that are known: it is the device that misses a batch here.
  const names = devices.map(({ device }) => device).filter(canSign);
  const found = (named === undefined ? names : [named]).map(beside);
  const one = found.find(({ places }) => places !== undefined) ?? found[0];
  if (one === undefined) return undefined;
  const { device, next, places, previous } = one;
  const lastMs = devices.find((one) => one.device === device)?.lastMs ?? 0;
  const fromMs = previous?.to_ms ?? next?.from_ms ?? lastMs;
  const toMs = Math.max(fromMs, next?.from_ms ?? Math.max(lastMs, previous?.closed_ms ?? lastMs));
  const count = Math.max(1, previous?.readings ?? 0, next?.readings ?? 0);
  const loss = { fromMs: Math.min(fromMs, toMs), toMs, count, cause: 'damaged' } as const;
  const losses = [{ ...loss, estimated: true as const, ...(places && { batches: places }) }];
  return { witness: device, losses };
}

/** The place between two batches where there is exactly one. */
function between(previous: BatchRow, next: BatchRow): Loss['batches'] {
  const { epoch: counter, nonce } = previous;
  if (!nonce || next.nonce !== nonce || next.epoch !== counter) return undefined;
  const sequence = previous.sequence + 1;
  if (next.sequence !== sequence + 1) return undefined;
  return { counter, nonce, first: sequence, last: sequence };
}

/**
 * What is lost when a stored batch is not sent: the readings that it holds or stands for, under the
 * name of its place, and what it would have said was lost. Thinned, it loses only its own readings:
 * what it stands for is in the next aggregates. Only the device's own key names its places.
 */
export function lossesOfBatch(
  batch: Batch,
  digest: string,
  cause: 'damaged' | 'given-way' | 'thinned',
  witness: string,
): Loss[] {
  const { epoch, sequence } = batch;
  const { fromMs, toMs } = spanOf(batch);
  const isOwn = witness === batch.device;
  const place = { counter: epoch.counter, nonce: epoch.nonce, first: sequence, last: sequence };
  const count = cause === 'thinned' ? countReadings(batch) : readingsOf(batch);
  const own: Loss = { fromMs, toMs, count, cause, ...(isOwn && { batches: { ...place, digest } }) };
  const carried = batch.losses.map(({ batches, points: _, ...loss }) => ({
    ...loss,
    ...(isOwn && batches && { batches }),
  }));
  return [own, ...carried];
}
