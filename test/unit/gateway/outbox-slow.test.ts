import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { createLocalOutbox } from '../../../gateway/outbox-local.ts';
import { MachineClock, World } from '../../sim/clock.ts';
import { memorySigner } from '../../support/identity.ts';
import { BatchMaker, readingGroups } from '../../support/signed-batch.ts';
import { SlowToken } from '../../support/slow-signer.ts';
import { allBatches, draftOf, openStore, someGateway } from './support/outbox-world.ts';

const START = 1_767_225_600_000;
const SIGN_MS = 50;

function start(devices = 1, options: { file?: string; bytesMax?: number } = {}) {
  const world = new World(START);
  const clock = new MachineClock(world, 0);
  const token = new SlowToken(clock, SIGN_MS);
  const keys = Array.from({ length: devices }, () => memorySigner());
  const opened = openStore({ ...options, devices: keys.map((key) => token.hold(key)) });
  const outbox = createLocalOutbox({ store: opened.store, clock });
  return { ...opened, world, clock, token, outbox, dids: keys.map(({ did }) => did) };
}

/** What a promise has come to by now, without waiting for it. */
function watch<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const seen: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => {
      seen.value = value;
    },
    (error: unknown) => {
      seen.error = error;
    },
  );
  return seen;
}

describe('an outbox whose key takes 50 ms a signature', () => {
  it('answers all else at once, and makes each batch durable when it is signed', async () => {
    const t = start();
    const [did = ''] = t.dids;
    const appended = Array.from({ length: 20 }, () => watch(t.outbox.append(draftOf(did))));
    await t.world.run(limits.outboxCommitMs + 3 * SIGN_MS + 1);
    expect(appended.filter(({ value }) => value).length).toBe(3);
    // In the middle of the fourth signature: nothing of what follows waits for it.
    const [stats, rows] = [watch(t.outbox.stats()), watch(t.outbox.peek({ after: 0, count: 9 }))];
    await t.world.run(0);
    expect(stats.value).toMatchObject({ rows: 3 });
    expect(rows.value).toHaveLength(3);
    const digest = rows.value?.[0]?.digest ?? '';
    const settled = watch(t.outbox.settle([{ digest, outcome: 'accepted' }]));
    await t.world.run(0);
    expect(settled.value).toEqual({ accepted: 3, refused: 0 });
    await t.world.run(17 * SIGN_MS);
    expect(appended.every(({ value }) => value?.readings === 3)).toBe(true);
    const batches = allBatches(t.store);
    expect(batches.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 19 }, (_, index) => index + 2),
    );
    for (const [index, batch] of batches.slice(1).entries()) {
      expect(batch.previous?.digest).toBe(batches[index]?.digest);
    }
  });

  it('signs what is urgent next, after what its own device has before the key', async () => {
    const t = start(40);
    const [busy = '', alarmed = '', other = ''] = [t.dids[0], t.dids[30], t.dids[35]];
    const ordinary = t.dids.map((did) => watch(t.outbox.append(draftOf(did))));
    const last = watch(t.outbox.append(draftOf(busy)));
    // In the midst of the second signature.
    await t.world.run(limits.outboxCommitMs + SIGN_MS + 10);
    const urgent = (did: string) => t.outbox.append({ ...draftOf(did), priority: 'urgent' });
    const first = watch(urgent(alarmed));
    const second = watch(urgent(other));
    const behind = watch(t.outbox.append(draftOf(alarmed)));
    await t.world.run(3 * SIGN_MS);
    expect([first.value?.batches, ordinary[30]?.value?.batches]).toEqual([1, 1]);
    await t.world.run(2 * SIGN_MS);
    expect([second.value?.batches, ordinary[35]?.value?.batches]).toEqual([1, 1]);
    expect(ordinary.filter(({ value }) => value)).toHaveLength(4);
    expect([last.value, behind.value]).toEqual([undefined, undefined]);
    // Nothing is lost or signed twice, and each device's order is that in which it was asked.
    await t.world.run(50 * SIGN_MS);
    expect([...ordinary, last, behind].every(({ value }) => value?.batches === 1)).toBe(true);
    const of = (did: string) => allBatches(t.store).filter(({ device }) => device === did);
    expect(allBatches(t.store)).toHaveLength(44);
    expect(of(alarmed).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    const rows = t.store.peek({ after: 0, count: 99 }).filter((row) => row.device === alarmed);
    expect(rows.map((row) => row.urgent)).toEqual([false, true, false]);
  });

  it('keeps what devices signed themselves without waiting for a key', async () => {
    const t = start();
    const [did = ''] = t.dids;
    const slow = Array.from({ length: 10 }, () => watch(t.outbox.append(draftOf(did))));
    await t.world.run(limits.outboxCommitMs + 1);
    const groups = readingGroups({ fromMs: START, times: 1, points: 3 });
    const own = await new BatchMaker(memorySigner(), someGateway.did).next(START, { groups });
    const kept = watch(t.outbox.keep({ token: own, witness: did }));
    await t.world.run(limits.outboxCommitMs + 1);
    expect(kept.value).toMatchObject({ batches: 1 });
    expect(slow.filter(({ value }) => value)).toHaveLength(0);
    await t.world.run(10 * SIGN_MS);
    expect(slow.every(({ value }) => value)).toBe(true);
  });

  it('commits together what a fast key signs together', async () => {
    const t = start();
    const fast = openStore();
    const outbox = createLocalOutbox({ store: fast.store, clock: t.clock });
    let commits = 0;
    const append = fast.store.append.bind(fast.store);
    fast.store.append = (...given) => {
      commits += 1;
      return append(...given);
    };
    const done = Array.from({ length: 50 }, () => watch(outbox.append(draftOf(fast.device.did))));
    await t.world.run(limits.outboxCommitMs + 1);
    expect(done.every(({ value }) => value)).toBe(true);
    expect(commits).toBe(1);
  });

  it('says every loss once, also one that happens while another is signed', async () => {
    const t = start();
    const [did = ''] = t.dids;
    const insert = `INSERT INTO loss (device, cause, from_ms, to_ms, count)
      VALUES (?, 'damaged', ?, ?, ?) ON CONFLICT DO UPDATE SET
      from_ms = min(from_ms, excluded.from_ms), to_ms = max(to_ms, excluded.to_ms),
      count = count + excluded.count`;
    t.db.prepare(insert).run(did, START - 900, START - 800, 4);
    const first = watch(t.outbox.append(draftOf(did)));
    await t.world.run(limits.outboxCommitMs + 10);
    // The batch under way says four; three more are found damaged now.
    t.db.prepare(insert).run(did, START - 500, START - 400, 3);
    await t.world.run(SIGN_MS);
    expect(first.value).toMatchObject({ lossesSigned: 4 });
    const second = watch(t.outbox.append(draftOf(did)));
    await t.world.run(limits.outboxCommitMs + SIGN_MS);
    expect(second.value).toMatchObject({ lossesSigned: 3 });
    const third = watch(t.outbox.append(draftOf(did)));
    await t.world.run(limits.outboxCommitMs + SIGN_MS);
    expect(third.value).toMatchObject({ lossesSigned: 0 });
    const told = allBatches(t.store).flatMap(({ losses }) => losses);
    expect(told.map(({ count }) => count)).toEqual([4, 3]);
    expect(told[1]?.fromMs).toBeLessThanOrEqual(START - 500);
    expect(told[1]?.toMs).toBeGreaterThanOrEqual(START - 400);
  });

  it('shows nobody a batch whose place was taken while it was signed, and stops', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'outbox-slow-'));
    const file = join(directory, 'outbox.db');
    const t = start(1, { file });
    const [did = ''] = t.dids;
    const first = watch(t.outbox.append(draftOf(did)));
    await t.world.run(limits.outboxCommitMs + SIGN_MS);
    expect(first.value).toMatchObject({ batches: 1 });
    const second = watch(t.outbox.append(draftOf(did)));
    await t.world.run(limits.outboxCommitMs + 10);
    // A copy of this gateway writes to the same disk, which the lock of the directory prevents.
    t.db.prepare('UPDATE device SET sequence = 2, last_digest = ? WHERE did = ?').run('other', did);
    await t.world.run(SIGN_MS);
    expect(String(second.error)).toMatch(/went on while its next batch was signed/);
    expect(allBatches(t.store)).toHaveLength(1);
    const after = watch(t.outbox.append(draftOf(did)));
    await t.world.run(limits.outboxCommitMs + SIGN_MS);
    expect(String(after.error)).toMatch(/went on while/);
    t.store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('counts what is signed and not committed when it looks whether there is room', async () => {
    const room = 3 * limits.batchBytesMax;
    const t = start(1, { bytesMax: room });
    const [did = ''] = t.dids;
    const drafts = Array.from({ length: 64 }, () => draftOf(did, START, 200));
    const results = t.store.append(drafts);
    await t.world.run(64 * SIGN_MS + 100);
    const appended = await results;
    expect(t.store.stats().bytes).toBeLessThanOrEqual(room);
    expect(appended.some(({ dropped }) => dropped > 0)).toBe(true);
    expect(appended.some(({ readings }) => readings > 0)).toBe(true);
  });

  it('forgets messages after what was asked before, and ends when all is signed', async () => {
    const t = start();
    const [did = ''] = t.dids;
    const draft = { ...draftOf(did), messages: ['one', 'two'] };
    const all = [watch(t.outbox.append(draft)), watch(t.outbox.append(draftOf(did)))];
    const forgotten = watch(t.outbox.forget({ device: did, messages: ['one'] }));
    const last = watch(t.outbox.append({ ...draftOf(did), messages: ['three'] }));
    await t.world.run(limits.outboxCommitMs + 2 * SIGN_MS + 1);
    expect(all.every(({ value }) => value)).toBe(true);
    expect('value' in forgotten).toBe(true);
    const marks = watch(t.outbox.marks());
    await t.world.run(SIGN_MS + 1);
    expect(last.value).toMatchObject({ batches: 1 });
    expect(marks.value?.[0]?.messages).toEqual(['two']);
    const closed = watch(t.outbox.close());
    await t.world.run(1);
    expect('value' in closed).toBe(true);
  });
});
