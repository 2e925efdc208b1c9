/** Entries that the fold cannot take: noted, without effect, and the same in a rebuild. */
import { describe, expect, it } from 'vitest';
import { EdgeError } from '../../../devices/errors.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import type { EntryKind } from '../../../ingest/store.ts';
import { openTwinsStore, type TwinsStore } from '../../../ingest/twins-store.ts';

const RULES = JSON.stringify({ routes: [], rules: {} });

function journalOf(entries: readonly (readonly [EntryKind, string])[]): JournalStore {
  const journal = openJournalStore(':memory:');
  for (const [at, [kind, text]] of entries.entries()) {
    const bytes = Buffer.from(text);
    const receivedMs = 1_767_225_600_000 + at;
    const digest = digestMultibase(bytes);
    journal.append([{ header: { version: 1, tenant: 't', kind, receivedMs, digest }, bytes }]);
  }
  return journal;
}

function folded(journal: JournalStore): { store: TwinsStore; applier: Applier } {
  const store = openTwinsStore(':memory:');
  return { store, applier: new Applier({ journal, store, plugins: foldPlugins }) };
}

describe('an entry that the fold throws at', () => {
  it('is passed by, noted, and passed by in each group that it comes in', () => {
    const tick = ['tick', '{}'] as const;
    const journal = journalOf([
      ['rules', RULES],
      tick,
      ['batch', 'no place'],
      tick,
      ['rules', RULES],
    ]);
    const { applier, store } = folded(journal);
    applier.drain();
    expect(store.meta().cursor).toBe(5);
    expect(store.meta().routes).toBe(RULES);
    expect(store.unapplied()).toMatchObject([{ position: 2, how: 'threw' }]);
    // One entry at a time gives the same twins and the same notes.
    const again = folded(journal);
    for (let end = 1; end <= 5; end += 1) again.applier.drain(end);
    expect(again.store.meta()).toEqual(store.meta());
    expect(again.store.unapplied()).toEqual(store.unapplied());
  });

  it('does not stop a start that follows', () => {
    const journal = journalOf([['batch', 'no place']]);
    const { applier, store } = folded(journal);
    applier.drain();
    const next = new Applier({ journal, store, plugins: foldPlugins });
    expect(next.step()).toBeUndefined();
    expect(next.cursor).toBe(1);
  });

  it('is told apart from a database that fails, which stops the fold', () => {
    const journal = journalOf([['rules', RULES]]);
    const { store } = folded(journal);
    const damaged = new EdgeError('IN_JOURNAL_DAMAGED', 'reading journal entry 0');
    const reader = {
      leaf: journal.leaf,
      read: () => {
        throw damaged;
      },
    };
    const applier = new Applier({ journal: reader, store, plugins: foldPlugins });
    expect(() => applier.step()).toThrow(damaged);
    const full = {
      ...store,
      commit: () => {
        throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
      },
    };
    const stopped = new Applier({ journal, store: full, plugins: foldPlugins });
    expect(() => stopped.step()).toThrow('full');
    expect(store.unapplied()).toEqual([]);
    expect(stopped.cursor).toBe(0);
  });

  it('is not folded at all where it held up a thread before', () => {
    const journal = journalOf([
      ['rules', RULES],
      ['rules', `${RULES} `],
    ]);
    const store = openTwinsStore(':memory:');
    const held = [{ position: 1, how: 'held', reason: 'no end' }] as const;
    const at: number[] = [];
    const applier = new Applier({
      ...{ journal, store, plugins: foldPlugins, held },
      at: (position) => at.push(position),
    });
    applier.drain();
    expect(at.filter((position) => position >= 0)).toEqual([0]);
    expect(store.meta()).toMatchObject({ cursor: 2, routes: RULES });
    expect(store.unapplied()).toEqual(held);
  });
});
