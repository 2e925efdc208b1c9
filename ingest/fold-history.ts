/**
 * A device's history as the journal shows it: which batches are here, which are missing, what the
 * newest says of its clock, and what the device signed as lost. Sets and sums only, so that late
 * batches close their gaps whatever the order.
 */

import type { ClockQuality } from '../devices/credential/batch.ts';
import { limits } from '../devices/limits.ts';
import type { DeviceClockFault } from '../devices/reading.ts';
import { compareStamps, type LossRecord, type Stamp } from './fold-state.ts';

/** Sequences from `from` to `to` without a hole, and the batch that opens the range. */
export interface Range {
  from: number;
  to: number;
  /** Journal position and receipt of the batch with sequence `from`. */
  position: number;
  receivedMs: number;
  /** When the first and the last of the range were closed. */
  firstMs: number;
  lastMs: number;
}

/** One run of a gateway for the device. */
export interface EpochHistory {
  readonly counter: number;
  readonly nonce: string;
  /** Digest of the batch before this epoch; absent when it says there was none. */
  readonly follows?: string;
  /** Ascending. */
  ranges: Range[];
  /** Batches that are here. */
  count: number;
  /** Digest of the batch with the highest sequence that is here. */
  head: string;
  /** Ranges were joined at the bound: `count` is exact, the holes are not all listed. */
  coarse: boolean;
}

/** What the newest batch says. */
export interface NewestBatch {
  readonly stamp: Stamp;
  /** When the gateway closed it, and by how much that is after its receipt. */
  readonly closedMs: number;
  readonly aheadMs: number;
  readonly clock: ClockQuality;
  readonly gateway: string;
  readonly profile: string;
  readonly configuration: string;
}

/** What the newest batch with times of the device's own says of the device's clock. */
export interface DeviceClock {
  readonly stamp: Stamp;
  /** The newest fault in it; absent where the clock is believed. */
  readonly fault?: DeviceClockFault;
}

export interface DeviceHistory {
  /** Ascending by counter and nonce. */
  epochs: EpochHistory[];
  newest?: NewestBatch;
  deviceClock?: DeviceClock;
  /** Newest closing time of any batch: a newest batch far behind it means that time went back. */
  closedMsMax: number;
  /** Newest receipt of a batch; 0 before the first. */
  heardMs: number;
  /** The batches and readings that took effect. */
  batches: number;
  readings: number;
  /** Point values that were signed as lost, and the newest of those losses. */
  lost: number;
  losses: LossRecord[];
}

/** A hole in a device's history. */
export interface Hole {
  readonly counter: number;
  /** First and last missing sequence; absent when only a digest says that something is missing. */
  readonly from?: number;
  readonly to?: number;
  /** Not all of these are missing: the holes were too many to list. */
  readonly some?: true;
  /** When the neighbours were closed, before and after; absent where there is none. */
  readonly afterMs?: number;
  readonly beforeMs?: number;
  /** Receipt and position of the batch that shows the hole. */
  readonly sinceMs: number;
  readonly position: number;
}

export function emptyHistory(): DeviceHistory {
  return { epochs: [], closedMsMax: 0, heardMs: 0, batches: 0, readings: 0, lost: 0, losses: [] };
}

/** Whether this batch took effect before. */
export function isKnown(history: DeviceHistory, stamp: Stamp): boolean {
  const epoch = history.epochs.find(
    ({ counter, nonce }) => counter === stamp.counter && nonce === stamp.nonce,
  );
  if (epoch === undefined || epoch.coarse) return false;
  return epoch.ranges.some(({ from, to }) => from <= stamp.sequence && stamp.sequence <= to);
}

/** What a batch says of its place besides its stamp. */
export interface Placed {
  readonly digest: string;
  /** Digest of the batch before its epoch. */
  readonly follows: string | undefined;
  readonly closedMs: number;
}

/** Adds one batch to the epoch that it belongs to. */
export function putBatch(
  history: DeviceHistory,
  stamp: Stamp,
  { digest, follows, closedMs }: Placed,
): void {
  let index = history.epochs.length;
  const at = (position: number) => history.epochs[position - 1];
  for (let before = at(index); before !== undefined; before = at(index)) {
    if (compareEpochs(before, stamp) < 0) break;
    if (compareEpochs(before, stamp) === 0) {
      extend(before, stamp, { digest, closedMs });
      return;
    }
    index -= 1;
  }
  if (index === 0 && history.epochs.length >= limits.historyEpochsMax) return;
  history.epochs.splice(index, 0, {
    counter: stamp.counter,
    nonce: stamp.nonce,
    ...(follows === undefined ? {} : { follows }),
    ranges: [rangeOf(stamp, closedMs)],
    count: 1,
    head: digest,
    coarse: false,
  });
  if (history.epochs.length > limits.historyEpochsMax) history.epochs.shift();
}

function compareEpochs(epoch: EpochHistory, stamp: Stamp): number {
  if (epoch.counter !== stamp.counter) return epoch.counter - stamp.counter;
  if (epoch.nonce === stamp.nonce) return 0;
  return epoch.nonce < stamp.nonce ? -1 : 1;
}

function rangeOf(stamp: Stamp, closedMs: number): Range {
  const { sequence, position, receivedMs } = stamp;
  const closed = { firstMs: closedMs, lastMs: closedMs };
  return { from: sequence, to: sequence, position, receivedMs, ...closed };
}

