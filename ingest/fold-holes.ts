/**
 * What is missing in a device's history: holes between the batches that are here, those that a
 * signed loss accounts for, and epochs that cannot both be the one history.
 */
import { limits } from '../devices/limits.ts';
import { without } from './fold-gone.ts';
import type { DeviceHistory, EpochHistory, Hole, Range } from './fold-history.ts';

/** Batches that are known to be missing and that no signed loss accounts for. */
export function missingCount(history: DeviceHistory): number {
  let missing = 0;
  for (const { from, some, to } of openHoles(history)) {
    if (from !== undefined && to !== undefined && !some) missing += to - from + 1;
  }
  // The holes of a coarse epoch are not all listed, but how many batches are here is known.
  for (const epoch of history.epochs) {
    if (!epoch.coarse) continue;
    const listed = holesIn(epoch)
      .filter(({ some }) => !some)
      .reduce((sum, { from = 1, to = 0 }) => sum + to - from + 1, 0);
    missing += (epoch.ranges.at(-1)?.to ?? 0) - epoch.count - listed;
  }
  return missing;
}

/** Batches that will not come, as signed losses say. */
export function toldCount(history: DeviceHistory): number {
  return toldHoles(history).reduce((sum, { from = 1, to = 0 }) => sum + to - from + 1, 0);
}

/** What will not come, by the signed losses, and did not: one that came all the same is here. */
export function toldHoles({ epochs, gone }: DeviceHistory): Hole[] {
  return gone.flatMap((range, index) => {
    const { cause, counter, from, fromMs: afterMs, nonce, position, to, toMs: beforeMs } = range;
    const isSame = (one: { counter: number; nonce: string }) =>
      one.counter === counter && one.nonce === nonce;
    const told = gone.slice(0, index).filter(isSame);
    const here = epochs.find(isSame)?.ranges ?? [];
    return without({ from, to }, [...told, ...here]).map((part) => {
      return { counter, ...part, cause, afterMs, beforeMs, sinceMs: 0, position };
    });
  });
}

/**
 * The holes that are open: within an epoch by sequence; between epochs where the batch that an
 * epoch says it follows is not here.
 */
export function openHoles(history: DeviceHistory): Hole[] {
  const { epochs, gone } = history;
  const heads = new Set(epochs.map(({ head }) => head));
  for (const { digest } of gone) if (digest !== undefined) heads.add(digest);
  const holes: Hole[] = [];
  for (const [index, epoch] of epochs.entries()) {
    const start = startOf(epochs, index);
    if (start === undefined) continue;
    // The oldest epochs may have been dropped at the bound; then there is nothing to follow.
    const bounded = index === 0 && epochs.length >= limits.historyEpochsMax;
    const { after, counter, follows } = epoch;
    if (after !== undefined && !bounded) {
      const hole = tailBefore(history, after, start);
      if (hole) holes.push(...untold(history, after, hole));
    } else if (follows !== undefined && !heads.has(follows) && !bounded) {
      holes.push({ counter: counter - 1, ...start });
    }
    for (const hole of holesIn(epoch, start)) {
      if (hole.some) holes.push(hole);
      else holes.push(...untold(history, epoch, hole));
    }
  }
  return holes;
}

type Start = Omit<Hole, 'counter' | 'from' | 'to' | 'some' | 'cause'>;

/** What bounds the holes at the beginning of an epoch. */
function startOf(epochs: readonly EpochHistory[], index: number): Start | undefined {
  const first = epochs[index]?.ranges[0];
  if (first === undefined) return undefined;
  // What was closed last before this epoch bounds what is missing at its beginning.
  const before = epochs[index - 1]?.ranges.at(-1)?.lastMs;
  return {
    ...(before !== undefined && { afterMs: before }),
    beforeMs: first.firstMs,
    sinceMs: first.receivedMs,
    position: first.position,
  };
}

/** The end of the epoch that is followed, where it is not here; told once, by who follows first. */
function tailBefore(
  { epochs }: DeviceHistory,
  after: NonNullable<EpochHistory['after']>,
  start: Start,
): Hole | undefined {
  const { counter, nonce, sequence: to } = after;
  const followed = epochs.find((one) => one.counter === counter && one.nonce === nonce);
  const last = followed?.ranges.at(-1);
  const others = epochs.filter(
    (one) => one.after?.nonce === nonce && one.after.counter === counter,
  );
  const furthest = Math.max(...others.map((one) => one.after?.sequence ?? 0));
  const isFirst = others.find((one) => one.after?.sequence === furthest)?.after === after;
  const from = (last?.to ?? 0) + 1;
  if (from > to || !isFirst) return undefined;
  return { counter, from, to, ...start, ...(last && { afterMs: last.lastMs }) };
}

/** What of a hole no signed loss tells. */
function untold(
  { gone }: DeviceHistory,
  { counter, nonce }: { readonly counter: number; readonly nonce: string },
  hole: Hole,
): Hole[] {
  const { from = 1, to = 0 } = hole;
  const told = gone.filter((range) => range.counter === counter && range.nonce === nonce);
  return without({ from, to }, told).map((part) => ({ ...hole, ...part }));
}

/** The holes of one epoch by sequence. */
function holesIn(epoch: EpochHistory, start: Start = { sinceMs: 0, position: 0 }): Hole[] {
  const { coarse, counter, ranges } = epoch;
  const [first] = ranges;
  if (first === undefined) return [];
  const holes: Hole[] = [];
  if (first.from > 1) holes.push({ counter, from: 1, to: first.from - 1, ...start });
  if (coarse) {
    const { from, to, firstMs: afterMs, lastMs: beforeMs, position, receivedMs: sinceMs } = first;
    holes.push({ counter, from, to, some: true, afterMs, beforeMs, sinceMs, position });
  }
  holes.push(...holesWithin(epoch));
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
 * Epochs that cannot both be the one history: two with the same counter, two that say they follow
 * the same batch, or one that follows a batch behind which its own epoch went on (a restored or
 * copied disk, or a key that is in two places).
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
    const { after } = epoch;
    const followed = history.epochs.find(
      ({ counter, nonce }) => counter === after?.counter && nonce === after.nonce,
    );
    if (after === undefined || (followed?.ranges.at(-1)?.to ?? 0) <= after.sequence) continue;
    if (followed) forked.add(followed);
    forked.add(epoch);
  }
  return [...forked];
}
