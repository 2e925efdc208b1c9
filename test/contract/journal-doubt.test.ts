/** What the journal makes of keys in doubt: cloned, revoked, chained under an older receipt. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentialDigest } from '../../devices/envelope.ts';
import { openDatabase } from '../../devices/io/sqlite.ts';
import { digestMultibase } from '../../devices/profile.ts';
import { readAct } from '../../ingest/act.ts';
import { doubtSchema } from '../../ingest/journal-doubt.ts';
import { journalSchema } from '../../ingest/journal-schema.ts';
import { type JournalStore, openJournalStore } from '../../ingest/journal-store.ts';
import type { Appended, EntryHeader, NewEntry } from '../../ingest/store.ts';

let journal: JournalStore;
beforeEach(() => {
  journal = openJournalStore(':memory:');
});
afterEach(() => journal.close());

function entry(kind: EntryHeader['kind'], bytes: Uint8Array, more: object = {}): NewEntry {
  const digest = credentialDigest(bytes);
  return { header: { version: 1, tenant: 't', kind, receivedMs: 1, digest, ...more }, bytes };
}

interface Place {
  readonly epoch?: number;
  readonly sequence: number;
  readonly previous?: NewEntry;
  readonly content?: string;
}

function batch({ epoch = 1, sequence, previous, content = 'x' }: Place, device = 'a'): NewEntry {
  const bytes = Buffer.from(`h.${device}/${epoch}/${sequence}/${content}.s`);
  const epochNonce = createHash('md5').update(`${epoch}`).digest('hex');
  const named = previous && { previous: previous.header.digest };
  const key = { device, epochCounter: epoch, epochNonce, sequence, ...named };
  return entry('batch', bytes, { batch: key });
}

/** A chain of batches, each naming the one before, over two epochs. */
function chain(length: number, content = 'x', device = 'a'): NewEntry[] {
  const all: NewEntry[] = [];
  const turn = Math.ceil(length / 2);
  for (let at = 0; at < length; at += 1) {
    const epoch = at < turn ? 1 : 2;
    const sequence = at < turn ? at + 1 : at - turn + 1;
    const previous = all.at(-1);
    all.push(batch({ epoch, sequence, content, ...(previous && { previous }) }, device));
  }
  return all;
}

/** As admission gives a batch whose key is revoked by the list at `since`. */
function revoked({ header, bytes }: NewEntry, since: number): NewEntry {
  const doubt = { kind: 'doubtful', code: 'VC_REVOKED', reason: 'revoked', since } as const;
  return { header: { ...header, ...doubt }, bytes };
}

function put(...entries: NewEntry[]): Appended[] {
  return journal.append(entries);
}

function officer(accept: readonly number[], lift: readonly string[] = []): NewEntry {
  const act = { act: 'officer', accept, lift, officer: 'an officer', reason: 'seen', atMs: 2 };
  const bytes = Buffer.from(JSON.stringify(act));
  return {
    ...entry('act', bytes),
    header: { ...entry('act', bytes).header, digest: digestMultibase(bytes) },
  };
}

/** Digests of the batches that have an effect. */
function effects(from = 0): Set<string> {
  const entries = journal.read(from, 10_000);
  const good = new Set<string>();
  for (const { header, bytes } of entries) {
    if (header.kind === 'batch') good.add(header.digest);
    if (header.kind !== 'act') continue;
    for (const position of readAct(bytes)?.accept ?? []) {
      good.add(entries[position - from]?.header.digest ?? '');
    }
  }
  return good;
}

const list = () => entry('status', Buffer.from(`h.list${journal.size()}.s`));

