/**
 * What a gateway's disk does to a device's history as the ingester sees it: a copy that is put
 * back, and batches that gave way. Both halves as they are, over a real outbox file.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { createInlineAdmitter } from '../../../ingest/admitter.ts';
import { DeviceLabels, readLines } from '../../../ingest/api-readings.ts';
import { createIngest } from '../../../ingest/ingest.ts';
import { createLocalJournal } from '../../../ingest/journal.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import type { JournalEntry } from '../../../ingest/store.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import { memorySigner } from '../../support/identity.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { makeWorld, type World, worldMs } from '../../support/trust-world.ts';
import { draftOf, openStore } from '../gateway/support/outbox-world.ts';

let directory = '';
let world: World;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'restored-'));
  world = makeWorld();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

let closedMs = worldMs;

/** Runs a gateway on the file for some batches; the tokens that it would send. */
async function run(file: string, batches: number, copyAt?: { after: number; to: string }) {
  const device = world.device.signer;
  const { db, store } = openStore({ file, devices: [device] });
  for (let index = 0; index < batches; index += 1) {
    closedMs += 1_000;
    await store.append([draftOf(device.did, closedMs, 3, { gateway: world.gateway })]);
    if (index + 1 === copyAt?.after) await db.backup(copyAt.to);
  }
  const tokens = store.peek({ after: 0, count: 1_000 }).map(({ token }) => token);
  store.close();
  return tokens;
}

/** What an ingester makes of credentials that come in this order. */
async function received(tokens: readonly Uint8Array[]) {
  const file = join(directory, `journal-${closedMs}.db`);
  rmSync(file, { force: true });
  const journal = createLocalJournal(openJournalStore(file));
  const failures: unknown[] = [];
  const clock = manualClock(worldMs + 3_600_000);
  const ingest = createIngest({
    ...{ tenant: 'cbp', journal, admitter: createInlineAdmitter('cbp'), clock, log: silentLog },
    signer: memorySigner(),
    reply: async () => undefined,
    wake: () => undefined,
    failed: (error) => failures.push(error),
  });
  await ingest.desk.add([{ name: 'did.json', bytes: world.document() }], false);
  await ingest.desk.add([{ name: 'fc-1.jwt', bytes: await world.enrolment() }], false);
  for (const bytes of tokens) {
    ingest.receive({ bytes, gateway: world.fingerprint, receivedMs: clock.nowMs() });
  }
  await ingest.drain();
  await journal.close();
  expect(failures).toEqual([]);
  const reader = openJournalReader(file);
  const entries: readonly JournalEntry[] = reader.read(0, 100_000);
  const { text } = readLines(reader, new DeviceLabels(reader), { from: 0, count: 100_000 });
  reader.close();
  const lines = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  const folded = new FoldWorld().apply(entries);
  const { did } = world.device.signer;
  return {
    kinds: entries.flatMap(({ header }) => (header.batch ? [header.kind] : [])),
    codes: folded
      .alerts('device', did)
      .map(({ code }) => code)
      .filter((code) => code !== 'CLOCK'),
    state: folded.state('device', did),
    twin: folded.twin('device', did),
    lines: lines as readonly Record<string, unknown>[],
  };
}

