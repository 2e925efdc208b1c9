/** A small disk in memory that can be filled to its last byte. Needs root. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DISK_BYTES = 48 * 1024 * 1024;
const FILL_BYTES = 64 * 1024;
const FILL = 'filled-by-somebody-else';

export interface TmpfsDisk {
  readonly path: string;
  /** Leaves no room at all, or these bytes. */
  fill(leave?: number): void;
  /** Gives the room back. */
  empty(): void;
  /** Unmounts it for good. Idempotent. */
  close(): void;
}

/** Mounts a disk at `path`. */
export function openTmpfsDisk(path: string): TmpfsDisk {
  mkdirSync(path, { recursive: true });
  const options = ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=0700`, 'tmpfs', path];
  const { status, stderr } = spawnSync('mount', options, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mounting tmpfs: ${stderr}`);
  let isMounted = true;
  const file = join(path, FILL);
  const unmount = () => {
    if (isMounted) spawnSync('umount', ['-l', path], { stdio: 'ignore' });
    isMounted = false;
  };
  process.once('exit', unmount);
  return {
    path,
    fill(leave = 0) {
      for (const bytes of [FILL_BYTES, 1]) fillWith(file, Buffer.alloc(bytes));
      truncateSync(file, statSync(file).size - leave);
    },
    empty: () => rmSync(file, { force: true }),
    close() {
      process.off('exit', unmount);
      unmount();
    },
  };
}

/** Appends until there is no room for one more. */
function fillWith(file: string, bytes: Buffer): void {
  for (;;) {
    try {
      writeFileSync(file, bytes, { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}

/** Why no disk can be mounted in memory; `undefined` where it was tried and works. */
export function tmpfsObstacle(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'bondline-tmpfs-'));
  try {
    openTmpfsDisk(folder).close();
    return undefined;
  } catch (error) {
    return `no tmpfs can be mounted here: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
