/** Waiting with an end: for work that may take too long, and for what comes round again. */
import type { Clock } from '../devices/runtime.ts';

/** Waits for `work`, whatever comes of it, but no longer than `ms`. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const done = work.then(
    () => over.abort(),
    () => over.abort(),
  );
  await Promise.race([done, clock.sleep(ms, over.signal)]);
}

/** Calls `action` every `ms` until the returned function is called. */
export function every(clock: Clock, ms: number, action: () => void): () => void {
  let cancel = clock.after(ms, tick);
  function tick(): void {
    cancel = clock.after(ms, tick);
    action();
  }
  return () => cancel();
}
