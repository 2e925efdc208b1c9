/** Puts a deadline on a promise of the outside world that has none of its own. */
import type { Clock } from '../../devices/runtime.ts';

/**
 * Resolves or rejects as `work` does, or rejects after `ms` milliseconds saying what took too
 * long. The work itself goes on, and what becomes of it is ignored.
 */
export function deadline<T>(clock: Clock, ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(`${what} took longer than ${ms} ms`)));
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