describe('a revoked key', () => {
  it('leaves what was received before good, and keeps what comes after without effect', () => {
    const [first, second] = chain(4) as [NewEntry, NewEntry];
    put(first);
    const [{ position: since }] = put(list()) as [Appended];
    expect(put(revoked(second, since))).toMatchObject([
      { kind: 'doubtful', code: 'VC_REVOKED', result: 'stored', position: 2 },
    ]);
    expect(put(revoked(second, since), revoked(first, since))).toMatchObject([
      { kind: 'doubtful', code: 'VC_REVOKED', result: 'known', position: 2 },
      { kind: 'batch', result: 'known', position: 0 },
    ]);
    expect(journal.read(2, 1)).toMatchObject([
      { header: { kind: 'doubtful', since, batch: { sequence: 2 } }, bytes: second.bytes },
    ]);
    expect(effects()).toEqual(new Set([first.header.digest]));
  });

  it('finds good what is chained under an older receipt, from the newest to the oldest', () => {
    const all = chain(6) as [NewEntry, NewEntry, NewEntry, NewEntry, NewEntry, NewEntry];
    put(all[5]);
    const [{ position: since }] = put(list()) as [Appended];
    for (const one of [4, 3, 2, 1, 0]) {
      expect(put(revoked(all[one] as NewEntry, since))).toMatchObject([{ kind: 'batch' }]);
    }
    expect(journal.read(2, 1)[0]?.header).toMatchObject({ kind: 'batch', under: 0 });
    expect(journal.read(2, 1)[0]?.header).not.toHaveProperty('code');
  });

  it('finds good what is chained under an older receipt, from the oldest to the newest', () => {
    const all = chain(6);
    put(all[5] as NewEntry);
    const [{ position: since }] = put(list()) as [Appended];
    const late = all.slice(0, 5).map((one) => revoked(one, since));
    const results = put(...late);
    expect(results.map(({ kind }) => kind)).toEqual([
      ...['doubtful', 'doubtful', 'doubtful', 'doubtful', 'batch'],
    ]);
    expect(results.at(-1)).toMatchObject({ position: 6, act: 7 });
    const [act] = journal.read(7, 1);
    expect(act && readAct(act.bytes)).toEqual({
      act: 'chained',
      accept: [5, 4, 3, 2],
      under: 0,
      atMs: 1,
    });
    expect(effects().size).toBe(6);
    // Sent again, what was doubtful is a batch like any other.
    expect(put(late[0] as NewEntry)).toMatchObject([
      { result: 'known', kind: 'batch', position: 2 },
    ]);
    expect(put(late[0] as NewEntry)[0]).not.toHaveProperty('code');
  });

  it('does not let what came after the revocation vouch for anything', () => {
    const all = chain(4);
    const [{ position: since }] = put(list()) as [Appended];
    put(revoked(all[0] as NewEntry, since));
    put(revoked(all[1] as NewEntry, since));
    // An officer's acceptance is for the batch that was looked at, and for no other.
    put(officer([2]));
    // The revocation was a mistake: later batches count again, the doubtful ones still wait.
    put(all[2] as NewEntry);
    expect(effects()).toEqual(new Set([all[1], all[2]].map((one) => one?.header.digest)));
  });

  it('gives the same effects in any order of arrival', () => {
    let [resolved, run] = [0, 0];
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }).chain((length) =>
          fc.record({
            length: fc.constant(length),
            before: fc.subarray([...Array(length).keys()]),
            order: fc.shuffledSubarray([...Array(length).keys()], { minLength: length }),
          }),
        ),
        ({ length, before, order }) => {
          run += 1;
          const from = journal.size();
          const all = chain(length, 'x', `device ${run}`);
          for (const at of before) put(all[at] as NewEntry);
          const [{ position: since }] = put(list()) as [Appended];
          for (const at of order) put(revoked(all[at] as NewEntry, since));
          // Good is what lies before any that was received in time.
          const newest = Math.max(-1, ...before);
          const good = all.slice(0, newest + 1).map(({ header }) => header.digest);
          resolved += good.length - before.length;
          expect(effects(from)).toEqual(new Set(good));
        },
      ),
      { numRuns: 500 },
    );
    expect(resolved).toBeGreaterThan(100);
  });
});

