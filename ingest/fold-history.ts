/**
 * A device's history as the journal shows it: which batches are here, which are missing, what the
 * newest says of its clock, and what the device signed as lost. Sets and sums only, so that late
 * batches close their gaps whatever the order.
 */

import type { ClockQuality } from '../devices/credential/batch.ts';
import { limits } from '../devices/limits.ts';
import type { DeviceClockFault, LossCause } from '../devices/reading.ts';
import { type GoneRange, putGone } from './fold-gone.ts';
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
  /** Place of that batch; absent when the epoch does not say it. */
  readonly after?: { readonly counter: number; readonly nonce: string; readonly sequence: number };
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
  /** Point values for which aggregates stand. */
  thinned: number;
  /** Places of batches that will not come, ascending. */
  gone: GoneRange[];
}

/** A hole in a device's history. */
export interface Hole {
  readonly counter: number;
  /** Why no batch will come; absent where nobody has said so and the hole is open. */
  readonly cause?: LossCause;
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
  const sums = { batches: 0, readings: 0, lost: 0, thinned: 0 };
  return { epochs: [], closedMsMax: 0, heardMs: 0, ...sums, losses: [], gone: [] };
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
  readonly after?: EpochHistory['after'];
  readonly closedMs: number;
}

/** Adds one batch to the epoch that it belongs to. */
export function putBatch(
  history: DeviceHistory,
  stamp: Stamp,
  { digest, follows, after, closedMs }: Placed,
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
    ...(after === undefined ? {} : { after }),
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
  { digest, closedMs }: Pick<Placed, 'digest' | 'closedMs'>,
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
  // Values for which aggregates stand are not lost, though they are no samples any more.
  if (loss.cause === 'thinned') history.thinned += loss.count;
  else history.lost += loss.count;
  putGone(history.gone, loss, loss.position);
  history.losses.push(loss);
  history.losses.sort((a, b) => compareStamps(a, b) || a.index - b.index);
  if (history.losses.length > limits.historyLossesMax) history.losses.shift();
}
