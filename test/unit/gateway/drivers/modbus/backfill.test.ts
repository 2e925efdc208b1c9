/** Records of a ring fill a gap: all of it, once, a few at a time, whatever breaks off. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArchiveDefinition } from '../../../../../devices/profile.ts';
import type { Sample } from '../../../../../devices/reading.ts';
import { newestRecord } from '../../../../../gateway/drivers/modbus/archive.ts';
import { ArchiveBackfill } from '../../../../../gateway/drivers/modbus/backfill.ts';
import { stampOf } from '../../../../../simulators/behaviours/flow-archive.ts';
import { type ManualClock, manualClock } from '../../../../support/manual-clock.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 1, 27, 20);

const archive: ArchiveDefinition = {
  summary: 'Hourly.',
  address: 701,
  records: 48,
  periodMs: HOUR_MS,
  stamp: 'end',
  points: {
    hourVolume: {
      summary: 'Volume.',
      type: 'Volume',
      unit: 'BLL',
      column: 0,
      increaseOf: 'volumeTotal',
      modbus: { table: 'holding', address: 701, width: 'enron', encoding: { type: 'float32' } },
    },
  },
};

/** A ring as a device keeps it: record n at index ((n - 1) mod size) + 1. */
class Ring {
  readonly #records: Buffer[] = [];
  count = 0;
  asked = 0;

  keep(endMs: number, value: number): void {
    const data = Buffer.alloc(12);
    const { date, time } = stampOf(endMs);
    data.writeFloatBE(date, 0);
    data.writeFloatBE(time, 4);
    data.writeFloatBE(value, 8);
    this.#records[this.count % archive.records] = data;
    this.count += 1;
  }

  keepHours(count: number, value = 100): void {
    for (let hour = 0; hour < count; hour += 1) {
      this.keep(START_MS + (this.count + 1) * HOUR_MS, value);
    }
  }

  /** Nothing comes at the questions whose number is in `broken`. */
  ask =
    (broken: ReadonlySet<number> = new Set()) =>
    async (index: number) => {
      this.asked += 1;
      if (broken.has(this.asked)) return undefined;
      return this.#records[index - 1] ?? ('empty' as const);
    };
}

function backfill(clock: ManualClock): ArchiveBackfill {
  return new ArchiveBackfill({ archives: { hourly: archive }, zoneMinutes: 0, clock });
}

const gapOf = (fromMs: number, toMs: number, grown?: number) => ({
  fromMs,
  toMs,
  before: new Map(grown === undefined ? [] : [['volumeTotal', 5_000]]),
  after: new Map(grown === undefined ? [] : [['volumeTotal', 5_000 + grown]]),
});

const hoursOf = (samples: readonly Sample[]) =>
  samples.map(({ sourceTimeMs = 0 }) => (sourceTimeMs - START_MS) / HOUR_MS);

async function drain(fill: ArchiveBackfill, ring: Ring): Promise<Sample[]> {
  const all: Sample[] = [];
  for (let call = 0; call < 50 && fill.isDue(); call += 1) {
    all.push(...(await fill.next(() => ring.ask())));
  }
  return all;
}

describe('the newest record', () => {
  it('is found in a ring of any filling, with few questions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 200 }), async (count) => {
        const ring = new Ring();
        ring.keepHours(count);
        const found = await newestRecord(archive, 0, ring.ask());
        expect(found === undefined).toBe(count === 0);
        if (count > 0) expect(found).toMatchObject({ toMs: START_MS + count * HOUR_MS });
        expect(ring.asked).toBeLessThanOrEqual(2 + Math.log2(archive.records));
      }),
      { numRuns: 200 },
    );
  });

  it('is taken in the device’s own zone', async () => {
    const ring = new Ring();
    ring.keepHours(1);
    const found = await newestRecord(archive, -300, ring.ask());
    expect(found).toMatchObject({ toMs: START_MS + 6 * HOUR_MS });
  });
});

