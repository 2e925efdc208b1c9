/** When a sink that lost its connection tries again, and what it says of it. */
import { limits } from '../devices/limits.ts';
import type { SinkContext } from './sink.ts';

export interface Retry {
  /** Tries again after a while, longer each time; says why at a bounded rate. */
  again(reason: string): void;
  succeeded(): void;
  cancel(): void;
}

/** Doubling waits, drawn from their upper half, so that gateways do not return all at once. */
export function createRetry(
  { clock, log, random }: SinkContext,
  url: string,
  connect: () => void,
): Retry {
  let failures = 0;
  let saidMs = Number.NEGATIVE_INFINITY;
  let cancel = () => {};
  return {
    again(reason) {
      const longest = Math.min(limits.reconnectMs * 2 ** failures, limits.reconnectMsMax);
      const waitMs = Math.round(longest * (0.5 + random.fraction() / 2));
      failures = Math.min(failures + 1, 16);
      const nowMs = clock.monotonicMs();
      if (nowMs - saidMs >= limits.troubleLogMs) {
        saidMs = nowMs;
        log.warn('no uplink; batches wait in the outbox', { url, reason });
      }
      cancel();
      cancel = clock.after(waitMs, connect);
    },
    succeeded() {
      failures = 0;
      saidMs = Number.NEGATIVE_INFINITY;
    },
    cancel: () => cancel(),
  };
}