describe('a disk that was put back to a copy', () => {
  const file = () => join(directory, 'outbox.db');
  const copy = () => join(directory, 'copy.db');

  it.each([
    ['while the gateway stood still', 0],
    ['while it ran, as a backup in the night does', 3],
  ])('%s: both branches are kept, alerted as a rollback and applied once', async (_, after) => {
    const before = await run(file(), 5, { after: after || 5, to: copy() });
    const first = [...before, ...(after === 0 ? await run(file(), 4) : [])];
    copyFileSync(copy(), file());
    rmSync(`${file()}-wal`, { force: true });
    const second = await run(file(), 4);
    const all = [...first, ...second];
    const distinct = new Set(all.map((token) => Buffer.from(token).toString('latin1')));
    const order = fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), {
      numRuns: 4,
      seed: 5,
    });
    for (const tokens of [all, ...order, [...all, ...all]]) {
      const { codes, kinds, lines, state, twin } = await received(tokens);
      expect(kinds).toEqual(Array.from({ length: distinct.size }, () => 'batch'));
      expect(codes).toEqual(['ROLLBACK']);
      expect(state.doubt).toBeUndefined();
      expect(state.history).toMatchObject({ batches: distinct.size, readings: 3 * distinct.size });
      expect(lines.filter(({ kind }) => kind === 'reading')).toHaveLength(3 * distinct.size);
      expect(twin).not.toHaveProperty('gaps');
    }
  });

  it('while the older one goes on is a copied key, and both are kept', async () => {
    const device = world.device.signer;
    const original = openStore({ file: file(), devices: [device] });
    const say = async ({ store }: typeof original) => {
      closedMs += 1_000;
      const after = store.peek({ after: 0, count: 1_000 }).at(-1)?.id ?? 0;
      await store.append([draftOf(device.did, closedMs, 3, { gateway: world.gateway })]);
      return store.peek({ after, count: 1 }).map(({ token }) => token);
    };
    const tokens = await say(original);
    await original.db.backup(copy());
    const thief = openStore({ file: copy(), devices: [device] });
    for (let turn = 0; turn < 50; turn += 1) {
      tokens.push(...(await say(original)), ...(await say(thief)));
    }
    for (const { store } of [original, thief]) store.close();
    const { codes, kinds, state } = await received(tokens);
    expect(kinds).toHaveLength(101);
    expect(kinds.lastIndexOf('batch')).toBeLessThan(10);
    expect(codes).toEqual(expect.arrayContaining(['CLONED', 'QUARANTINE', 'ROLLBACK']));
    expect(state.doubt?.quarantine?.reason).toContain('had begun');
  });

  it('that was never put back raises nothing, whatever the order', async () => {
    const all = [...(await run(file(), 4)), ...(await run(file(), 3))];
    for (const tokens of [all, [...all].reverse()]) {
      const { codes, twin } = await received(tokens);
      expect(codes).toEqual([]);
      expect(twin).not.toHaveProperty('gaps');
    }
  });

  it('leaves the end of an epoch that is missing exactly named', async () => {
    const first = await run(file(), 5);
    const whole = await run(file(), 2);
    const { codes, twin } = await received([...first.slice(0, 3), ...whole.slice(-2)]);
    expect(codes).toEqual(['GAP']);
    expect(twin.gaps).toMatchObject([{ epoch: 1, from: 4, to: 5 }]);
    expect(twin.attributes['missingBatches']?.value).toBe(2);
  });
});

describe('batches that gave way', () => {
  const bytesMax = limits.batchBytesMax + 60_000;

  async function full(whenFull: 'keep-newest' | 'thin-out') {
    const device = world.device.signer;
    const file = join(directory, `${whenFull}.db`);
    for (let start = 0; start < 3; start += 1) {
      const { store } = openStore({ file, devices: [device], bytesMax, whenFull });
      for (let index = 0; index < 25; index += 1) {
        closedMs += 1_000;
        await store.append([draftOf(device.did, closedMs, 3, { gateway: world.gateway })]);
      }
      store.close();
    }
    const { store } = openStore({ file, devices: [device], bytesMax: 2 ** 30, whenFull });
    await store.append([draftOf(device.did, closedMs + 500, 3, { gateway: world.gateway })]);
    const tokens = store.peek({ after: 0, count: 1_000 }).map(({ token }) => token);
    store.close();
    return tokens;
  }

  it('are accounted for and no open gap, whichever came first', async () => {
    const tokens = await full('keep-newest');
    for (const order of [tokens, [...tokens].reverse()]) {
      const { codes, state, twin } = await received(order);
      expect(codes).toEqual([]);
      const { batches = 0, lost = 0 } = state.history ?? {};
      expect(twin.gaps?.every(({ cause }) => cause === 'given-way')).toBe(true);
      expect(twin.attributes['missingBatches']?.value).toBe(0);
      expect(Number(twin.attributes['lostBatches']?.value) + batches).toBe(76);
      expect(lost).toBe(3 * (76 - batches));
    }
    // Without the batches that say so they are an open gap.
    const silent = tokens.filter((token) => {
      const [, payload = ''] = Buffer.from(token).toString('latin1').split('.');
      return !Buffer.from(payload, 'base64url').includes('given-way');
    });
    const { codes } = await received(silent);
    expect(codes).toEqual(['GAP']);
  });

  it('to aggregates show as these and never as samples', async () => {
    const { codes, lines, state, twin } = await received(await full('thin-out'));
    expect(codes).toEqual([]);
    expect(twin.attributes['missingBatches']?.value).toBe(0);
    expect(twin.gaps?.some(({ cause }) => cause === 'thinned')).toBe(true);
    const sums = lines.filter(({ kind }) => kind === 'aggregate');
    expect(sums.length).toBeGreaterThan(0);
    const stands = sums.reduce((sum, { count }) => sum + Number(count), 0);
    const readings = lines.filter(({ kind }) => kind === 'reading').length;
    expect(stands + readings).toBe(3 * 76);
    expect(state.history).toMatchObject({ readings, lost: 0, thinned: stands });
    for (const sum of sums) {
      expect(Object.keys(sum)).not.toContain('value');
      expect(Number(sum['fromMs'])).toBeLessThan(Number(sum['toMs']));
    }
    // The newest value is that of the newest reading, not the last one of an aggregate.
    for (const cells of state.newest.values()) {
      for (const { element, stamp } of cells.values()) {
        expect(element).toBeGreaterThanOrEqual(0);
        expect(stamp.sequence).toBe(1);
      }
    }
  });
});
