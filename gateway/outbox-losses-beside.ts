/**
 * Losses that the database has no room for: sums by device and cause in memory and, where there is
 * one, in a file beside the database whose place on the disk was taken before. The database says up
 * to which number it has taken them in, so that a crash between the two tells none twice.
 */
import { join } from 'node:path';
import { type FixedFile, openFixedFile } from '../devices/io/fixed-file.ts';
import { isDiskFailure } from '../devices/io/sqlite.ts';
import { isNoRoom } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import type { Loss } from '../devices/reading.ts';
import type { Log } from '../devices/runtime.ts';
import { join as joinLosses } from './losses.ts';

export interface LossBeside {
  readonly device: string;
  readonly loss: Loss;
}

export interface LossesBeside {
  /** Whether the database has taken in all. */
  isEmpty(): boolean;
  /** Those that it has not. */
  losses(): readonly LossBeside[];
  /** Number of what was written last. */
  last(): number;
  /** Keeps losses; `true` where they are on the disk when it returns, `false` in memory only. */
  add(losses: readonly LossBeside[]): boolean;
  /** The database has committed them all. */
  clear(): void;
}

/** Its name beside outbox.db. */
const LOSSES_FILE = 'outbox.losses';

/**
 * The file in the folder of the database; `undefined` where it cannot be made: then losses on a
 * full disk are kept in memory only.
 *
 * @throws EdgeError DB_DISK_FAILED
 */
export function openLossesFile(directory: string, log: Log): FixedFile | undefined {
  try {
    return openFixedFile(join(directory, LOSSES_FILE), limits.outboxLossesFileBytes);
  } catch (error) {
    if (isDiskFailure(error) && !isNoRoom(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log.warn('the disk has no room to note what is lost while it is full', { reason });
    return undefined;
  }
}

/**
 * @param taken Number up to which the database has taken them in.
 */
export function openLossesBeside(file: FixedFile | undefined, taken: number): LossesBeside {
  /** Bounded by devices times causes. */
  const sums = new Map<string, LossBeside>();
  const found = file?.read();
  let last = Math.max(taken, found?.number ?? 0);
  if (found && found.number > taken) {
    for (const one of JSON.parse(found.text) as LossBeside[]) sums.set(keyOf(one), one);
  }

  function write(): boolean {
    // Also where it cannot be written: a number is never used for two contents.
    last += 1;
    const text = JSON.stringify([...sums.values()]);
    return file?.write({ number: last, text }) ?? false;
  }

  return {
    isEmpty: () => sums.size === 0,
    losses: () => [...sums.values()],
    last: () => last,
    add(losses) {
      for (const { device, loss } of losses) {
        const { batches: _places, points: _points, ...sum } = loss;
        const one = { device, loss: sum };
        const known = sums.get(keyOf(one));
        sums.set(keyOf(one), known ? { device, loss: joinLosses(known.loss, sum) } : one);
      }
      return write();
    },
    clear() {
      sums.clear();
      write();
    },
  };
}

function keyOf({ device, loss }: LossBeside): string {
  return `${device} ${loss.cause}${loss.estimated ? ' estimated' : ''}`;
}
