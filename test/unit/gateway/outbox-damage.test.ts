/** A disk that changes what was stored: nothing wrong is sent, and a signed loss tells of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import type { Loss } from '../../../devices/reading.ts';
import { hashOfHead, hashRow } from '../../../gateway/outbox-tables.ts';
import { memorySigner } from '../../support/identity.ts';
import {
  allBatches,
  draftOf,
  openBatch,
  openStore,
  type StoreWorld,
} from './support/outbox-world.ts';

const START = 1_767_225_600_000;
/** Readings of each of five batches, none like another. */
const READINGS = [3, 4, 5, 6, 7] as const;

async function filled(): Promise<StoreWorld & { readonly digests: readonly string[] }> {
  const world = openStore();
  const { device, store } = world;
  await store.append(
    READINGS.map((count, index) => draftOf(device.did, START + 1_000 * index, count)),
  );
  return { ...world, digests: allBatches(store).map(({ digest }) => digest) };
}

/** What is signed as damaged by the batch that comes next. */
async function told({ device, store }: StoreWorld): Promise<readonly Loss[]> {
  store.peek({ after: 0, count: 100 });
  await store.append([draftOf(device.did, START + 60_000)]);
  const losses = allBatches(store).at(-1)?.losses ?? [];
  expect(losses.every(({ cause }) => cause === 'damaged')).toBe(true);
  return losses;
}

const rotten = `CAST(replace(CAST(token AS TEXT), 'A', 'B') AS BLOB)`;
const third = { counter: 1, first: 3, last: 3 };
const span = { fromMs: START + 1_990, toMs: START + 1_993 };

