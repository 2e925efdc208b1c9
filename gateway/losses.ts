/**
 * Losses of one device that wait to be signed: joined where they are one hole, cut to what a batch
 * can carry, and bounded however long a device stays away.
 */
import { limits } from '../devices/limits.ts';
import type { Loss } from '../devices/reading.ts';

export interface LossLedger {
  /** Whether nothing waits. */
  isEmpty(): boolean;
  add(loss: Loss): void;
  /** Takes up to `limits.batchLossesMax` losses, oldest first. */
  take(): Loss[];
}

/**
 * @param joinMs Two losses of one cause and the same points are one hole when the second begins
 *   at most this long after the first ended (two polls in a row that failed).
 */
export function createLossLedger(joinMs: number): LossLedger {
  let waiting: Loss[] = [];
  return {
    isEmpty: () => waiting.length === 0,
    add(loss) {
      if (loss.count === 0) return;
      for (const part of split(loss)) {
        const at = waiting.findLastIndex((other) => isSameHole(other, part, joinMs));
        const same = waiting[at];
        if (same) waiting[at] = join(same, part);
        else waiting.push(part);
      }
      while (waiting.length > limits.lossesPendingMax) mergeOldest(waiting);
    },
    take() {
      const taken = waiting.slice(0, limits.batchLossesMax);
      waiting = waiting.slice(taken.length);
      return taken;
    },
  };
}

/** The interval that covers both, all that is missing in both; all points where they differ. */
export function join(a: Loss, b: Loss): Loss {
  const points = samePoints(a, b) ? a.points : undefined;
  return {
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
    count: a.count + b.count,
    cause: a.cause,
    ...((a.estimated || b.estimated) && { estimated: true as const }),
    ...(points && { points }),
  };
}

/** A loss that names many points becomes several, each with its share of the count. */
function split(loss: Loss): Loss[] {
  const { points, count } = loss;
  if (!points || points.length <= limits.lossPointsMax) return [loss];
  const parts: Loss[] = [];
  let given = 0;
  for (let start = 0; start < points.length; start += limits.lossPointsMax) {
    const part = points.slice(start, start + limits.lossPointsMax);
    const upTo = Math.round((count * (start + part.length)) / points.length);
    parts.push({ ...loss, points: part, count: upTo - given });
    given = upTo;
  }
  return parts;
}

function isSameHole(a: Loss, b: Loss, joinMs: number): boolean {
  return a.cause === b.cause && samePoints(a, b) && b.fromMs - a.toMs <= joinMs;
}

function samePoints(a: Loss, b: Loss): boolean {
  if (a.points === undefined || b.points === undefined) return a.points === b.points;
  return a.points.length === b.points.length && a.points.every((p, i) => p === b.points?.[i]);
}

/** Joins the oldest loss with the next of its cause, or, when there is none, with the next. */
function mergeOldest(waiting: Loss[]): void {
  const [oldest, ...rest] = waiting;
  if (!oldest) return;
  const at = Math.max(
    0,
    rest.findIndex((other) => other.cause === oldest.cause),
  );
  const next = rest[at];
  if (!next) return;
  waiting.splice(at + 1, 1);
  waiting[0] = join(oldest, next);
}
