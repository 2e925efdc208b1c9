/** What every journal must do: the local one and the one in a thread pass the same suite. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentialDigest } from '../../devices/envelope.ts';
import { createLocalJournal, type OpenJournal, startJournal } from '../../ingest/journal.ts';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import { openJournalStore } from '../../ingest/journal-store.ts';
import type { EntryKind, NewEntry } from '../../ingest/store.ts';

const nonce = '0123456789abcdef0123456789abcdef';

/** A batch of device `device` in place `sequence` with content `content`. */
function batch(device: string, sequence: number, content: string, epochCounter = 1): NewEntry {
  const bytes = Buffer.from(`h.${device}/${epochCounter}/${sequence}/${content}.s`);
  const key = { device, epochCounter, epochNonce: nonce, sequence };
  return entry('batch', bytes, { batch: key });
}

function entry(kind: EntryKind, bytes: Uint8Array, more: object = {}): NewEntry {
  const digest = credentialDigest(bytes);
  return { header: { version: 1, tenant: 't', kind, receivedMs: 1, digest, ...more }, bytes };
}

function refusal(text: string): NewEntry {
  return entry('refusal', Buffer.from(text), { code: 'VC_SIGNATURE', reason: 'because' });
}

const kinds: [string, (file: string) => Promise<OpenJournal>][] = [
  ['local', async (file) => createLocalJournal(openJournalStore(file))],
  ['in a thread', startJournal],
];

