/**
 * The devices whose batches the ingester holds (not enrolled yet, suspended, status unknown). A
 * hold is the device's, not the batch's: one batch is tried with back-off, the others wait for it.
 */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';

interface Hold {
  dueMs: number;
  waitMs: number;
}

export interface Holds {
  devices(): readonly string[];
  /** The ingester held a batch of the device; says whether that is new. */
  hold(device: string): boolean;
  /** Up to `count` devices of which a batch is to be tried now; each is due again later. */
  due(count: number): readonly string[];
  /** Tries all at the next look: an enrolment arrived, or the uplink is new. */
  retryNow(): void;
  /** The ingester took a batch of the device; says whether it was held. */
  release(device: string): boolean;
}

export function createHolds(clock: Clock): Holds {
  const holds = new Map<string, Hold>();
  return {
    devices: () => [...holds.keys()],
    hold(device) {
      if (holds.has(device)) return false;
      const waitMs = limits.heldRetryMs;
      holds.set(device, { waitMs, dueMs: clock.monotonicMs() + waitMs });
      return true;
    },
    due(count) {
      const nowMs = clock.monotonicMs();
      const due: string[] = [];
      for (const [device, hold] of holds) {
        if (due.length >= count) break;
        if (hold.dueMs > nowMs) continue;
        hold.waitMs = Math.min(2 * hold.waitMs, limits.heldRetryMsMax);
        hold.dueMs = nowMs + hold.waitMs;
        due.push(device);
      }
      return due;
    },
    retryNow() {
      for (const hold of holds.values()) {
        hold.waitMs = limits.heldRetryMs;
        hold.dueMs = 0;
      }
    },
    release: (device) => holds.delete(device),
  };
}
