/**
 * The devices whose batches the ingester holds (not enrolled yet, suspended, status unknown, dated
 * ahead of its time). A hold is the device's, not the batch's: one batch is tried with back-off,
 * the others wait for it. Those that are dated ahead keep only each other waiting, since a clock
 * that was set right goes on with batches that are not.
 */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { Held } from './outbox.ts';

interface Hold {
  dueMs: number;
  waitMs: number;
  /** Wall time: batches closed at or after it wait; absent where all do. */
  fromMs?: number;
  /** Monotonic time at which the ingester had come to `fromMs`; absent while it has not. */
  reachedMs?: number;
}

/** One hold that is to be looked after. */
export interface Due extends Held {
  /** The ingester has taken some: its time has moved on since, and more of them may go. */
  readonly isMoving: boolean;
}

export interface Holds {
  devices(): readonly string[];
  /** What is not to be sent, as of now. */
  held(): readonly Held[];
  /**
   * The ingester held a batch of the device, which stands for all of them or, with the wall time
   * at which it was closed, for those from there on. Says whether that is new.
   */
  hold(device: string, closedFromMs?: number): boolean;
  /** Up to `count` holds of which a batch is to be tried now; each is due again later. */
  due(count: number): readonly Due[];
  /** Tries all at the next look: an enrolment arrived, or the uplink is new. */
  retryNow(): void;
  /**
   * The ingester took a batch of the device. `released`: nothing is held any more; `moved`: some
   * of what was held may go.
   */
  taken(device: string, closedMs: number): 'released' | 'moved' | undefined;
  /** Nothing that was held is there any more. */
  release(device: string): void;
}

export function createHolds(clock: Clock): Holds {
  const holds = new Map<string, Hold>();
  const boundOf = ({ fromMs, reachedMs }: Hold): number | undefined => {
    if (fromMs === undefined || reachedMs === undefined) return fromMs;
    return fromMs + clock.monotonicMs() - reachedMs;
  };
  const heldOf = (device: string, hold: Hold): Held => {
    const closedFromMs = boundOf(hold);
    return closedFromMs === undefined ? { device } : { device, closedFromMs };
  };
  return {
    devices: () => [...holds.keys()],
    held: () => [...holds].map(([device, hold]) => heldOf(device, hold)),
    hold(device, closedFromMs) {
      const known = holds.get(device);
      if (known) {
        const bound = boundOf(known) ?? Number.NEGATIVE_INFINITY;
        if (closedFromMs !== undefined && closedFromMs >= bound) return false;
        if (closedFromMs === undefined) delete known.fromMs;
        else known.fromMs = closedFromMs;
        delete known.reachedMs;
        return false;
      }
      const waitMs = limits.heldRetryMs;
      const times = { waitMs, dueMs: clock.monotonicMs() + waitMs };
      holds.set(device, { ...times, ...(closedFromMs !== undefined && { fromMs: closedFromMs }) });
      return true;
    },
    due(count) {
      const nowMs = clock.monotonicMs();
      const due: Due[] = [];
      for (const [device, hold] of holds) {
        if (due.length >= count) break;
        if (hold.dueMs > nowMs) continue;
        hold.waitMs = Math.min(2 * hold.waitMs, limits.heldRetryMsMax);
        hold.dueMs = nowMs + hold.waitMs;
        due.push({ ...heldOf(device, hold), isMoving: hold.reachedMs !== undefined });
      }
      return due;
    },
    retryNow() {
      for (const hold of holds.values()) {
        hold.waitMs = limits.heldRetryMs;
        hold.dueMs = 0;
      }
    },
    taken(device, closedMs) {
      const hold = holds.get(device);
      if (!hold) return undefined;
      const bound = boundOf(hold);
      if (bound === undefined) {
        holds.delete(device);
        return 'released';
      }
      if (closedMs < bound) return undefined;
      hold.fromMs = closedMs + 1;
      hold.reachedMs = clock.monotonicMs();
      return 'moved';
    },
    release(device) {
      holds.delete(device);
    },
  };
}