describe('a damaged batch', () => {
  it('is told by its token where that still verifies, whatever its columns say', async () => {
    const changes = [
      'readings = 250',
      'to_ms = 1',
      'sequence = 9',
      'epoch = 7',
      'bytes = 1',
      `device = 'x'`,
    ];
    for (const change of changes) {
      const world = await filled();
      world.db.exec(`UPDATE batch SET ${change}, head = x'00' WHERE id = 3`);
      const [loss, ...others] = await told(world);
      expect(others, change).toEqual([]);
      expect(loss, change).toMatchObject({
        count: 5,
        batches: { ...third, digest: world.digests[2] },
      });
      expect(loss?.estimated, change).toBeUndefined();
      expect(world.store.stats().devices).toEqual({
        [world.device.did]: { rows: 5, readings: 23 },
      });
    }
  });

  it('is told by its columns where only its token is damaged', async () => {
    const world = await filled();
    world.db.exec(`UPDATE batch SET token = ${rotten} WHERE id = 3`);
    const [loss] = await told(world);
    expect(loss).toMatchObject({ count: 5, batches: { ...third, digest: world.digests[2] } });
    expect(loss?.estimated).toBeUndefined();
  });

  it('of which nothing is left is guessed by those beside it, and said to be a guess', async () => {
    for (const change of ['readings = 250', 'from_ms = 0', `device = 'did:key:zRotten'`]) {
      const world = await filled();
      world.db.exec(`UPDATE batch SET ${change}, token = ${rotten} WHERE id = 3`);
      const [loss] = await told(world);
      expect(loss, change).toMatchObject({ estimated: true, count: 6, batches: third });
      expect(loss?.fromMs, change).toBeLessThanOrEqual(span.fromMs);
      expect(loss?.toMs, change).toBeGreaterThanOrEqual(span.toMs);
      expect(loss?.toMs, change).toBeLessThan(START + 60_000);
    }
  });

  it('that was signed by another key is not sent, though every hash is right', async () => {
    const world = await filled();
    const [row] = world.db.prepare('SELECT * FROM batch WHERE id = 3').all() as [never];
    const opened = openBatch((row as { token: Uint8Array }).token);
    const payload = Buffer.from(
      Buffer.from((row as { token: Uint8Array }).token)
        .toString('latin1')
        .split('.')[1] ?? '',
      'base64url',
    ).toString();
    const stranger = memorySigner();
    const { did, keyId } = world.device;
    const token = await signToken({ payload, signer: { ...stranger, did, keyId }, typ: 'vc+jwt' });
    const changed = { ...(row as object), token, bytes: token.length } as never;
    world.db
      .prepare('UPDATE batch SET token = ?, bytes = ?, hash = ?, head = ? WHERE id = 3')
      .run(token, token.length, hashRow(changed), hashOfHead(changed));
    expect(world.store.peek({ after: 0, count: 9 }).map(({ id }) => id)).toEqual([1, 2, 4, 5]);
    const [loss] = await told(world);
    expect(loss).toMatchObject({ count: 5, batches: { ...third, digest: opened.digest } });
  });

  it('whose columns were changed with their hashes is not sent either', async () => {
    for (const [column, value] of Object.entries({
      readings: 9,
      closed_ms: 5,
      sequence: 8,
      to_ms: 1,
    })) {
      const world = await filled();
      const row = world.db.prepare('SELECT * FROM batch WHERE id = 3').get() as never;
      const changed = { ...(row as object), [column]: value } as never;
      world.db
        .prepare(`UPDATE batch SET ${column} = ?, hash = ?, head = ? WHERE id = 3`)
        .run(value, hashRow(changed), hashOfHead(changed));
      const [loss] = await told(world);
      expect(loss, column).toMatchObject({ count: 5, batches: { ...third } });
    }
  });

  it('takes what it would have said was lost with it, and that is said again', async () => {
    const world = openStore();
    const { device, store } = world;
    const timeout = { fromMs: 5, toMs: 6, count: 7, cause: 'timeout' } as const;
    await store.append([draftOf(device.did, START, 2, { losses: [timeout] }), draftOf(device.did)]);
    world.db.exec('UPDATE batch SET readings = 9 WHERE id = 1');
    store.peek({ after: 0, count: 9 });
    await store.append([draftOf(device.did)]);
    expect(allBatches(store).at(-1)?.losses).toEqual(
      expect.arrayContaining([expect.objectContaining({ ...timeout })]),
    );
  });

  it('never is sent, whichever bit of any column changes', async () => {
    const world = await filled();
    const sound = world.store.peek({ after: 0, count: 9 }).map(({ token }) => Buffer.from(token));
    type Row = Record<string, unknown> & { token: Buffer };
    const rows = world.db.prepare('SELECT * FROM batch').all() as Row[];
    const columns = Object.keys(rows[0] ?? {}).filter((one) => one !== 'id');
    const replace = world.db.prepare(
      `INSERT OR REPLACE INTO batch VALUES (${['@id', ...columns.map((c) => `@${c}`)].join(', ')})`,
    );
    const arbitrary = fc.tuple(fc.nat(4), fc.constantFrom(...columns), fc.nat(), fc.nat(7));
    await fc.assert(
      fc.asyncProperty(arbitrary, async ([index, column, at, bit]) => {
        world.db.exec('DELETE FROM batch; DELETE FROM gone; DELETE FROM loss');
        for (const row of rows)
          replace.run({
            ...row,
            [column]: row === rows[index] ? flip(row[column], at, bit) : row[column],
          });
        const sent = world.store.peek({ after: 0, count: 9 });
        for (const { token } of sent) expect(sound.some((one) => one.equals(token))).toBe(true);
        expect(new Set(sent.map(({ digest }) => digest)).size).toBe(sent.length);
        // What is not sent is told; the order in which rows go is not worth a batch.
        const { count } = world.db.prepare('SELECT count(*) AS count FROM gone').get() as {
          count: number;
        };
        expect(sent.length + count).toBe(5);
      }),
      { numRuns: 150 },
    );
  });
});

function flip(value: unknown, at: number, bit: number): unknown {
  if (value === null) return null;
  if (typeof value === 'number')
    return (value ^ (1 << bit)) >>> 0 === value ? value : value ^ (1 << bit);
  const bytes = Buffer.from(value as Buffer | string);
  if (bytes.length === 0) return value;
  const index = at % bytes.length;
  // Text stays seven bits, as SQLite would give it back.
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (typeof value === 'string' ? bit % 7 : bit));
  return typeof value === 'string' ? bytes.toString('latin1') : bytes;
}
