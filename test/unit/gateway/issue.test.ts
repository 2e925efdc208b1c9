import { describe, expect, it } from 'vitest';
import type { BatchDraft } from '../../../devices/credential/batch.ts';
import { limits } from '../../../devices/limits.ts';
import type { Loss, ReadingGroup } from '../../../devices/reading.ts';
import { createClockWatch } from '../../../gateway/clock.ts';
import { countReadings } from '../../../gateway/draft.ts';
import { hasRoom, type IssueGate, Issuer } from '../../../gateway/issue.ts';
import { createLossLedger } from '../../../gateway/losses.ts';
import type { Appended, Outbox } from '../../../gateway/outbox.ts';
import { createLocalOutbox } from '../../../gateway/outbox-local.ts';
import { MachineClock, World } from '../../sim/clock.ts';
import { readingGroups } from '../../support/signed-batch.ts';
import { allBatches, draftOf, openStore } from './support/outbox-world.ts';

const START = 1_767_225_600_000;
const loss: Loss = { fromMs: 1, toMs: 2, count: 3, cause: 'timeout' };

function start(
  options: { holdBack?: boolean; flushMs?: number; heartbeatMs?: number; bytesMax?: number } = {},
) {
  const world = new World(START);
  const clock = new MachineClock(world, 0);
  const { bytesMax } = options;
  const { device, store } = openStore(bytesMax === undefined ? {} : { bytesMax });
  const real = createLocalOutbox({ store, clock });
  const drafts: BatchDraft[] = [];
  const held: (() => void)[] = [];
  // The real outbox, except that a test may hold its answers back like a slow disk.
  const outbox: Outbox = {
    ...real,
    async append(draft) {
      drafts.push(draft);
      if (options.holdBack) await new Promise<void>((resolve) => held.push(resolve));
      return real.append(draft);
    },
  };
  const gate: IssueGate = { pending: 0 };
  const appended: Appended[] = [];
  const failures: unknown[] = [];
  const clockWatch = createClockWatch(clock, { source: 'ntp', offsetMs: 2, uncertaintyMs: 5 });
  const { clock: _, closedMs: __, groups: ___, losses: ____, ...head } = draftOf(device.did);
  const issuer = new Issuer({
    flushMs: options.flushMs ?? 250,
    heartbeatMs: options.heartbeatMs ?? 60_000,
    clock,
    clockWatch,
    outbox,
    gate,
    losses: createLossLedger(1_000),
    suppressed: { takeSuppressed: () => 0, giveBack: () => undefined },
    head: () => head,
    onAppended: (result) => appended.push(result),
    onFailure: (error) => failures.push(error),
  });
  const release = () => {
    for (const resolve of held.splice(0)) resolve();
  };
  return { world, clock, store, issuer, drafts, gate, appended, failures, release, outbox };
}

const groups = (times: number, points: number): ReadingGroup[] =>
  readingGroups({ fromMs: START, times, points });

