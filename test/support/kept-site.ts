/**
 * Sites that are enrolled already. To enrol one takes six commands and as many seconds, and the
 * suite of faults starts dozens that are alike: the first is made as a person makes it, the others
 * are copies of its files.
 */
import {
  closeSync,
  cpSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, join } from 'node:path';

/** Names the folder that keeps them for one run; without it each site is made anew. */
export const KEPT_SITES_VARIABLE = 'BONDLINE_TEST_KEPT_SITES';

/** Files of a site that ran before, and of the disk below it. */
const OTHERS = ['control.json', 'lost+found'];

/** Copies what is kept under a name into a folder; whether there was anything. */
export function copyKeptSite(like: string | undefined, directory: string): boolean {
  const kept = placeOf(like);
  if (kept === undefined || !existsSync(kept)) return false;
  cpSync(kept, directory, { recursive: true });
  // Whose power is cut next has it on the disk, as what a gateway itself keeps there.
  for (const file of ['', ...readdirSync(kept, { recursive: true, encoding: 'utf8' })]) {
    const open = openSync(join(directory, file), 'r');
    fsyncSync(open);
    closeSync(open);
  }
  return true;
}

/** Keeps a site that nobody runs. Whoever keeps one under the same name first is kept. */
export function keepSite(like: string, directory: string): void {
  const kept = placeOf(like);
  if (kept === undefined || existsSync(kept)) return;
  const made = `${kept}-${process.pid}`;
  const filter = (file: string) => !OTHERS.includes(basename(file));
  cpSync(directory, made, { recursive: true, filter });
  try {
    renameSync(made, kept);
  } catch {
    rmSync(made, { recursive: true });
  }
}

function placeOf(like: string | undefined): string | undefined {
  const folder = process.env[KEPT_SITES_VARIABLE];
  return folder && like && join(folder, like);
}
