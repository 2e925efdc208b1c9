/** Copies of damaged databases that stay beside them for examination, as `NAME.damaged-N`. */
import { constants, copyFileSync, existsSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDiskFailure } from './sqlite.ts';
import { isNoRoom, syncPath } from './write-file.ts';

/** More of them are not made: each is as large as the database. */
const COPIES_MAX = 4;
/** There must be room for so many of them: the database needs some too. */
const ROOM = 2;

const ENDINGS = ['', '-wal'] as const;

/** The first such name that is free. */
export function nameAside(file: string): string {
  let number = 1;
  while (existsSync(`${file}.damaged-${number}`)) number += 1;
  return `${file}.damaged-${number}`;
}

/**
 * Copies a database that nobody writes, with its WAL, and says as what. `undefined` where there is
 * no room, or copies enough.
 *
 * @throws EdgeError DB_DISK_FAILED
 */
export function copyAside(file: string): string | undefined {
  const copy = nameAside(file);
  if (copy.endsWith(`-${COPIES_MAX + 1}`)) return undefined;
  const there = ENDINGS.filter((ending) => existsSync(file + ending));
  try {
    const bytes = there.reduce((sum, ending) => sum + statSync(file + ending).size, 0);
    const { bavail, bsize } = statfsSync(dirname(file));
    if (bavail * bsize < ROOM * bytes) return undefined;
    for (const ending of there) {
      copyFileSync(file + ending, copy + ending, constants.COPYFILE_FICLONE);
      syncPath(copy + ending);
    }
    syncPath(dirname(file));
    return copy;
  } catch (error) {
    if (isDiskFailure(error) && !isNoRoom(error)) throw error;
    for (const ending of ENDINGS) rmSync(copy + ending, { force: true });
    return undefined;
  }
}