function extend(
  epoch: EpochHistory,
  stamp: Stamp,
  { digest, closedMs }: Omit<Placed, 'follows'>,
): void {
  const { ranges } = epoch;
  const { sequence } = stamp;
  epoch.count += 1;
  if (sequence > (ranges.at(-1)?.to ?? 0)) epoch.head = digest;
  insert(epoch, stamp, closedMs);
  const last = epoch.ranges.at(-1);
  const [first] = epoch.ranges;
  if (!epoch.coarse || first === undefined || last === undefined || epoch.count < last.to) return;
  // Nothing is missing any more, so that the ranges are exact again.
  epoch.ranges = [{ ...first, from: 1, to: last.to, lastMs: last.lastMs }];
  epoch.coarse = false;
}

function insert(epoch: EpochHistory, stamp: Stamp, closedMs: number): void {
  const { ranges } = epoch;
  const { sequence } = stamp;
  let index = ranges.length;
  while (index > 0 && (ranges[index - 1]?.from ?? 0) > sequence) index -= 1;
  const before = ranges[index - 1];
  const after = ranges[index];
  // Only a range that was joined at the bound has room within.
  if (before !== undefined && before.to >= sequence) return;
  if (before !== undefined && before.to + 1 === sequence) {
    before.to = sequence;
    before.lastMs = closedMs;
    if (after !== undefined && after.from === sequence + 1) {
      before.to = after.to;
      before.lastMs = after.lastMs;
      ranges.splice(index, 1);
    }
    return;
  }
  if (after !== undefined && after.from === sequence + 1) {
    const { to, lastMs } = after;
    Object.assign(after, { ...rangeOf(stamp, closedMs), to, lastMs });
    return;
  }
  ranges.splice(index, 0, rangeOf(stamp, closedMs));
  if (ranges.length <= limits.historyRangesMax) return;
  const [first, second] = ranges;
  if (first === undefined || second === undefined) return;
  ranges.splice(0, 2, { ...first, to: second.to, lastMs: second.lastMs });
  epoch.coarse = true;
}

/** Keeps what the newest batch says. */
export function putNewestBatch(history: DeviceHistory, batch: NewestBatch): void {
  history.closedMsMax = Math.max(history.closedMsMax, batch.closedMs);
  history.heardMs = Math.max(history.heardMs, batch.stamp.receivedMs);
  if (history.newest !== undefined && compareStamps(history.newest.stamp, batch.stamp) >= 0) {
    return;
  }
  history.newest = batch;
}

/** Keeps what the newest batch says that says something of the device's clock. */
export function putDeviceClock(history: DeviceHistory, clock: DeviceClock): void {
  const before = history.deviceClock;
  if (before !== undefined && compareStamps(before.stamp, clock.stamp) >= 0) return;
  history.deviceClock = clock;
}

/** Adds a signed loss; the sum counts all, the list keeps the newest. */
export function putLoss(history: DeviceHistory, loss: LossRecord): void {
  history.lost += loss.count;
  history.losses.push(loss);
  history.losses.sort((a, b) => compareStamps(a, b) || a.index - b.index);
  if (history.losses.length > limits.historyLossesMax) history.losses.shift();
}

/** Batches that are known to be missing: below the highest sequence of each epoch. */
export function missingCount(history: DeviceHistory): number {
  let missing = 0;
  for (const epoch of history.epochs) missing += (epoch.ranges.at(-1)?.to ?? 0) - epoch.count;
  return missing;
}

/**
 * The holes that are open: within an epoch by sequence; between epochs where the batch that an
 * epoch says it follows is not the last that is here of any epoch.
 */
export function openHoles(history: DeviceHistory): Hole[] {
  const holes: Hole[] = [];
  const heads = new Set(history.epochs.map(({ head }) => head));
  for (const [index, epoch] of history.epochs.entries()) {
    const { counter, coarse, follows, ranges } = epoch;
    const first = ranges[0];
    if (first === undefined) continue;
    // What was closed last before this epoch bounds what is missing at its beginning.
    const before = history.epochs[index - 1]?.ranges.at(-1)?.lastMs;
    const { position, receivedMs: sinceMs } = first;
    const start = {
      ...(before !== undefined && { afterMs: before }),
      beforeMs: first.firstMs,
      sinceMs,
      position,
    };
    // The oldest epochs may have been dropped at the bound; then there is nothing to follow.
    const bounded = index === 0 && history.epochs.length >= limits.historyEpochsMax;
    if (follows !== undefined && !heads.has(follows) && !bounded) {
      holes.push({ counter: counter - 1, ...start });
    }
    if (first.from > 1) holes.push({ counter, from: 1, to: first.from - 1, ...start });
    if (coarse) {
      const { from, to, firstMs: afterMs, lastMs: beforeMs } = first;
      holes.push({ counter, from, to, some: true, afterMs, beforeMs, sinceMs, position });
    }
    holes.push(...holesWithin(epoch));
  }
  return holes;
}

/** The holes between the ranges of an epoch. */
function holesWithin({ counter, ranges }: EpochHistory): Hole[] {
  return ranges.slice(1).map((after, index) => {
    const before = ranges[index] as Range;
    return {
      counter,
      from: before.to + 1,
      to: after.from - 1,
      afterMs: before.lastMs,
      beforeMs: after.firstMs,
      sinceMs: after.receivedMs,
      position: after.position,
    };
  });
}

/**
 * Epochs that cannot both be the one history: two with the same counter, or two that say they
 * follow the same batch (a copied disk, or a key that is in two places).
 */
export function forkedEpochs(history: DeviceHistory): readonly EpochHistory[] {
  const forked = new Set<EpochHistory>();
  const seen = new Map<string, EpochHistory>();
  for (const epoch of history.epochs) {
    for (const key of [`counter ${epoch.counter}`, `follows ${epoch.follows ?? 'nothing'}`]) {
      const other = seen.get(key);
      if (other === undefined) {
        seen.set(key, epoch);
      } else {
        forked.add(other);
        forked.add(epoch);
      }
    }
  }
  return [...forked];
}
