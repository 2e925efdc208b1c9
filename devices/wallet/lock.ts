/** One change of a wallet at a time, whichever process makes it. */
import { EdgeError } from '../errors.ts';
import { lockDirectory } from '../io/sqlite.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../runtime.ts';

/**
 * Runs `use` while this process alone may change the folder. The lock is the operating system's
 * (SQLite's on `lock.db`): it goes with the process that holds it, so none is ever left behind.
 *
 * @throws EdgeError DB_IN_USE when another command holds it for `limits.walletLockMs`.
 */
export async function withLock<T>(folder: string, clock: Clock, use: () => Promise<T>): Promise<T> {
  const release = await take(folder, clock);
  try {
    return await use();
  } finally {
    release();
  }
}

async function take(folder: string, clock: Clock): Promise<() => void> {
  const untilMs = clock.monotonicMs() + limits.walletLockMs;
  for (;;) {
    try {
      return lockDirectory(folder);
    } catch (error) {
      const isHeld = error instanceof EdgeError && error.code === 'DB_IN_USE';
      if (!isHeld || clock.monotonicMs() >= untilMs) throw error;
    }
    await clock.sleep(limits.walletLockLookMs);
  }
}