describe.each(kinds)('journal, %s', (_name, open) => {
  let directory: string;
  let file: string;
  let journal: OpenJournal;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bondline-journal-'));
    file = join(directory, 'journal.db');
    journal = await open(file);
  });
  afterEach(async () => {
    await journal.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('numbers entries from 0 without holes and gives them back as they came', async () => {
    const entries = [batch('a', 1, 'x'), refusal('bad'), entry('tick', Buffer.from('{}'))];
    const appended = await journal.append(entries);
    expect(appended.map(({ position, result }) => [position, result])).toEqual([
      [0, 'stored'],
      [1, 'stored'],
      [2, 'stored'],
    ]);
    expect(await journal.size()).toBe(3);
    const read = await journal.read(0, 10);
    expect(read.map(({ header }) => header)).toEqual(entries.map(({ header }) => header));
    expect(read.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(
      entries.map(({ bytes }) => Buffer.from(bytes).toString()),
    );
  });

  it('computes the leaf as SHA-256(0x00 ‖ header ‖ 0x0A ‖ bytes)', async () => {
    const one = batch('a', 1, 'x');
    const [appended] = await journal.append([one]);
    const leaf = createHash('sha256')
      .update(Buffer.from([0]))
      .update(JSON.stringify(one.header))
      .update('\n')
      .update(one.bytes)
      .digest('hex');
    expect(appended?.leaf).toBe(leaf);
  });

  it('answers identical bytes with the old position and stores nothing', async () => {
    const all = [batch('a', 1, 'x'), refusal('bad'), entry('enrolment', Buffer.from('e.e.e'))];
    const first = await journal.append(all);
    const again = await journal.append(all);
    expect(again.map(({ position, leaf }) => ({ position, leaf }))).toEqual(
      first.map(({ position, leaf }) => ({ position, leaf })),
    );
    expect(again.map(({ result }) => result)).toEqual(['known', 'known', 'known']);
    expect(again[1]?.code).toBe('VC_SIGNATURE');
    expect(await journal.size()).toBe(3);
  });

  it('keeps what contradicts a stored batch as equivocation, once', async () => {
    await journal.append([batch('a', 1, 'x')]);
    const [forked] = await journal.append([batch('a', 1, 'y')]);
    expect(forked).toMatchObject({
      position: 1,
      result: 'equivocation',
      kind: 'equivocation',
      code: 'IN_FORK',
    });
    const [again, genuine] = await journal.append([batch('a', 1, 'y'), batch('a', 1, 'x')]);
    expect(again).toMatchObject({ position: 1, result: 'known', kind: 'equivocation' });
    expect(genuine).toMatchObject({ position: 0, result: 'known', kind: 'batch' });
    expect(await journal.size()).toBe(2);
  });

  it('tells a fork within one group', async () => {
    const results = await journal.append([batch('a', 1, 'x'), batch('a', 1, 'y')]);
    expect(results.map(({ result }) => result)).toEqual(['stored', 'equivocation']);
  });

  it('does not take the same place in another epoch for a fork', async () => {
    const results = await journal.append([batch('a', 1, 'x', 1), batch('a', 1, 'y', 2)]);
    expect(results.map(({ result }) => result)).toEqual(['stored', 'stored']);
  });

  it('does not let a forged signature stand for the genuine token', async () => {
    const genuine = batch('a', 1, 'x');
    const forged = entry('refusal', Buffer.from('h.a/1/1/x.forged'), { code: 'VC_SIGNATURE' });
    expect(forged.header.digest).toBe(genuine.header.digest);
    await journal.append([forged]);
    expect(await journal.append([genuine])).toMatchObject([{ position: 1, result: 'stored' }]);
    expect(await journal.append([forged])).toMatchObject([{ position: 0, result: 'known' }]);
  });

  it('journals ticks that say the same twice', async () => {
    const tick = entry('tick', Buffer.from('{}'));
    const results = await journal.append([tick, tick]);
    expect(results.map(({ position }) => position)).toEqual([0, 1]);
  });

  it('finds after a restart what it had', async () => {
    await journal.append([batch('a', 1, 'x'), entry('organisation', Buffer.from('{"id":1}'))]);
    await journal.append([entry('rules', Buffer.from('{"routes":[]}'))]);
    await journal.close();
    journal = await open(file);
    expect(journal.found.size).toBe(3);
    expect(journal.found.trust.map(({ position }) => position)).toEqual([1]);
    expect(journal.found.last.map(({ header }) => header.kind)).toEqual(['rules']);
    expect(await journal.append([batch('a', 1, 'x')])).toMatchObject([
      { position: 0, result: 'known' },
    ]);
  });

  it('stores nothing, and says so, while the disk fails; then goes on', async () => {
    await journal.append([batch('a', 1, 'x')]);
    const other = new SqliteDatabase(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(journal.append([batch('a', 2, 'x')])).rejects.toMatchObject({
      code: 'IN_JOURNAL_FAILED',
    });
    expect(await journal.size()).toBe(1);
    other.close();
    expect(await journal.append([batch('a', 2, 'x')])).toMatchObject([{ position: 1 }]);
  });

  it('notices a changed byte', async () => {
    await journal.append([batch('a', 1, 'x'), batch('a', 2, 'x')]);
    const other = new SqliteDatabase(file);
    other.exec(
      "UPDATE entry SET bytes = cast(replace(bytes, 'x', 'y') AS BLOB) WHERE position = 1",
    );
    other.close();
    expect(await journal.read(0, 1)).toHaveLength(1);
    await expect(journal.read(1, 1)).rejects.toMatchObject({
      code: 'IN_JOURNAL_DAMAGED',
      message: 'reading journal entry 1',
    });
  });

  it('shows gaps in the high-water marks', async () => {
    await journal.append([batch('a', 1, 'x'), batch('a', 4, 'x'), batch('b', 2, 'x')]);
    const reader = openJournalReader(file);
    expect(reader.highWater()).toEqual([
      { device: 'a', epochCounter: 1, epochNonce: nonce, sequence: 4, count: 2 },
      { device: 'b', epochCounter: 1, epochNonce: nonce, sequence: 2, count: 1 },
    ]);
    reader.close();
  });
});

describe('journal, any history', () => {
  it('gives each place one effect, whatever comes in whatever order', async () => {
    const message = fc.record({
      device: fc.constantFrom('a', 'b'),
      epoch: fc.integer({ min: 1, max: 2 }),
      sequence: fc.integer({ min: 1, max: 4 }),
      content: fc.constantFrom('x', 'y', 'z'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(message, { maxLength: 8 }), { maxLength: 8 }),
        async (groups) => {
          const own = createLocalJournal(openJournalStore(':memory:'));
          const effective = new Map<string, string>();
          const quarantined = new Set<string>();
          const seen = new Map<string, number>();
          for (const group of groups) {
            const entries = group.map((m) => batch(m.device, m.sequence, m.content, m.epoch));
            const results = await own.append(entries);
            for (const [at, m] of group.entries()) {
              const key = `${m.device}/${m.epoch}/${m.sequence}`;
              const { digest } = (entries[at] as NewEntry).header;
              const before = seen.get(digest);
              if (before !== undefined)
                expect(results[at]).toMatchObject({ result: 'known', position: before });
              else if (effective.has(key)) {
                expect(results[at]?.kind).toBe('equivocation');
                quarantined.add(m.device);
              } else if (quarantined.has(m.device)) {
                expect(results[at]?.kind).toBe('doubtful');
              } else {
                expect(results[at]?.kind).toBe('batch');
                effective.set(key, digest);
              }
              seen.set(digest, results[at]?.position ?? -1);
            }
          }
          const stored = await own.read(0, 1000);
          expect(stored.map(({ position }) => position)).toEqual(stored.map((_, index) => index));
          expect(stored).toHaveLength(seen.size);
          expect(stored.filter(({ header }) => header.kind === 'batch')).toHaveLength(
            effective.size,
          );
          await own.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});
