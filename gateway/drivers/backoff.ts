/** When a peer that failed may be tried again: doubling delays with jitter, within the limits. */
import { limits } from '../../devices/limits.ts';
import type { Clock, Random } from '../../devices/runtime.ts';

export interface Backoff {
  /** Whether the peer is to be left alone for now. */
  waiting(): boolean;
  /** Milliseconds until it may be tried again; 0 when it may be now. */
  remainingMs(): number;
  /** It failed: waits longer than the last time. Returns the delay, milliseconds. */
  fail(): number;
  /** It answered: the next failure starts from the shortest delay again. */
  succeed(): void;
}

/**
 * The delay after the n-th failure in a row is `limits.reconnectMs` × 2ⁿ⁻¹, at most
 * `limits.reconnectMsMax`, of which a random half is taken away, so that a hundred gateways do not
 * come back in the same instant.
 */
export function createBackoff(context: {
  readonly clock: Clock;
  readonly random: Random;
}): Backoff {
  const { clock, random } = context;
  let failures = 0;
  let readyAtMs = 0;
  const remainingMs = () => (failures === 0 ? 0 : Math.max(0, readyAtMs - clock.monotonicMs()));
  return {
    waiting: () => remainingMs() > 0,
    remainingMs,
    fail() {
      const longest = Math.min(limits.reconnectMsMax, limits.reconnectMs * 2 ** failures);
      // Beyond this many failures the delay is at its maximum; the exponent must not overflow.
      failures = Math.min(failures + 1, 32);
      const delayMs = longest * (1 - random.fraction() / 2);
      readyAtMs = clock.monotonicMs() + delayMs;
      return delayMs;
    },
    succeed() {
      failures = 0;
    },
  };
}
