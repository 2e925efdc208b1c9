/** That the comparison with a fold from the first entry sees what it is for. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Applier, type EntryReader } from '../../ingest/apply-engine.ts';
import { foldPlugins } from '../../ingest/apply-plugins.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import { openTwinsStore, type TwinsStore, type Unapplied } from '../../ingest/twins-store.ts';
import { openBorder } from './border.ts';
import { checkTwins, nothingCompared } from './check-rebuilt.ts';
import { close, inMemory } from './run-world.ts';

let entries: readonly JournalEntry[] = [];
/** A batch in the middle. */
let batch = 0;

beforeAll(async () => {
  entries = await inMemory(async (directory) => {
    const border = await openBorder(directory, 1, { stations: 1, everyMs: 5_000, isCalm: true });
    while (await border.enrolNext());
    await border.world.run(120_000);
    const { office } = border.scene;
    const stored = office.entries();
    close(border);
    return stored;
  });
  batch = entries.findLastIndex(({ header }, at) => {
    return header.kind === 'batch' && at < entries.length - 10;
  });
});

const leaf = (position: number) => `leaf ${position}`;
const journal: EntryReader = {
  read: (from, count) => entries.slice(from, from + count),
  leaf,
};

type Change = Parameters<TwinsStore['commit']>[0];

interface Live {
  readonly journal?: EntryReader;
  /** What a commit comes to. */
  readonly commit?: (change: Change) => Change;
  readonly held?: readonly Unapplied[];
}

/** Twins that are compared after each of their steps. */
function follow(options: Live = {}) {
  const compared = nothingCompared();
  compared.fold.stored(entries);
  const kept = openTwinsStore(':memory:');
  const { commit = (change) => change, held = [] } = options;
  const store = { ...kept, commit: (change: Change) => kept.commit(commit(change)) };
  const begin = () => {
    return new Applier({ journal: options.journal ?? journal, store, plugins: foldPlugins, held });
  };
  let applier = begin();
  const look = (changed: readonly { id: string }[], isFound: boolean) => {
    const count = () => kept.list({ count: 1_000 }).length;
    return checkTwins(compared, { store: kept, count, leaf, isFound }, changed);
  };
  return {
    store: kept,
    compared,
    /** What is said on the way, in steps of so many entries. */
    go(to: number, stride = 1): string[] {
      const broken: string[] = [];
      while (applier.cursor < to) {
        const applied = applier.step(Math.min(to, applier.cursor + stride));
        broken.push(...look(applied?.changed ?? [], false));
      }
      return broken;
    },
    start(): string[] {
      applier = begin();
      return look([], true);
    },
  };
}

/** Puts the twins back to what they were after `cursor` entries. */
function putBack(store: TwinsStore, cursor: number): void {
  const older = follow();
  older.go(cursor);
  for (const row of store.list({ count: 1_000 })) {
    const rows = [older.store.row(row.id) ?? row];
    store.commit({ meta: older.store.meta(), rows });
  }
}

describe('the comparison of twins with a fold from the first entry', () => {
  it('has nothing to say where they are equal, in steps of whatever size', () => {
    const one = follow();
    expect(one.go(entries.length)).toEqual([]);
    expect(one.compared.twins).toBeGreaterThan(entries.length / 2);
    expect(one.start()).toEqual([]);
    expect(follow().go(entries.length, 7)).toEqual([]);
  });

  it('goes along with twins that are put back, and compares on the way that they go anew', () => {
    const live = follow();
    live.go(entries.length, 3);
    putBack(live.store, batch);
    expect(live.start()).toEqual([]);
    expect(live.go(entries.length, 4)).toEqual([]);
  });

  it('sees at once that one row is another', () => {
    const live = follow({
      commit: (change) => {
        if (change.meta.cursor !== batch + 1) return change;
        const [first, ...rows] = change.rows;
        return { ...change, rows: first ? [{ ...first, position: 0 }, ...rows] : [] };
      },
    });
    expect(live.go(batch)).toEqual([]);
    expect(live.go(batch + 1)).toMatchObject([/^the twin .* is not what \d+ entries give$/]);
  });

  it('sees at a start that a row is another which nothing touched', () => {
    const live = follow();
    live.go(batch);
    const [row] = live.store.list({ count: 1 });
    if (row === undefined) throw new Error('there are twins');
    live.store.commit({ meta: live.store.meta(), rows: [{ ...row, dueMs: 1 }] });
    expect(live.start()).toHaveLength(1);
  });

  it('sees an entry that took effect nowhere', () => {
    const isSkipped = ({ position }: JournalEntry) => position === batch;
    const live = follow({
      journal: {
        read: (from, count) =>
          journal.read(from, count).map((entry) => {
            if (!isSkipped(entry)) return entry;
            return { ...entry, header: { ...entry.header, kind: 'status' } };
          }),
        leaf,
      },
    });
    expect(live.go(batch)).toEqual([]);
    expect(live.go(batch + 1).length).toBeGreaterThan(0);
  });

  it('sees a cursor that does not belong to the twins', () => {
    const live = follow();
    live.go(batch);
    const meta = live.store.meta();
    live.go(batch + 1);
    live.store.commit({ meta, rows: [] });
    expect(live.start().length).toBeGreaterThan(0);
  });

  it('sees a twin that nothing made, and one that is missing', () => {
    const live = follow();
    live.go(batch);
    const [row] = live.store.list({ count: 1 });
    if (row === undefined) throw new Error('there are twins');
    live.store.commit({ meta: live.store.meta(), rows: [{ ...row, id: 'another' }] });
    expect(live.go(batch + 1)).toMatchObject([/^there are \d+ twins at \d+, not \d+$/]);
    const empty = follow({ commit: (change) => ({ ...change, rows: [] }) });
    expect(empty.go(batch + 1)).toContainEqual(expect.stringMatching(/^there are 0 twins/));
  });

  it('treats an entry alike that held up the thread, and sees one that is passed by alone', () => {
    const held: Unapplied = { position: batch, how: 'held', reason: 'no end' };
    expect(follow({ held: [held] }).go(entries.length)).toEqual([]);
    const live = follow({
      commit: (change) =>
        change.meta.cursor === batch + 1
          ? { ...change, rows: [], unapplied: { ...held, how: 'threw' } }
          : change,
    });
    expect(live.go(batch + 1)).toContainEqual(expect.stringContaining('what has no effect'));
  });
});