describe('a batch', () => {
  it('closes at once, and goes first, when something in it cannot wait', async () => {
    const t = start();
    void t.issuer.add(groups(1, 3), []);
    void t.issuer.add(groups(1, 1), [], { isUrgent: true });
    expect(t.drafts.map(countReadings)).toEqual([4]);
    void t.issuer.add(groups(1, 2), []);
    await t.world.run(300);
    expect(t.drafts.map(countReadings)).toEqual([4, 2]);
    await t.world.run(limits.outboxCommitMs);
    const rows = t.store.peek({ after: 0, count: 9 });
    expect(rows.map(({ urgent }) => urgent)).toEqual([true, false]);
  });

  it('that cannot wait is closed as soon as the key is free', async () => {
    const t = start({ holdBack: true });
    void t.issuer.add(groups(1, 1), [], { isUrgent: true });
    void t.issuer.add(groups(1, 1), [], { isUrgent: true });
    void t.issuer.add(groups(1, 1), [], { isUrgent: true });
    expect(t.drafts.map(countReadings)).toEqual([1]);
    t.release();
    await t.world.run(limits.outboxCommitMs + 1);
    expect(t.drafts.map(countReadings)).toEqual([1, 2]);
  });

  it('that cannot wait does not wait for an ordinary one that the key has not signed', async () => {
    const t = start({ holdBack: true });
    void t.issuer.add(groups(1, 3), []);
    await t.world.run(300);
    expect(t.drafts.map(countReadings)).toEqual([3]);
    // The outbox lets it pass those of other devices, and takes this one's first.
    void t.issuer.add(groups(1, 1), [], { isUrgent: true });
    expect(t.drafts.map(countReadings)).toEqual([3, 1]);
    expect(t.drafts[1]).toMatchObject({ priority: 'urgent' });
    // Further ones wait for that one, and come together.
    void t.issuer.add(groups(1, 1), [], { isUrgent: true });
    void t.issuer.add(groups(1, 1), [], { isUrgent: true });
    expect(t.drafts).toHaveLength(2);
    t.release();
    await t.world.run(limits.outboxCommitMs + 1);
    expect(t.drafts.map(countReadings)).toEqual([3, 1, 2]);
  });

  it('closes when the flush interval is over, and not before', async () => {
    const t = start();
    let durable = false;
    void t.issuer.add(groups(1, 3), []).then(() => {
      durable = true;
    });
    await t.world.run(100);
    void t.issuer.add(groups(1, 2), []);
    await t.world.run(149);
    expect(t.drafts).toHaveLength(0);
    await t.world.run(1);
    expect(t.drafts.map(countReadings)).toEqual([5]);
    expect(durable).toBe(false);
    await t.world.run(limits.outboxCommitMs);
    expect(durable).toBe(true);
    expect(allBatches(t.store)).toHaveLength(1);
    expect(t.appended).toMatchObject([{ readings: 5, batches: 1 }]);
  });

  it('closes at once at its number of readings', async () => {
    const t = start();
    void t.issuer.add(groups(3, 100), []);
    expect(t.drafts.map(countReadings)).toEqual([200]);
    void t.issuer.add(groups(1, 156), []);
    expect(t.drafts.map(countReadings)).toEqual([200, 256]);
    await t.world.run(300);
    expect(t.drafts).toHaveLength(2);
  });

  it('cuts a sample time that is larger than a batch', async () => {
    const t = start();
    void t.issuer.add(groups(1, 1_000), []);
    await t.world.run(500);
    expect(t.drafts.map(countReadings)).toEqual([250, 250, 250, 250]);
    const points = allBatches(t.store).flatMap((b) => b.groups[0]?.readings.map((r) => r.point));
    expect(points).toEqual(groups(1, 1_000)[0]?.readings.map((r) => r.point));
  });

  it('closes before its credential would be too large', async () => {
    const t = start();
    const long = groups(1, 200).map((group) => ({
      ...group,
      readings: group.readings.map((r) => ({
        ...r,
        value: 'x'.repeat(300),
        rawHex: '78'.repeat(300),
      })),
    }));
    void t.issuer.add(long, []);
    await t.world.run(500);
    expect(t.drafts.length).toBeGreaterThan(3);
    expect(t.drafts.reduce((sum, draft) => sum + countReadings(draft), 0)).toBe(200);
    // The estimate was good enough: none had to be cut where it was signed.
    expect(t.appended.map(({ batches }) => batches)).toEqual(t.drafts.map(() => 1));
  });

  it('is not cut finer than the disk can take', async () => {
    const t = start({ holdBack: true });
    void t.issuer.add(groups(1, 1), []);
    await t.world.run(250);
    for (let times = 0; times < 20; times += 1) {
      void t.issuer.add(groups(1, 1), []);
      await t.world.run(250);
    }
    expect(t.drafts.map(countReadings)).toEqual([1]);
    expect(t.gate.pending).toBe(1);
    t.release();
    await t.world.run(100);
    expect(t.drafts.map(countReadings)).toEqual([1, 20]);
  });

  it('closes soon when its source waits for it', async () => {
    const t = start({ flushMs: 10_000 });
    void t.issuer.add(groups(1, 1), []);
    t.issuer.hurry();
    await t.world.run(limits.hurriedFlushMs);
    expect(t.drafts).toHaveLength(1);
  });

  it('says how its clock did since the batch before', async () => {
    const t = start();
    void t.issuer.add(groups(1, 1), []);
    await t.world.run(300);
    t.clock.step(-3_600_000);
    void t.issuer.add(groups(1, 1), []);
    await t.world.run(300);
    void t.issuer.add(groups(1, 1), []);
    await t.world.run(300);
    const told = { source: 'ntp', toldBy: 'configuration', offsetMs: 2, uncertaintyMs: 5 };
    expect(t.drafts.map(({ clock }) => clock)).toEqual([
      { ...told, monotonicMs: 250, steps: 0 },
      { ...told, monotonicMs: 550, steps: 1 },
      { ...told, monotonicMs: 850, steps: 0 },
    ]);
    expect(t.drafts[1]?.closedMs).toBe(START + 550 - 3_600_000);
  });
});

