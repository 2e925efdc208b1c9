/** Puts a deadline on a promise of the outside world that has none of its own. */
import type { Clock } from '../../devices/runtime.ts';

/**
 * Resolves or rejects as `work` does, or rejects after `ms` milliseconds saying what took too
 * long, or at once when the signal aborts. The work itself goes on, and what becomes of it is
 * ignored.
 */
export function deadline<T>(
  clock: Clock,
  ms: number,
  what: string,
  work: Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => finish(() => reject(new Error(`${what} was given up`)));
    const cancel = clock.after(ms, () =>
      finish(() => reject(new Error(`${what} took longer than ${ms} ms`))),
    );
    const finish = (settle: () => void) => {
      cancel();
      signal?.removeEventListener('abort', stop);
      settle();
    };
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    work.then(
      (value) => finish(() => resolve(value)),
      (error: unknown) => finish(() => reject(error)),
    );
  });
}
