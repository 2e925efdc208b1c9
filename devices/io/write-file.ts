/** Writes a file so that readers find the old one or the new one whole, also after a power cut. */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EdgeError } from '../errors.ts';
import { proveReplaced } from './prove-disk.ts';

/**
 * Replaces `file` by `content`: written beside it, synced, renamed over it, and the folder synced
 * (a rename is durable only once its folder is). Throws what the file system throws, with nothing
 * changed, and DB_DISK_FAILED where the disk took the file and may not have kept it.
 */
export function writeFileDurably(file: string, content: string | Uint8Array, mode = 0o644): void {
  writeChunksDurably(file, [content], mode);
}

/** Likewise for content that is too large for memory; an error of `chunks` changes nothing. */
export function writeChunksDurably(
  file: string,
  chunks: Iterable<string | Uint8Array>,
  mode = 0o644,
): void {
  const folder = dirname(file);
  const beside = join(folder, `.${basename(file)}.${randomUUID()}`);
  try {
    const handle = openSync(beside, 'wx', mode);
    try {
      for (const chunk of chunks) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
      }
      syncHandle(handle, beside);
    } finally {
      closeSync(handle);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncPath(folder);
  proveReplaced(file, beside);
}

/**
 * Waits until a file or the names in a folder are on disk.
 *
 * @throws EdgeError DB_DISK_FAILED, and what the file system throws where it cannot be opened
 */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    syncHandle(handle, path);
  } finally {
    closeSync(handle);
  }
}

/**
 * Waits until what was written is on disk.
 *
 * @throws EdgeError DB_DISK_FAILED: what it was the kernel may have forgotten
 */
export function syncHandle(handle: number, path: string): void {
  try {
    fsyncSync(handle);
  } catch (cause) {
    throw new EdgeError('DB_DISK_FAILED', `syncing ${path}`, { cause });
  }
}

/** Whether there was no room, in a call of ours or in the sync behind it. */
export function isNoRoom(error: unknown): boolean {
  const cause = error instanceof EdgeError ? error.cause : error;
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}
