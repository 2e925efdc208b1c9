/** A clock that stands still until a test moves it, so that no test waits for a deadline. */
import type { Clock } from '../../devices/runtime.ts';

export interface ManualClock extends Clock {
  /** Moves both clocks on and runs what has come due, in order. */
  advance(byMs: number): void;
  /** Timers that have not come due. */
  pending(): number;
}

/** A clock at `startMs` (default: 2026-01-01T00:00:00Z). */
export function manualClock(startMs = 1_767_225_600_000): ManualClock {
  let elapsedMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly action: () => void }>();
  const after: Clock['after'] = (delayMs, action) => {
    const timer = { atMs: elapsedMs + delayMs, action };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const cancel = after(delayMs, resolve);
        signal?.addEventListener('abort', () => resolve(cancel()), { once: true });
      }),
    advance(byMs) {
      const untilMs = elapsedMs + byMs;
      for (;;) {
        const [next] = [...timers].sort((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > untilMs) break;
        timers.delete(next);
        elapsedMs = Math.max(elapsedMs, next.atMs);
        next.action();
      }
      elapsedMs = untilMs;
    },
    pending: () => timers.size,
  };
}
