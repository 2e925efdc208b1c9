/** The clock entries of the journal. */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';

/** Ticks let deadlines fire: the fold knows no other clock. */
export function startTicks(
  clock: Clock,
  tick: () => Promise<void>,
  failed: (error: unknown) => void,
): () => void {
  let cancel = () => {};
  let stopped = false;
  const next = () => {
    cancel = clock.after(limits.tickMs, () => {
      tick().then(() => {
        if (!stopped) next();
      }, failed);
    });
  };
  next();
  return () => {
    stopped = true;
    cancel();
  };
}
