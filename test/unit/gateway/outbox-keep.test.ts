import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { memorySigner } from '../../support/identity.ts';
import { BatchMaker, readingGroups } from '../../support/signed-batch.ts';
import { allBatches, draftOf, openStore, someGateway } from './support/outbox-world.ts';

const NOW = 1_767_225_600_000;

function sensor() {
  const maker = new BatchMaker(memorySigner(), someGateway.did);
  const groups = readingGroups({ fromMs: NOW, times: 1, points: 3 });
  return { did: maker.signer.did, next: () => maker.next(NOW, { groups }) };
}

describe('a batch that its device signed', () => {
  it('is kept byte for byte with its own place, once, and settled like any other', async () => {
    const { store, device } = openStore();
    const own = sensor();
    const token = await own.next();
    const [kept] = await store.append([{ token, witness: device.did }]);
    expect(kept).toEqual({ batches: 1, readings: 3, lossesSigned: 0, dropped: 0 });
    const [again] = await store.append([{ token, witness: device.did }]);
    expect(again).toMatchObject({ batches: 0, readings: 0, dropped: 0 });
    const [row, ...others] = store.peek({ after: 0, count: 10 });
    expect(others).toEqual([]);
    expect(row).toMatchObject({ device: own.did, readings: 3 });
    expect(Buffer.compare(row?.token ?? Buffer.alloc(0), token)).toBe(0);
    expect(store.stats()).toMatchObject({ rows: 1, readings: 3 });
    store.settle([{ digest: row?.digest ?? '', outcome: 'accepted' }]);
    expect(store.stats()).toMatchObject({ rows: 0, readings: 0, bytes: 0 });
  });

  it('is a loss under the key of its witness where there is no room, or the disk changed it', async () => {
    const { db, store, device } = openStore({ bytesMax: 1024 * 1024 });
    const own = sensor();
    await store.append([{ token: await own.next(), witness: device.did }]);
    db.prepare('UPDATE batch SET readings = 2').run();
    expect(store.peek({ after: 0, count: 10 })).toEqual([]);
    await store.append([draftOf(device.did, NOW, 0)]);
    expect(allBatches(store).at(-1)?.losses).toMatchObject([{ cause: 'damaged', count: 3 }]);

    const full = openStore({ bytesMax: limits.batchBytesMax - 1 });
    const [none] = await full.store.append([{ token: await own.next(), witness: full.device.did }]);
    expect(none).toMatchObject({ batches: 0, dropped: 3 });
    await full.store.append([draftOf(full.device.did, NOW, 0)]);
    const { losses } = allBatches(full.store).at(-1) ?? {};
    expect(losses).toMatchObject([{ cause: 'storage-full', count: 3 }]);
  });
});

describe('the messages that samples came in', () => {
  it('are remembered with them in order, known to the next start, and forgotten by name or all', async () => {
    const { db, store, device } = openStore();
    const with_ = (...messages: string[]) => ({ ...draftOf(device.did), messages });
    await store.append([with_('1 a', '2 b'), with_('3 c')]);
    await store.append([with_('1 a')]);
    const known = () => {
      const rows = db.prepare('SELECT name FROM message ORDER BY id').all() as { name: string }[];
      return rows.map(({ name }) => name);
    };
    expect(known()).toEqual(['2 b', '3 c', '1 a']);
    store.forget({ device: device.did, messages: ['3 c', 'never was'] });
    expect(known()).toEqual(['2 b', '1 a']);
    store.forget({ device: 'did:key:another', messages: 'all' });
    expect(known()).toHaveLength(2);
    store.forget({ device: device.did, messages: 'all' });
    expect(known()).toEqual([]);
  });

  it('are so many at most, the newest', async () => {
    const { db, store, device } = openStore();
    const names = Array.from({ length: limits.mqttRememberedMax + 5 }, (_, n) => `${n} x`);
    await store.append([{ ...draftOf(device.did), messages: names }]);
    const rows = db.prepare('SELECT name FROM message ORDER BY id').all() as { name: string }[];
    expect(rows).toHaveLength(limits.mqttRememberedMax);
    expect(rows[0]?.name).toBe('5 x');
  });
});
