import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import type { Loss } from '../../../devices/reading.ts';
import { createLossLedger } from '../../../gateway/losses.ts';

const miss = (fromMs: number, more: Partial<Loss> = {}): Loss => ({
  fromMs,
  toMs: fromMs + 100,
  count: 3,
  cause: 'timeout',
  ...more,
});

/** Everything that a ledger has, however many batches it takes. */
function takeAll(ledger: ReturnType<typeof createLossLedger>): Loss[] {
  const all: Loss[] = [];
  while (!ledger.isEmpty()) all.push(...ledger.take());
  return all;
}

describe('a ledger of losses', () => {
  it('joins what is one hole, and nothing else', () => {
    const ledger = createLossLedger(2_000);
    ledger.add(miss(0));
    ledger.add(miss(1_000));
    ledger.add(miss(2_000, { points: ['flow'] }));
    ledger.add(miss(3_000, { cause: 'absent' }));
    ledger.add(miss(3_101));
    expect(takeAll(ledger)).toEqual([
      { fromMs: 0, toMs: 1_100, count: 6, cause: 'timeout' },
      { fromMs: 2_000, toMs: 2_100, count: 3, cause: 'timeout', points: ['flow'] },
      { fromMs: 3_000, toMs: 3_100, count: 3, cause: 'absent' },
      { fromMs: 3_101, toMs: 3_201, count: 3, cause: 'timeout' },
    ]);
  });

  it('cuts a long list of points, and counts each value once', () => {
    const ledger = createLossLedger(0);
    const points = Array.from({ length: 150 }, (_, index) => `p${index}`);
    ledger.add({ ...miss(0), points, count: 300 });
    const parts = takeAll(ledger);
    expect(parts.map((part) => [part.points?.length, part.count])).toEqual([
      [64, 128],
      [64, 128],
      [22, 44],
    ]);
  });

  it('gives no more at once than a batch may carry', () => {
    const ledger = createLossLedger(0);
    for (let index = 0; index < 40; index += 1) ledger.add(miss(index * 10_000));
    expect(ledger.take()).toHaveLength(limits.batchLossesMax);
    expect(ledger.take()).toHaveLength(40 - limits.batchLossesMax);
    expect(ledger.isEmpty()).toBe(true);
  });

  it('stays bounded, and never forgets a value or a moment', () => {
    const losses = fc.array(
      fc.record({
        fromMs: fc.integer({ min: 0, max: 1e9 }),
        length: fc.integer({ min: 0, max: 1e6 }),
        count: fc.integer({ min: 1, max: 100 }),
        cause: fc.constantFrom('timeout', 'absent', 'nonsense'),
        points: fc.option(fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }), {
          nil: undefined,
        }),
      }),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(losses, (given) => {
        const ledger = createLossLedger(1_000);
        for (const { fromMs, length, count, cause, points } of given) {
          ledger.add({ fromMs, toMs: fromMs + length, count, cause, ...(points && { points }) });
        }
        const said = takeAll(ledger);
        expect(said.length).toBeLessThanOrEqual(limits.lossesPendingMax);
        const sum = (list: readonly { count: number }[]) => list.reduce((s, l) => s + l.count, 0);
        expect(sum(said)).toBe(sum(given));
        for (const { fromMs, length } of given) {
          const covered = said.some((l) => l.fromMs <= fromMs && l.toMs >= fromMs + length);
          expect(covered).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});
