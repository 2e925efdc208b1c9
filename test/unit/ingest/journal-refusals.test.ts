/** Refusals beyond what the journal keeps are counted, and the counts are kept. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../devices/io/sqlite.ts';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { type CountedRefusals, refusalSchema } from '../../../ingest/journal-refusals.ts';
import { journalSchema } from '../../../ingest/journal-schema.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import type { NewEntry } from '../../../ingest/store.ts';

const bounds = { gatewayDayBytes: 10_000, totalBytes: 25_000 };
const DAY_MS = 86_400_000;
const startMs = 20_000 * DAY_MS;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bondline-refusals-'));
  file = join(folder, 'journal.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function refusal(name: string, gateway = 'g', receivedMs = startMs, code = 'VC_FORM'): NewEntry {
  const bytes = Buffer.from(name.padEnd(2_000));
  const digest = digestMultibase(bytes);
  const said = { code, reason: 'a test' };
  return {
    header: { version: 1, tenant: 't', kind: 'refusal', receivedMs, digest, gateway, ...said },
    bytes,
  };
}

function tick(receivedMs: number): NewEntry {
  const bytes = Buffer.from('{}');
  const digest = digestMultibase(bytes);
  return { header: { version: 1, tenant: 't', kind: 'tick', receivedMs, digest }, bytes };
}

const many = (count: number, gateway = 'g', receivedMs = startMs) =>
  Array.from({ length: count }, (_, at) => refusal(`${gateway} ${at}`, gateway, receivedMs));

function summaries(store: ReturnType<typeof openJournalStore>): CountedRefusals[] {
  const entries = store.read(0, 10_000).filter(({ header }) => header.kind === 'refusals');
  return entries.flatMap(
    ({ bytes }) =>
      (JSON.parse(Buffer.from(bytes).toString()) as { refused: CountedRefusals[] }).refused,
  );
}

describe('refusals in the journal', () => {
  it('are kept up to the bound of a gateway and day, and counted from there on', () => {
    const store = openJournalStore(file, bounds);
    const results = store.append(many(6)).map(({ result }) => result);
    expect(results).toEqual([...Array(4).fill('stored'), 'counted', 'counted']);
    expect(store.size()).toBe(4);
    // Another day, or another gateway, has a bound of its own.
    expect(store.append(many(1, 'h'))[0]?.result).toBe('stored');
    const next = store.append(many(1, 'g', startMs + DAY_MS));
    expect(next[0]?.result).toBe('known');
    expect(store.append([refusal('new', 'g', startMs + DAY_MS)])[0]?.result).toBe('stored');
    store.close();
  });

  it('are kept up to the bound of all', () => {
    const store = openJournalStore(file, bounds);
    const results = ['a', 'b', 'c', 'd', 'e'].flatMap((name) => store.append(many(3, name)));
    const kept = results.filter(({ result }) => result === 'stored').length;
    expect(kept).toBe(11);
    expect(results.at(-1)?.result).toBe('counted');
    store.close();
  });

  it('become an entry that says who, why, how many and from when to when', () => {
    const store = openJournalStore(file, bounds);
    const all = many(7);
    store.append(all);
    store.append([refusal('later', 'g', startMs + 5_000)]);
    store.append([refusal('other', 'g', startMs + 6_000, 'VC_SIGNATURE')]);
    store.append([tick(startMs + limits.refusalSummaryMs - 1)]);
    expect(summaries(store)).toEqual([]);
    const dueMs = startMs + limits.refusalSummaryMs;
    const [appended] = store.append([tick(dueMs)]);
    // The lane to the journal learns that there is one more entry.
    expect(appended?.act).toBe(store.size() - 1);
    const counted = [...all.slice(4), refusal('later')];
    const chain = counted.reduce<Buffer>(
      (before, { header }) => createHash('sha256').update(before).update(header.digest).digest(),
      Buffer.alloc(0),
    );
    const form = { gateway: 'g', code: 'VC_FORM', count: 4, digests: chain.toString('hex') };
    const [first, second] = summaries(store);
    expect(first).toEqual({ ...form, fromMs: startMs, toMs: startMs + 5_000 });
    expect(second).toMatchObject({ code: 'VC_SIGNATURE', count: 1, fromMs: startMs + 6_000 });
    store.append([tick(dueMs + 2 * limits.refusalSummaryMs)]);
    expect(summaries(store).length).toBe(2);
    store.close();
  });

  it('are remembered over a restart, counts and sums alike', () => {
    const before = openJournalStore(file, bounds);
    before.append(many(6));
    before.close();
    const store = openJournalStore(file, bounds);
    expect(store.append([refusal('more')])[0]?.result).toBe('counted');
    store.append([tick(startMs + limits.refusalSummaryMs)]);
    expect(summaries(store)).toMatchObject([{ count: 3 }]);
    store.close();
  });

  it('count those that an older version stored', () => {
    const version = journalSchema.indexOf(refusalSchema);
    const old = openDatabase(file, { schema: journalSchema.slice(0, version) });
    const entry = old.prepare("INSERT INTO entry VALUES (?, '{}', ?, ?)");
    const rare = old.prepare("INSERT INTO rare VALUES ('refusal', ?, NULL)");
    for (let at = 0; at < 3; at += 1) {
      entry.run(at, Buffer.alloc(32), Buffer.alloc(8_000));
      rare.run(at);
    }
    old.close();
    const store = openJournalStore(file, bounds);
    expect(store.append([refusal('one more')])[0]?.result).toBe('counted');
    store.close();
  });

  it('fill no table with names that anybody may choose', () => {
    const store = openJournalStore(file, { gatewayDayBytes: 0, totalBytes: 0 });
    const names = limits.refusalRowsMax + 5;
    const entries = Array.from({ length: names }, (_, at) => refusal('x', `g${at}`));
    store.append(entries);
    store.append([tick(startMs + limits.refusalSummaryMs)]);
    const told = summaries(store);
    expect(told.length).toBe(limits.refusalRowsMax + 1);
    expect(told.find(({ gateway }) => gateway === 'others')?.count).toBe(5);
    store.close();
  });
});
