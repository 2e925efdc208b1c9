/**
 * Disk that is taken while there is some: a file beside the database. When the disk is full it
 * goes, so that the loss of what cannot be kept can still be signed and stored.
 */
import { closeSync, existsSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDiskFailure } from '../devices/io/sqlite.ts';
import { isNoRoom, syncHandle, syncPath } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';

export interface Reserve {
  /** Gives the disk back; `false` where that has been done. */
  release(): boolean;
  /**
   * Takes it again if that is due and the disk has room; `true` when it is held.
   *
   * @throws EdgeError DB_DISK_FAILED
   */
  restore(): boolean;
}

export interface ReserveOptions {
  readonly file: string;
  readonly bytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Its name beside outbox.db. */
export const RESERVE_FILE = 'outbox.reserve';

/** Bytes that are written at a time. */
const CHUNK_BYTES = 64 * 1024;

/** Takes the reserve, if the disk has room for it. @throws EdgeError DB_DISK_FAILED */
export function openReserve(options: ReserveOptions): Reserve {
  const { bytes, clock, file, log, random } = options;
  let isHeld = existsSync(file) && statSync(file).size >= bytes;
  let dueMs = clock.monotonicMs();

  function restore(): boolean {
    if (isHeld) return true;
    if (clock.monotonicMs() < dueMs) return false;
    dueMs = clock.monotonicMs() + limits.outboxReserveRetryMs;
    isHeld = mayHaveRoom(dirname(file), bytes) && fill(file, bytes, random);
    return isHeld;
  }

  if (!restore()) log.warn('the disk has no room for the reserve of the outbox', { bytes });
  return {
    release() {
      if (!isHeld) return false;
      isHeld = false;
      dueMs = clock.monotonicMs() + limits.outboxReserveRetryMs;
      rmSync(file, { force: true });
      return true;
    },
    restore,
  };
}

/** Asked first, so that a disk that stays full is not written to each time. */
function mayHaveRoom(folder: string, bytes: number): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= bytes;
  } catch {
    return true;
  }
}

/** Writes bytes that no file system can make smaller; nothing stays where there is no room. */
function fill(file: string, bytes: number, random: Random): boolean {
  try {
    const handle = openSync(file, 'w', 0o600);
    try {
      for (let done = 0; done < bytes; ) {
        done += writeSync(handle, random.bytes(Math.min(CHUNK_BYTES, bytes - done)));
      }
      syncHandle(handle, file);
    } finally {
      closeSync(handle);
    }
    syncPath(dirname(file));
    return true;
  } catch (error) {
    if (isDiskFailure(error) && !isNoRoom(error)) throw error;
    // Whatever else keeps the file from being written, the outbox goes on without a reserve.
    rmSync(file, { force: true });
    return false;
  }
}
