import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import type { ReadingGroup } from '../../../devices/reading.ts';
import { memorySigner } from '../../support/identity.ts';
import { allBatches, draftOf, openBatch, openStore } from './support/outbox-world.ts';

let directory = '';
let file = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'outbox-'));
  file = join(directory, 'outbox.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a device’s history', () => {
  it('counts from 1 and names the batch before', async () => {
    const { device, store } = openStore();
    await store.append([draftOf(device.did), draftOf(device.did)]);
    await store.append([draftOf(device.did)]);
    const batches = allBatches(store);
    expect(batches.map((b) => [b.epoch.counter, b.sequence])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
    expect(batches[0]).not.toHaveProperty('previous');
    expect(batches[0]?.epoch).not.toHaveProperty('follows');
    for (const [index, batch] of batches.slice(1).entries()) {
      expect(batch.previous).toEqual({ id: batches[index]?.id, digest: batches[index]?.digest });
    }
    expect(new Set(batches.map((b) => b.epoch.nonce)).size).toBe(1);
  });

  it('goes on in a new epoch after a restart, behind the last digest, though its row is gone', async () => {
    const first = openStore({ file });
    await first.store.append([draftOf(first.device.did)]);
    const [last] = allBatches(first.store);
    first.store.settle([{ digest: last?.digest ?? '', outcome: 'accepted' }]);
    first.store.close();
    const second = openStore({ file, devices: [first.device] });
    expect(second.store.stats().rows).toBe(0);
    await second.store.append([draftOf(first.device.did)]);
    const [batch] = allBatches(second.store);
    expect(batch).toMatchObject({
      epoch: { counter: 2, follows: last?.digest },
      sequence: 1,
      previous: { id: last?.id, digest: last?.digest },
    });
    expect(batch?.epoch.nonce).not.toBe(last?.epoch.nonce);
    second.store.close();
  });

  it('of a restored disk is a second epoch behind one digest, never a reused place', async () => {
    const first = openStore({ file });
    await first.store.append([draftOf(first.device.did)]);
    await first.db.backup(join(directory, 'copy.db'));
    first.store.close();
    const places: string[] = [];
    const follows: unknown[] = [];
    for (const name of ['outbox.db', 'copy.db']) {
      const again = openStore({ file: join(directory, name), devices: [first.device] });
      await again.store.append([draftOf(first.device.did)]);
      const batch = allBatches(again.store).at(-1);
      places.push(`${batch?.epoch.counter} ${batch?.epoch.nonce} ${batch?.sequence}`);
      follows.push(batch?.epoch.follows);
      again.store.close();
    }
    expect(follows[0]).toBe(follows[1]);
    expect(places[0]).not.toBe(places[1]);
  });

  it('does not move when the transaction fails, and nothing of it is kept', async () => {
    const { device, store } = openStore();
    await store.append([draftOf(device.did)]);
    const stranger = memorySigner();
    const both = [draftOf(device.did), draftOf(stranger.did)];
    await expect(store.append(both)).rejects.toThrow(/no key/);
    expect(store.stats()).toMatchObject({ rows: 1, readings: 3 });
    await store.append([draftOf(device.did)]);
    // The second place of the first epoch was signed for and is never signed for again.
    expect(allBatches(store).map((b) => [b.epoch.counter, b.sequence])).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  it('says where it ended, for the loss of the time between', async () => {
    const first = openStore({ file });
    await first.store.append([draftOf(first.device.did, 5_000_000)]);
    expect(first.store.marks()).toMatchObject([{ lastMs: 4_999_993 }]);
    first.store.close();
    const second = openStore({ file, devices: [first.device] });
    const [mark] = second.store.marks();
    expect(mark).toMatchObject({ device: first.device.did, lastMs: 5_000_000 - 7 });
    second.store.close();
  });
});

describe('rows', () => {
  it('go when a receipt accepts or refuses them, and only those', async () => {
    const { db, device, store } = openStore();
    await store.append([1, 2, 3].map((points) => draftOf(device.did, undefined, points)));
    const [one, two, three] = allBatches(store).map((b) => b.digest);
    const settled = store.settle([
      { digest: one ?? '', outcome: 'accepted' },
      { digest: two ?? '', outcome: 'refused', code: 'VC_SCHEMA' },
      { digest: 'uEiUnknown', outcome: 'accepted' },
      { digest: one ?? '', outcome: 'accepted' },
    ]);
    expect(settled).toEqual({ accepted: 1, refused: 2 });
    expect(allBatches(store).map((b) => b.digest)).toEqual([three]);
    expect(store.stats()).toMatchObject({ rows: 1, readings: 3, lastId: 3 });
    expect(db.prepare('SELECT device, code, batches, readings FROM refusal').all()).toEqual([
      { device: device.did, code: 'VC_SCHEMA', batches: 1, readings: 2 },
    ]);
  });

  it('are looked at by position, by device, and without devices', async () => {
    const [a, b] = [memorySigner(), memorySigner()];
    const { store } = openStore({ devices: [a, b] });
    await store.append([a, b, a, b].map(({ did }) => draftOf(did)));
    const ids = (request: Parameters<typeof store.peek>[0]) => store.peek(request).map((r) => r.id);
    expect(ids({ after: 1, count: 2 })).toEqual([2, 3]);
    expect(ids({ after: 0, upTo: 3, count: 9 })).toEqual([1, 2, 3]);
    expect(ids({ after: 1, device: a.did, count: 9 })).toEqual([3]);
    expect(ids({ after: 0, except: [{ device: a.did }], count: 9 })).toEqual([2, 4]);
    expect(ids({ after: 4, count: 9 })).toEqual([]);
    await store.append([a, b].map(({ did }) => draftOf(did, 2_000_000_000_000)));
    const late = { device: a.did, closedFromMs: 2_000_000_000_000 };
    expect(ids({ after: 0, except: [late], count: 9 })).toEqual([1, 2, 3, 4, 6]);
    expect(ids({ after: 0, ...late, count: 9 })).toEqual([5]);
    expect(ids({ after: 0, device: a.did, except: [late], count: 9 })).toEqual([1, 3]);
  });

  it('are marked as urgent by their draft, and are found by that', async () => {
    const [a, b] = [memorySigner(), memorySigner()];
    const { store } = openStore({ devices: [a, b] });
    const urgent = (did: string) => ({ ...draftOf(did), priority: 'urgent' as const });
    await store.append([draftOf(a.did), urgent(a.did), urgent(b.did), draftOf(b.did)]);
    const ids = (request: Parameters<typeof store.peek>[0]) => store.peek(request).map((r) => r.id);
    expect(store.peek({ after: 0, count: 9 }).map((row) => row.urgent)).toEqual([
      ...[false, true, true, false],
    ]);
    expect(ids({ after: 0, urgent: true, count: 9 })).toEqual([2, 3]);
    expect(ids({ after: 2, urgent: true, count: 9 })).toEqual([3]);
    expect(ids({ after: 0, urgent: true, except: [{ device: a.did }], count: 9 })).toEqual([3]);
  });

  it('never get an id again that was given out', async () => {
    const { device, store } = openStore();
    await store.append([draftOf(device.did)]);
    for (const { digest } of allBatches(store)) store.settle([{ digest, outcome: 'accepted' }]);
    await store.append([draftOf(device.did)]);
    expect(store.peek({ after: 0, count: 1 })[0]?.id).toBe(2);
  });

  it('that the disk changed are not sent; a signed loss takes their place', async () => {
    const columns = {
      token: `CAST(replace(CAST(token AS TEXT), 'A', 'B') AS BLOB)`,
      digest: `'uEi' || substr(digest, 3)`,
      readings: 'readings + 1',
      sequence: 'sequence + 1',
      to_ms: 'to_ms + 1',
    };
    for (const [column, change] of Object.entries(columns)) {
      const { db, device, store } = openStore();
      await store.append([1, 2, 3].map(() => draftOf(device.did)));
      db.exec(`UPDATE batch SET ${column} = ${change} WHERE id = 2`);
      expect(
        store.peek({ after: 0, count: 2 }).map((r) => r.id),
        column,
      ).toEqual([1, 3]);
      expect(store.stats().damaged).toBe(1);
      expect(store.stats().rows).toBe(2);
      await store.append([draftOf(device.did)]);
      const last = allBatches(store).at(-1);
      expect(last?.losses, column).toMatchObject([{ cause: 'damaged' }]);
      expect(last?.sequence).toBe(4);
      store.close();
    }
  });
});

describe('a batch that is too large', () => {
  const text = (length: number): ReadingGroup => ({
    timeMs: 1_767_225_600_000,
    readings: Array.from({ length }, (_, index) => ({
      point: `point${index}`,
      type: 'bl:Text',
      unit: '',
      value: 'x'.repeat(2_000),
      rawHex: '78'.repeat(2_000),
      quality: 'good' as const,
    })),
  });

  it('becomes several, in order, with every reading once and the losses at the end', async () => {
    const { device, store } = openStore();
    const loss = { fromMs: 1, toMs: 2, count: 5, cause: 'timeout' } as const;
    const draft = draftOf(device.did, undefined, 0, { groups: [text(40)], losses: [loss] });
    const [appended] = await store.append([draft]);
    const batches = allBatches(store);
    expect(appended).toMatchObject({ readings: 40, batches: batches.length, lossesSigned: 5 });
    expect(batches.length).toBeGreaterThan(1);
    const points = batches.flatMap((b) => b.groups.flatMap((g) => g.readings.map((r) => r.point)));
    expect(points).toEqual(text(40).readings.map((r) => r.point));
    expect(batches.map((b) => b.losses.length)).toEqual([...batches.slice(1).map(() => 0), 1]);
    for (const { token } of store.peek({ after: 0, count: 99 })) {
      expect(token.length).toBeLessThanOrEqual(limits.batchBytesMax);
    }
  });
});

describe('a full outbox', () => {
  it('keeps what it has, counts what it drops, and signs that when there is room again', async () => {
    const bytesMax = limits.batchBytesMax + 10_000;
    const { device, store } = openStore({ bytesMax });
    const closed = 1_767_225_600_000;
    let kept = 0;
    for (; kept < 100; kept += 1) {
      const [appended] = await store.append([draftOf(device.did, closed + kept, 10)]);
      if (appended?.dropped === 10) break;
    }
    expect(kept).toBeGreaterThan(1);
    // The first two that were dropped are told at once, in batches without readings.
    expect(store.stats()).toMatchObject({ rows: kept + 1, readings: 10 * kept });
    const lost = { fromMs: 5, toMs: 6, count: 7, cause: 'timeout' } as const;
    await store.append([draftOf(device.did, closed + 200, 10, { losses: [lost] })]);
    await store.append([draftOf(device.did, closed + 250, 10)]);

    const rows = store.peek({ after: 0, count: 99 });
    store.settle(rows.map(({ digest }) => ({ digest, outcome: 'accepted' })));
    expect(openBatch(rows.at(-1)?.token ?? Buffer.alloc(0)).losses).toMatchObject([
      { cause: 'storage-full', count: 10 },
      lost,
    ]);
    const [appended] = await store.append([draftOf(device.did, closed + 300, 10)]);
    expect(appended).toMatchObject({ dropped: 0, readings: 10, lossesSigned: 10 });
    const [batch] = allBatches(store);
    expect(batch?.sequence).toBe(kept + 3);
    expect(batch?.losses).toHaveLength(1);
    const full = batch?.losses.find(({ cause }) => cause === 'storage-full');
    expect(full).toMatchObject({ count: 10 });
    expect(full?.fromMs).toBeLessThanOrEqual(closed + 250 - 10);
    expect(full?.toMs).toBeGreaterThanOrEqual(closed + 250 - 7);
  });

  it('still says so in heartbeats, from a reserve that is bounded', async () => {
    const { device, store } = openStore({ bytesMax: 1 });
    const dropped = { dropped: 3, readings: 0 };
    const says = async () => (await store.append([draftOf(device.did)]))[0];
    expect(await says()).toMatchObject({ ...dropped, batches: 1, lossesSigned: 3 });
    expect(await says()).toMatchObject({ ...dropped, batches: 1, lossesSigned: 3 });
    // Later ones say so when as many again were dropped, so that the reserve lasts.
    expect(await says()).toMatchObject({ ...dropped, batches: 0, lossesSigned: 0 });
    const [beat] = await store.append([draftOf(device.did, undefined, 0)]);
    expect(beat).toMatchObject({ batches: 1, lossesSigned: 3 });
    while (store.stats().bytes <= limits.outboxReserveBytes) {
      await store.append(Array.from({ length: 50 }, () => draftOf(device.did, undefined, 0)));
    }
    const [over] = await store.append([draftOf(device.did, undefined, 0)]);
    expect(over?.batches).toBe(0);
  });

  it('on a full disk loses nothing that was kept, and says later what was not', async () => {
    const { db, device, store } = openStore({ file });
    await store.append([draftOf(device.did)]);
    const pages = Number(db.pragma('page_count', { simple: true }));
    db.pragma(`max_page_count = ${pages}`);
    let dropped = 0;
    for (let tries = 0; tries < 50 && dropped === 0; tries += 1) {
      const [appended] = await store.append([draftOf(device.did, undefined, 20)]);
      dropped = appended?.dropped ?? 0;
    }
    expect(dropped).toBe(20);
    await store.append([draftOf(device.did, undefined, 20)]);
    const before = allBatches(store).length;
    db.pragma('max_page_count = 1000000');
    const [appended] = await store.append([draftOf(device.did)]);
    expect(appended).toMatchObject({ readings: 3, dropped: 0, lossesSigned: 40 });
    const batches = allBatches(store);
    expect(batches).toHaveLength(before + 1);
    expect(batches.slice(0, -1).map((b) => b.sequence)).toEqual(
      batches.slice(1).map((_, i) => i + 1),
    );
    const last = batches.at(-1);
    expect(last).toMatchObject({ sequence: 1, previous: { digest: batches.at(-2)?.digest } });
    expect(last?.epoch.after).toMatchObject({ counter: 1, sequence: before });
    expect(last?.losses).toMatchObject([{ cause: 'storage-full', count: 40 }]);
    store.close();
  });
});