describe('a cloned key', () => {
  it('is found on the first conflict, 1,000 times of 1,000', () => {
    let found = 0;
    for (let run = 0; run < 1_000; run += 1) {
      const device = `device ${run}`;
      const length = 1 + (run % 7);
      const at = run % length;
      let previous: NewEntry | undefined;
      for (let sequence = 1; sequence <= length; sequence += 1) {
        previous = batch({ sequence, ...(previous && { previous }) }, device);
        put(previous);
      }
      const [clone] = put(batch({ sequence: at + 1, content: 'other' }, device));
      const next = batch({ sequence: length + 1, ...(previous && { previous }) }, device);
      const [after] = put(next);
      if (
        clone?.kind === 'equivocation' &&
        clone.code === 'IN_FORK' &&
        after?.code === 'IN_QUARANTINE'
      )
        found += 1;
    }
    console.log(`cloned keys found on the first conflict: ${found} of 1000`);
    expect(found).toBe(1_000);
  });

  it('is found by what a batch names as the one before, too', () => {
    const genuine = chain(3);
    const [copy] = chain(1, 'other');
    put(...genuine.slice(0, 1));
    const second = batch({ sequence: 2, previous: copy as NewEntry, content: 'other' });
    expect(put(second)).toMatchObject([{ kind: 'equivocation', code: 'IN_FORK' }]);
    expect(put(genuine[1] as NewEntry)).toMatchObject([{ kind: 'doubtful' }]);
    // From the other side: the batch that is named came earlier than the one that contradicts it.
    const late = batch({ sequence: 2, previous: batch({ sequence: 1 }, 'b') }, 'b');
    const other = batch({ sequence: 1, content: 'other' }, 'b');
    expect(put(late, other)).toMatchObject([{ kind: 'batch' }, { kind: 'equivocation' }]);
  });

  it('puts the device in quarantine until an officer lifts it, and no other device', () => {
    const [first, second, third] = chain(6) as [NewEntry, NewEntry, NewEntry];
    const [clone] = chain(1, 'other');
    put(first, clone as NewEntry);
    expect(put(second, batch({ sequence: 1 }, 'b'))).toMatchObject([
      { kind: 'doubtful', code: 'IN_QUARANTINE', position: 2 },
      { kind: 'batch' },
    ]);
    expect(journal.read(2, 1)[0]?.header).toMatchObject({ since: 1, code: 'IN_QUARANTINE' });
    put(officer([], ['a']));
    expect(put(third)).toMatchObject([{ kind: 'batch' }]);
    expect(effects().has(second.header.digest)).toBe(false);
    put(officer([2]));
    expect(effects().has(second.header.digest)).toBe(true);
    expect(put(second)).toMatchObject([{ kind: 'batch', result: 'known', position: 2 }]);
    // A second conflict begins another quarantine.
    put(batch({ sequence: 1, content: 'third' }));
    expect(put(batch({ epoch: 3, sequence: 1 }))).toMatchObject([{ kind: 'doubtful' }]);
  });

  it('keeps both of two doubtful batches for one place, of which one can be accepted', () => {
    const [{ position: since }] = put(list()) as [Appended];
    const [a, b] = [batch({ sequence: 1 }), batch({ sequence: 1, content: 'other' })];
    expect(put(revoked(a, since), revoked(b, since))).toMatchObject([
      { kind: 'doubtful', code: 'VC_REVOKED' },
      { kind: 'doubtful', code: 'IN_FORK' },
    ]);
    put(officer([2]));
    expect(put(revoked(b, since))).toMatchObject([{ kind: 'batch', result: 'known' }]);
    put(officer([1]));
    // The place is taken: the act changed nothing in the record of places.
    expect(put(batch({ sequence: 1 }))).toMatchObject([{ kind: 'doubtful', result: 'known' }]);
  });

  it('that an older version stored is in quarantine from the upgrade on', () => {
    const directory = mkdtempSync(join(tmpdir(), 'bondline-doubt-'));
    const [today, file] = ['today.db', 'journal.db'].map((name) => join(directory, name));
    const [first, second] = chain(4) as [NewEntry, NewEntry];
    const [clone] = chain(1, 'other') as [NewEntry];
    const before = openJournalStore(today as string);
    before.append([first, clone]);
    before.close();
    const schema = journalSchema.slice(0, journalSchema.indexOf(doubtSchema));
    const old = openDatabase(file as string, { schema });
    old.exec(`ATTACH '${today}' AS today`);
    for (const table of ['device', 'entry', 'rare', 'replay', 'high_water']) {
      old.exec(`INSERT INTO main.${table} SELECT * FROM today.${table}`);
    }
    old.close();
    const after = openJournalStore(file as string);
    expect(after.quarantines({ count: 9, open: true })).toEqual([
      { device: 'a', since: 1, act: null },
    ]);
    expect(after.append([second])).toMatchObject([{ kind: 'doubtful', code: 'IN_QUARANTINE' }]);
    after.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('does not take two epochs behind one digest for a cheat', () => {
    const [first] = chain(2) as [NewEntry];
    const again = [2, 3].map((epoch) => batch({ epoch, sequence: 1, previous: first }));
    expect(put(first, ...again).map(({ kind }) => kind)).toEqual(['batch', 'batch', 'batch']);
  });

  it('is known again after a restart, and after a transaction that failed', () => {
    const [first, second, third] = chain(6) as [NewEntry, NewEntry, NewEntry];
    put(first);
    const broken = { header: { ...second.header, digest: null as never }, bytes: second.bytes };
    const [clone] = chain(1, 'other') as [NewEntry];
    expect(() => put(clone, broken)).toThrow();
    expect(put(second)).toMatchObject([{ kind: 'batch' }]);
    put(clone);
    expect(put(third)).toMatchObject([{ kind: 'doubtful' }]);
  });
});