describe('a heartbeat', () => {
  it('goes out when there was nothing to say for its interval, with the losses', async () => {
    const t = start({ heartbeatMs: 5_000 });
    await t.issuer.add([], [loss]);
    await t.world.run(4_999);
    expect(t.drafts).toHaveLength(0);
    await t.world.run(1);
    expect(t.drafts).toMatchObject([{ groups: [], losses: [loss] }]);
    void t.issuer.add(groups(1, 1), []);
    await t.world.run(5_249);
    expect(t.drafts).toHaveLength(2);
    await t.world.run(1);
    expect(t.drafts.map(countReadings)).toEqual([0, 1, 0]);
  });
});

describe('room', () => {
  it('ends when too many batches wait for the disk, and comes back', async () => {
    const t = start({ holdBack: true });
    const full = limits.outboxPendingReadingsMax / limits.batchReadingsMax;
    for (let count = 0; count < full; count += 1) {
      expect(hasRoom(t.gate)).toBe(true);
      void t.issuer.add(groups(1, limits.batchReadingsMax), []);
    }
    expect(hasRoom(t.gate)).toBe(false);
    t.release();
    await t.world.run(1_000);
    expect(hasRoom(t.gate)).toBe(true);
  });
});

describe('stopping', () => {
  it('signs what is open and every loss that waits', async () => {
    const t = start();
    void t.issuer.add(groups(1, 2), []);
    for (let index = 0; index < limits.batchLossesMax + 1; index += 1) {
      void t.issuer.add([], [{ ...loss, fromMs: index * 10_000, toMs: index * 10_000 }]);
    }
    const stopped = t.issuer.stop();
    await t.world.run(100);
    await stopped;
    expect(t.drafts.map((draft) => draft.losses.length)).toEqual([limits.batchLossesMax, 1]);
    expect(allBatches(t.store)).toHaveLength(2);
    await t.world.run(200_000);
    expect(t.drafts).toHaveLength(2);
  });
});

describe('stopping with an outbox that is full', () => {
  it('says how many readings it had no room for, in a batch without any', async () => {
    const t = start({ bytesMax: 1 });
    for (let count = 0; count < 3; count += 1) {
      void t.issuer.add(groups(1, 2), []);
      await t.world.run(1_000);
    }
    const before = allBatches(t.store).flatMap(({ losses }) => losses);
    expect(before.reduce((sum, { count }) => sum + count, 0)).toBeLessThan(6);
    const stopped = t.issuer.stop();
    await t.world.run(1_000);
    await stopped;
    const losses = allBatches(t.store).flatMap((batch) => batch.losses);
    expect(new Set(losses.map(({ cause }) => cause))).toEqual(new Set(['storage-full']));
    expect(losses.reduce((sum, { count }) => sum + count, 0)).toBe(6);
  });
});

describe('an outbox that fails', () => {
  it('is reported, and nobody is told that readings are durable', async () => {
    const t = start();
    t.store.close();
    const added = t.issuer.add(groups(1, 1), []);
    const outcome = expect(added).rejects.toThrow();
    await t.world.run(500);
    await outcome;
    expect(t.failures).toHaveLength(1);
    expect(t.appended).toEqual([]);
  });
});
