/**
 * What the twins must say after so many entries: a fold of our own over the facts, with nothing of
 * the ingester's code in it.
 */
import { type Facts, nameOf, type Place, type SignedBatch, type Stored } from './facts.ts';

export interface AppliedDevice {
  batches: number;
  readings: number;
  /** Sequences that took effect, by counter and nonce. */
  readonly epochs: Map<string, AppliedEpoch>;
  /** By point: the batch in the last place that has a value of it, and its last value. */
  readonly newest: Map<string, { readonly batch: SignedBatch; readonly value: number }>;
  /** The batch in the last place, and when that came. */
  last: { readonly batch: SignedBatch; readonly receivedMs: number } | undefined;
}

export interface AppliedEpoch {
  readonly counter: number;
  readonly nonce: string;
  readonly follows: string | undefined;
  readonly sequences: Set<number>;
  last: number;
}

export interface AppliedWorld {
  cursor: number;
  /** Time of the newest tick: alerts know no other. */
  nowMs: number;
  readonly devices: Map<string, AppliedDevice>;
  /** Digests of party credentials that took effect. */
  readonly steps: Set<string>;
  /** Sentences about what took effect twice. */
  readonly doubled: string[];
}

export function nothingApplied(): AppliedWorld {
  return { cursor: 0, nowMs: 0, devices: new Map(), steps: new Set(), doubled: [] };
}

/** Goes on to `cursor`; where that lies behind, the twins were put back and all begins anew. */
export function applyTo(applied: AppliedWorld, facts: Facts, cursor: number): AppliedWorld {
  const now = cursor < applied.cursor ? nothingApplied() : applied;
  for (; now.cursor < cursor; now.cursor += 1) {
    const entry = facts.journal[now.cursor];
    if (entry === undefined) continue;
    if (entry.kind === 'tick') now.nowMs = Math.max(now.nowMs, entry.receivedMs);
    if (entry.kind === 'batch') put(now, facts, entry);
    if (entry.kind === 'party') now.steps.add(entry.digest);
    for (const position of entry.accepts) {
      const accepted = facts.journal[position];
      if (accepted?.kind === 'doubtful') put(now, facts, accepted);
    }
  }
  return now;
}

/** Places of an epoch's order: counter, then nonce, then sequence; never a time. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.counter !== b.counter) return a.counter - b.counter;
  if (a.nonce !== b.nonce) return a.nonce < b.nonce ? -1 : 1;
  return a.sequence - b.sequence;
}

/** Sequences below the last one of the epoch that are not here. */
export function missingOf({ last, sequences }: AppliedEpoch): number[] {
  if (sequences.size === last) return [];
  return Array.from({ length: last }, (_, index) => index + 1).filter((one) => !sequences.has(one));
}

function put(applied: AppliedWorld, facts: Facts, { digest, receivedMs }: Stored): void {
  const batch = facts.signed.get(digest);
  if (batch === undefined) return;
  const { counter, device: did, follows, nonce, sequence, values } = batch;
  const device = applied.devices.get(did) ?? emptyDevice();
  applied.devices.set(did, device);
  const key = `${counter} ${nonce}`;
  const epoch = device.epochs.get(key) ?? emptyEpoch({ counter, nonce, follows });
  device.epochs.set(key, epoch);
  if (epoch.sequences.has(sequence)) applied.doubled.push(`${nameOf(batch)} took effect twice`);
  epoch.sequences.add(sequence);
  epoch.last = Math.max(epoch.last, sequence);
  device.batches += 1;
  device.readings += values.length;
  const { last } = device;
  if (last === undefined || comparePlaces(last.batch, batch) < 0)
    device.last = { batch, receivedMs };
  for (const { point, value } of values) {
    const before = device.newest.get(point);
    if (before !== undefined && comparePlaces(before.batch, batch) > 0) continue;
    device.newest.set(point, { batch, value });
  }
}

function emptyDevice(): AppliedDevice {
  return { batches: 0, readings: 0, epochs: new Map(), newest: new Map(), last: undefined };
}

function emptyEpoch(about: Pick<AppliedEpoch, 'counter' | 'nonce' | 'follows'>): AppliedEpoch {
  return { ...about, sequences: new Set(), last: 0 };
}
