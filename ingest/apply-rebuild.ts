/**
 * Folds the journal from its first entry and compares the twins with those that are kept: the
 * check that the journal is the only record.
 */
import { existsSync, rmSync } from 'node:fs';
import { Applier } from './apply-engine.ts';
import { foldPlugins } from './apply-plugins.ts';
import { openJournalReader } from './journal-reader.ts';
import { openTwinsStore, type TwinsMeta, type TwinsStore, type Unapplied } from './twins-store.ts';

export interface RebuildResult {
  readonly equal: boolean;
  /** Entries folded, and twins that came of them. */
  readonly entries: number;
  readonly twins: number;
  /** One sentence each, at most `differencesMax`. */
  readonly differences: readonly string[];
  /** Entries that were passed by: the kept twins say that the fold comes to no end there. */
  readonly passedBy: readonly number[];
}

const DIFFERENCES_MAX = 100;
const PAGE = 500;

/**
 * Rebuilds the twins of the journal at `journalFile`. With `replace` they take the place of those
 * in `twinsFile` (only while no ingester runs); otherwise they are compared with them, up to the
 * same position, and thrown away. `onProgress` hears of entries done and entries in all.
 */
export function rebuildTwins(options: {
  journalFile: string;
  twinsFile: string;
  replace?: boolean;
  /** Where the twins are made that are compared; default: beside those that are kept. */
  copyFile?: string;
  onProgress?: (done: number, all: number) => void;
}): RebuildResult {
  const { journalFile, twinsFile } = options;
  const { copyFile = `${twinsFile}.rebuild` } = options;
  // What held up a thread would hold up this one too.
  const held = heldBefore(twinsFile);
  removeDatabase(options.replace ? twinsFile : copyFile);
  const journal = openJournalReader(journalFile);
  const live = options.replace ? undefined : openTwinsStore(twinsFile, { readonly: true });
  const copy = openTwinsStore(options.replace ? twinsFile : copyFile);
  try {
    const compare = (): RebuildResult => {
      const end = live?.meta().cursor ?? journal.size();
      const applier = new Applier({ journal, store: copy, plugins: foldPlugins, held });
      while (applier.step(end) !== undefined) options.onProgress?.(applier.cursor, end);
      const passedBy = held.map(({ position }) => position);
      return { ...compareStores(copy, live), passedBy };
    };
    return live === undefined ? compare() : live.snapshot(compare);
  } finally {
    journal.close();
    live?.close();
    copy.close();
    if (!options.replace) removeDatabase(copyFile);
  }
}

function heldBefore(twinsFile: string): Unapplied[] {
  if (!existsSync(twinsFile)) return [];
  const store = openTwinsStore(twinsFile, { readonly: true });
  try {
    return store.unapplied().filter(({ how }) => how === 'held');
  } finally {
    store.close();
  }
}

function compareStores(
  copy: TwinsStore,
  live: TwinsStore | undefined,
): Omit<RebuildResult, 'passedBy'> {
  const differences: string[] = [];
  const entries = copy.meta().cursor;
  let twins = 0;
  if (live !== undefined) {
    differences.push(...compareMeta(copy.meta(), live.meta()));
    const passed = (store: TwinsStore) => store.unapplied().map(({ position }) => position);
    const [kept, made] = [passed(live).join(), passed(copy).join()];
    if (kept !== made) differences.push(`entries without effect are ${kept}, rebuilt ${made}`);
  }
  for (const row of rowsOf(copy)) {
    twins += 1;
    if (live === undefined) continue;
    const kept = live.row(row.id);
    if (kept === undefined) differences.push(`${row.id} (${row.kind}) is missing`);
    else if (JSON.stringify(kept) !== JSON.stringify(row)) {
      differences.push(`${row.id} (${row.kind}) differs: ${firstDifference(kept, row)}`);
    }
  }
  if (live !== undefined) {
    for (const row of rowsOf(live)) {
      if (copy.row(row.id) !== undefined) continue;
      differences.push(`${row.id} (${row.kind}) does not follow from the journal`);
    }
  }
  const equal = differences.length === 0;
  return { equal, entries, twins, differences: differences.slice(0, DIFFERENCES_MAX) };
}

function compareMeta(copy: TwinsMeta, live: TwinsMeta): string[] {
  const names = ['cursor', 'nowMs', 'routes', 'leaf'] as const;
  return names
    .filter((name) => copy[name] !== live[name])
    .map((name) => `the stored ${name} is not what the journal gives`);
}

function* rowsOf(store: TwinsStore) {
  for (let after = ''; ; ) {
    const rows = store.list({ after, count: PAGE });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.id;
  }
}

/** The first member that differs, with both texts cut short. */
function firstDifference(kept: object, made: object): string {
  const a = JSON.stringify(kept);
  const b = JSON.stringify(made);
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const from = Math.max(0, at - 20);
  return `kept …${a.slice(from, at + 40)}…, rebuilt …${b.slice(from, at + 40)}…`;
}

function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
}
