/**
 * Proves that what was synced a moment ago counts. When an error turns ext4 read-only, its journal
 * drops what it was about to write, and a sync that waits for that returns as if it had been
 * written (Linux 6.18, fs/jbd2: `jbd2_complete_transaction` of a transaction that is gone). Only a
 * change that needs the journal itself is refused from that moment on; new times, new rights and
 * `access` are not.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { EdgeError } from '../errors.ts';

/** Beside the databases of a data directory; it is never read. */
export const PROBE_FILE = 'disk.probe';

/**
 * Threads have lengths of their own, two each, so that none sets the one that another has set a
 * moment ago, which would change nothing.
 */
const THREADS_MAX = 2_048;

/**
 * To be called after a commit and before anyone is told of it: changes the length of a file beside
 * `file`, which is on the same disk.
 *
 * @throws EdgeError DB_DISK_FAILED where the file system takes no changes any more
 */
export function proveCommitted(file: string): void {
  refusing(file, () => {
    const { O_CREAT, O_RDWR } = constants;
    const handle = openSync(join(dirname(file), PROBE_FILE), O_RDWR | O_CREAT, 0o600);
    try {
      const own = threadId % THREADS_MAX;
      ftruncateSync(handle, fstatSync(handle).size === own ? own + THREADS_MAX : own);
    } finally {
      closeSync(handle);
    }
  });
}

/**
 * Likewise for a file that is seldom written: makes and removes `name`, which must not be there.
 *
 * @throws EdgeError DB_DISK_FAILED where the file system takes no changes any more
 */
export function proveReplaced(file: string, name: string): void {
  refusing(file, () => {
    closeSync(openSync(name, 'wx', 0o600));
    rmSync(name, { force: true });
  });
}

/** Errors that say nothing of what was synced: something else is short, or not allowed. */
const SHORT: ReadonlySet<string> = new Set([
  ...['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EPERM'],
]);

function refusing(file: string, change: () => void): void {
  try {
    change();
  } catch (cause) {
    if (SHORT.has((cause as NodeJS.ErrnoException).code ?? '')) return;
    throw new EdgeError('DB_DISK_FAILED', `after syncing ${file}`, { cause });
  }
}
