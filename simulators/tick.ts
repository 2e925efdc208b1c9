/** The beat of a station: its values change at a steady interval. */
import type { Clock } from '../devices/runtime.ts';

/**
 * Calls `action` every `everyMs` with the milliseconds since the call before, until the returned
 * function is called. A slow action delays the next call; it never makes two overlap.
 */
export function everyTick(
  clock: Clock,
  everyMs: number,
  action: (elapsedMs: number) => void,
): () => void {
  let before = clock.monotonicMs();
  let due = before + everyMs;
  let cancel = clock.after(everyMs, tick);
  function tick(): void {
    const now = clock.monotonicMs();
    action(now - before);
    before = now;
    due = Math.max(due + everyMs, now);
    cancel = clock.after(due - now, tick);
  }
  return () => cancel();
}
