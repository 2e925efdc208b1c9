/**
 * Batches that a device signed and will not send: a signed loss names their places, so that they
 * are accounted for. Unions of intervals, so that the order of arrival does not matter.
 */
import { limits } from '../devices/limits.ts';
import type { Loss, LossCause } from '../devices/reading.ts';

/** Places of one epoch without a hole between them. */
export interface GoneRange {
  readonly counter: number;
  readonly nonce: string;
  readonly from: number;
  readonly to: number;
  readonly cause: LossCause;
  /** Digest of the last of them, where it is known. */
  readonly digest?: string;
  /** Interval and number of the values that were in them. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
  /** Lowest journal position of a batch that says so. */
  readonly position: number;
}

/** An interval of sequences. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Adds the places that a loss names, where it does. */
export function putGone(ranges: GoneRange[], loss: Loss, position: number): void {
  const { batches, cause, count, fromMs, toMs } = loss;
  if (batches === undefined) return;
  const { counter, digest, first, last, nonce } = batches;
  let range: GoneRange = {
    ...{ counter, nonce, from: first, to: last, cause },
    ...(digest !== undefined && { digest }),
    ...{ fromMs, toMs, count, position },
  };
  const others: GoneRange[] = [];
  for (const other of ranges) {
    if (isBeside(other, range)) range = union(other, range);
    else others.push(other);
  }
  others.push(range);
  others.sort(compare);
  ranges.splice(0, ranges.length, ...others.slice(-limits.historyGoneMax));
}

function isBeside(a: GoneRange, b: GoneRange): boolean {
  if (a.counter !== b.counter || a.nonce !== b.nonce || a.cause !== b.cause) return false;
  return a.from <= b.to + 1 && b.from <= a.to + 1;
}

function union(a: GoneRange, b: GoneRange): GoneRange {
  const later = a.to >= b.to ? a : b;
  const { digest: _, ...rest } = later;
  return {
    ...rest,
    ...(later.digest !== undefined && { digest: later.digest }),
    from: Math.min(a.from, b.from),
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
    count: a.count + b.count,
    position: Math.min(a.position, b.position),
  };
}

function compare(a: GoneRange, b: GoneRange): number {
  if (a.counter !== b.counter) return a.counter - b.counter;
  if (a.nonce !== b.nonce) return a.nonce < b.nonce ? -1 : 1;
  if (a.from !== b.from) return a.from - b.from;
  return a.cause < b.cause ? -1 : 1;
}

/** What is left of an interval without others. */
export function without(whole: Interval, others: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let at = whole.from;
  for (const { from, to } of [...others].sort((a, b) => a.from - b.from)) {
    if (to < at || from > whole.to) continue;
    if (from > at) left.push({ from: at, to: from - 1 });
    at = Math.max(at, to + 1);
  }
  if (at <= whole.to) left.push({ from: at, to: whole.to });
  return left;
}