describe('a gap', () => {
  it('is filled with every period that touches it, the last one when it is over', async () => {
    const clock = manualClock(START_MS + 20.5 * HOUR_MS);
    const ring = new Ring();
    ring.keepHours(20);
    const fill = backfill(clock);
    fill.missed(gapOf(START_MS + 10.25 * HOUR_MS, START_MS + 20.5 * HOUR_MS));
    const samples = await drain(fill, ring);
    expect(hoursOf(samples).sort((a, b) => a - b)).toEqual([
      11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    ]);
    expect(samples[0]).toMatchObject({
      point: 'hourVolume',
      rawHex: '42c80000',
      quality: 'archived',
      status: 'modbus:archive:hourly',
    });
    expect(fill.isDue()).toBe(false);
    // The hour in which the line came back ends half an hour later.
    ring.keepHours(1);
    clock.advance(0.5 * HOUR_MS);
    expect(fill.isDue()).toBe(false);
    clock.advance(5_000);
    expect(hoursOf(await drain(fill, ring))).toEqual([21]);
    clock.advance(10 * HOUR_MS);
    expect(fill.isDue()).toBe(false);
  });

  it('gives each record once, also where questions break off and gaps share a period', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 150 }),
        // Begin and end of each gap, in minutes.
        fc.array(fc.tuple(fc.nat(9_000), fc.nat(9_000)), { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 80 }), { maxLength: 20 }),
        async (count, ends, broken) => {
          const clock = manualClock(START_MS + count * HOUR_MS);
          const ring = new Ring();
          ring.keepHours(count);
          const fill = backfill(clock);
          const expected = new Set<number>();
          for (const pair of ends) {
            const [from = 0, to = 0] = pair
              .map((minutes) => Math.min(count, minutes / 60))
              .sort((a, b) => a - b);
            fill.missed(gapOf(START_MS + from * HOUR_MS, START_MS + to * HOUR_MS));
            for (let hour = Math.max(1, count - archive.records + 1); hour <= count; hour += 1) {
              if (hour > from && hour - 1 < to) expected.add(hour);
            }
          }
          const ask = ring.ask(new Set(broken));
          const given: number[] = [];
          for (let call = 0; call < 200 && fill.isDue(); call += 1) {
            given.push(...hoursOf(await fill.next(() => ask)));
          }
          expect(fill.isDue()).toBe(false);
          expect([...given].sort((a, b) => a - b)).toEqual([...expected].sort((a, b) => a - b));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('says when its records disagree with the totals on both sides', async () => {
    const judged = async (grown: number, value = 100) => {
      const clock = manualClock(START_MS + 8 * HOUR_MS);
      const ring = new Ring();
      ring.keepHours(8, value);
      const fill = backfill(clock);
      // Hours 3 to 6 are whole; of 2 and 7 a half lies in the gap.
      fill.missed(gapOf(START_MS + 1.5 * HOUR_MS, START_MS + 6.5 * HOUR_MS, grown));
      const samples = await drain(fill, ring);
      expect(hoursOf(samples)).toEqual([2, 3, 4, 5, 6, 7]);
      return samples.some(({ status }) => status?.includes('disagrees with volumeTotal'));
    };
    expect(await judged(500)).toBe(false);
    expect(await judged(400)).toBe(false);
    expect(await judged(600)).toBe(false);
    expect(await judged(390)).toBe(true);
    expect(await judged(610)).toBe(true);
    expect(await judged(-20)).toBe(true);
  });

  it('asks an empty archive again after a period, and gives up nothing else meanwhile', async () => {
    const clock = manualClock(START_MS);
    const ring = new Ring();
    const fill = backfill(clock);
    fill.missed(gapOf(START_MS - HOUR_MS, START_MS));
    expect(await drain(fill, ring)).toEqual([]);
    expect(fill.isDue()).toBe(false);
    expect(ring.asked).toBe(1);
  });
});
