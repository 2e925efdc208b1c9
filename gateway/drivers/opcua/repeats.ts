/**
 * Values that have come before: what a server sends again after a broken connection, what stands
 * in its history as well, what a new subscription begins with. One value is the same as another
 * when point, source time, raw words and status are.
 */
import { limits } from '../../../devices/limits.ts';
import type { Sample } from '../../../devices/reading.ts';

/** The newest values of one point, as a ring. */
interface Seen {
  readonly times: number[];
  readonly keys: string[];
  next: number;
  /** Source time of the value that came last: not the newest, since a clock may be set back. */
  lastMs: number;
  /** Raw words and status of the value that came last, also of one without a time. */
  lastKey: string | undefined;
  /** Whether everything that is known counts: the point stands at a seam. */
  atSeam: boolean;
}

export class Repeats {
  readonly #seen = new Map<string, Seen>();

  /**
   * Whether this value came before; if not, it is remembered. In an unbroken stream a value is a
   * repetition when it equals the one before, or is older than that and known. A source
   * whose clock stands still may say A, B, A at one time: the second A is news. Only at a seam,
   * where two streams overlap, all that is known counts.
   */
  isRepeat(sample: Sample): boolean {
    const { point, sourceTimeMs } = sample;
    const seen = this.#of(point);
    const key = keyOf(sample);
    // Without a time nothing says that it is the same value.
    if (sourceTimeMs === undefined) {
      seen.lastKey = key;
      return false;
    }
    if (sourceTimeMs > seen.lastMs) seen.atSeam = false;
    else if (isKnown(seen, sourceTimeMs, key)) return true;
    seen.lastMs = sourceTimeMs;
    seen.lastKey = key;
    remember(seen, sourceTimeMs, key);
    return false;
  }

  /** Whether raw words or status differ from those that came last; also when none came yet. */
  isNews(sample: Sample): boolean {
    return this.#seen.get(sample.point)?.lastKey !== keyOf(sample);
  }

  /** Two streams may overlap from here until something newer comes. */
  seam(): void {
    for (const seen of this.#seen.values()) seen.atSeam = true;
  }

  /** These were not kept after all and will come again. */
  forget(samples: readonly Sample[]): void {
    for (const sample of samples) {
      const seen = this.#seen.get(sample.point);
      if (!seen) continue;
      const key = keyOf(sample);
      const at = seen.keys.findIndex(
        (other, index) => other === key && seen.times[index] === sample.sourceTimeMs,
      );
      if (at >= 0) seen.times[at] = Number.NaN;
    }
  }

  #of(point: string): Seen {
    const known = this.#seen.get(point);
    if (known) return known;
    const seen: Seen = {
      times: [],
      keys: [],
      next: 0,
      lastMs: Number.NEGATIVE_INFINITY,
      lastKey: undefined,
      atSeam: false,
    };
    this.#seen.set(point, seen);
    return seen;
  }

  /** Source time of the value of a point that came last. */
  lastMs(point: string): number | undefined {
    const lastMs = this.#seen.get(point)?.lastMs;
    return lastMs === Number.NEGATIVE_INFINITY ? undefined : lastMs;
  }
}

function isKnown(seen: Seen, timeMs: number, key: string): boolean {
  const { times, keys, next } = seen;
  const last = (next + keys.length - 1) % keys.length;
  if (times[last] === timeMs && keys[last] === key) return true;
  if (!seen.atSeam && timeMs === seen.lastMs) return false;
  for (let at = 0; at < keys.length; at += 1) {
    if (times[at] === timeMs && keys[at] === key) return true;
  }
  return false;
}

function remember(seen: Seen, timeMs: number, key: string): void {
  const { times, keys } = seen;
  if (keys.length < limits.opcuaSeenValues) {
    times.push(timeMs);
    keys.push(key);
    return;
  }
  times[seen.next] = timeMs;
  keys[seen.next] = key;
  seen.next = (seen.next + 1) % keys.length;
}

/** Raw words alone for a plain good value, so that nothing is put together in the usual case. */
function keyOf({ rawHex, quality, status }: Sample): string {
  return quality === 'good' && status === undefined ? rawHex : `${rawHex} ${quality} ${status}`;
}
