/** What gives way when the outbox is full, and that all of it is told. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFixedFile } from '../../../devices/io/fixed-file.ts';
import type { Database } from '../../../devices/io/sqlite.ts';
import { limits } from '../../../devices/limits.ts';
import { type WhenFull, whenFullPolicies } from '../../../gateway/outbox.ts';
import { Chance } from '../../sim/chance.ts';
import { OutboxTrial } from '../../support/outbox-trial.ts';
import { allBatches, draftOf, openStore, type StoreWorld } from './support/outbox-world.ts';

const START = 1_767_225_600_000;
/** Room for some twenty batches. */
const bytesMax = limits.batchBytesMax + 60_000;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'outbox-full-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function fill(whenFull: WhenFull, batches: number) {
  const world = openStore({ bytesMax, whenFull });
  for (let index = 0; index < batches; index += 1) {
    const urgent = index === 2 && { priority: 'urgent' as const };
    const draft = draftOf(world.device.did, START + 1_000 * index, 5);
    await world.store.append([{ ...draft, ...urgent }]);
  }
  return { ...world, batches: allBatches(world.store) };
}

describe('a full outbox', () => {
  it('that keeps the newest lets the oldest go, names them, and keeps what is urgent', async () => {
    const { batches, device, store } = await fill('keep-newest', 60);
    const sequences = batches.map(({ sequence }) => sequence);
    expect(sequences[0]).toBe(3);
    expect(sequences.at(-1)).toBe(60);
    expect(sequences.slice(1)).toEqual(
      sequences.slice(1).map((_, i) => 61 - sequences.length + i + 1),
    );
    expect(store.stats().bytes).toBeLessThanOrEqual(bytesMax);
    expect(store.stats().gaveWay).toBe(5 * (60 - batches.length));
    await store.append([draftOf(device.did, START + 99_000)]);
    const told = allBatches(store).flatMap(({ losses }) => losses);
    const gone = told.filter(({ cause }) => cause === 'given-way');
    expect(gone.reduce((sum, { count }) => sum + count, 0)).toBe(store.stats().gaveWay);
    expect(gone).toContainEqual(
      expect.objectContaining({
        ...{ fromMs: START - 10, count: 10 },
        batches: expect.objectContaining({ counter: 1, first: 1, last: 2 }),
      }),
    );
  });

  it('that thins out puts aggregates in their place that add up', async () => {
    const { batches, store } = await fill('thin-out', 120);
    expect(store.stats().bytes).toBeLessThanOrEqual(bytesMax);
    const sums = batches.filter(({ aggregates }) => aggregates !== undefined);
    expect(sums.length).toBeGreaterThan(0);
    const stands = sums
      .flatMap(({ aggregates = [] }) => aggregates.flatMap((group) => group.aggregates))
      .reduce((sum, { count }) => sum + count, 0);
    const whole = batches.flatMap(({ groups }) => groups.flatMap(({ readings }) => readings));
    expect(stands + whole.length).toBe(5 * 120);
    expect(store.stats().readings).toBe(5 * 120);
    expect(batches.some(({ sequence }) => sequence === 3)).toBe(true);
    for (const { aggregates = [], groups } of sums) {
      expect(groups).toEqual([]);
      for (const { fromMs, toMs } of aggregates) {
        expect(fromMs).toBeGreaterThanOrEqual(START - 10);
        expect(toMs).toBeGreaterThan(fromMs);
      }
    }
  });

  it('never sums up what was read under another configuration', async () => {
    const world = openStore({ bytesMax, whenFull: 'thin-out' });
    const configurations = [0, 1].map((n) => `uEi${'AB'[n]}${'A'.repeat(42)}A`);
    for (let index = 0; index < 80; index += 1) {
      const configuration = configurations[Math.floor(index / 3) % 2] ?? '';
      const draft = draftOf(world.device.did, START + 1_000 * index, 5, { configuration });
      await world.store.append([draft]);
    }
    for (const { aggregates = [], configuration, losses } of allBatches(world.store)) {
      if (aggregates.length === 0) continue;
      const own = losses.find(({ cause, count }) => cause === 'thinned' && count > 0);
      const first = own?.batches?.first ?? 0;
      // The batches 1 to 3 of each six were read under the first.
      if (first <= 3) expect(configuration).toBe(configurations[0]);
    }
  });

  it.each(whenFullPolicies)(
    'under %s leaves no reading untold, whatever happens',
    async (whenFull) => {
      for (let seed = 1; seed <= 6; seed += 1) {
        const dice = new Chance(seed);
        const trial = new OutboxTrial({ file: join(directory, `${seed}.db`), whenFull, bytesMax });
        for (let step = 0; step < 60; step += 1) {
          const kind = dice.fraction();
          if (kind < 0.04) trial.crash();
          else if (kind < 0.1) trial.deliver(Math.ceil(8 * dice.fraction()), 100 * dice.fraction());
          else {
            const count = Math.ceil(4 * dice.fraction());
            await trial.store.append(Array.from({ length: count }, () => trial.draft(dice)));
          }
          expect(trial.store.stats().bytes).toBeLessThanOrEqual(
            bytesMax + limits.outboxReserveBytes,
          );
        }
        expect(await trial.close(), `seed ${seed}`).toEqual([]);
        expect(trial.delivered.size).toBeGreaterThan(10);
      }
    },
  );
});

describe('a disk that is full without a reserve', () => {
  const file = () => join(directory, 'outbox.db');
  const noted = () => `${file()}.losses`;
  const full = (db: Database) =>
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`);

  /** What the next process says was lost while the one before had no disk. */
  async function lostAfterCrash(world: StoreWorld): Promise<number> {
    world.db.close();
    const next = openStore({ devices: [world.device], file: file(), lossesFile: open() });
    await next.store.append([draftOf(world.device.did, START, 1)]);
    const told = allBatches(next.store).flatMap(({ losses }) => losses);
    next.store.close();
    return told.reduce((sum, { cause, count }) => sum + (cause === 'storage-full' ? count : 0), 0);
  }

  const open = () => openFixedFile(noted(), limits.outboxLossesFileBytes);

  async function dropped(): Promise<StoreWorld> {
    const world = openStore({ file: file(), lossesFile: open() });
    await world.store.append([draftOf(world.device.did, START, 20)]);
    full(world.db);
    let drops = 0;
    while (drops < 3) {
      const [appended] = await world.store.append([draftOf(world.device.did, START, 20)]);
      if (appended?.dropped === 20) drops += 1;
    }
    return world;
  }

  it('keeps through a crash how much was lost', async () => {
    const world = await dropped();
    expect(await lostAfterCrash(world)).toBe(60);
  });

  it('says once what it lost, also where the crash comes right after it was taken in', async () => {
    const world = await dropped();
    const before = readFileSync(noted());
    world.db.pragma('max_page_count = 1000000');
    const [beat] = await world.store.append([draftOf(world.device.did, START, 0)]);
    expect(beat?.lossesSigned).toBe(60);
    // As if the database had committed, and the file beside it had not been cleared yet.
    writeFileSync(noted(), before);
    expect(await lostAfterCrash(world)).toBe(60);
  });
});
