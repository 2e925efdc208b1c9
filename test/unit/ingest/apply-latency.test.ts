import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLatency } from '../../../ingest/apply-latency.ts';

const batch = (gateway: string, receivedMs: number, observed: number[]) => ({
  gateway,
  receivedMs,
  observed,
});

describe('latency', () => {
  it('knows nothing before the first batch', () => {
    expect(createLatency(0).total()).toEqual({ p50: null, p99: null, max: null, count: 0 });
  });

  it('counts every sensor element, in sum and for each gateway', () => {
    const book = createLatency(0);
    book.seen([batch('a', 10, [900, 950]), batch('b', 10, [0])], 1_000);
    expect(book.total().count).toBe(3);
    expect(book.byGateway()['a']).toMatchObject({ count: 2, max: 100 });
    expect(book.byGateway()['b']).toMatchObject({ count: 1, p50: 1_000 });
  });

  it('leaves out what was received before it began', () => {
    const book = createLatency(100);
    book.seen([batch('a', 99, [0]), batch('a', 100, [90])], 110);
    expect(book.total().count).toBe(1);
  });

  it('is at most two percent and a rounding above the true percentile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 300 }),
        (values) => {
          const book = createLatency(0);
          book.seen(
            [
              batch(
                'a',
                0,
                values.map((value) => 1_000_000 - value),
              ),
            ],
            1_000_000,
          );
          const sorted = values.toSorted((a, b) => a - b);
          for (const [share, found] of [
            [0.5, book.total().p50],
            [0.99, book.total().p99],
          ] as const) {
            const exact = sorted[Math.ceil(values.length * share) - 1] ?? 0;
            expect(found).toBeGreaterThanOrEqual(exact - 1);
            expect(found).toBeLessThanOrEqual(exact * 1.02 + 1);
          }
        },
      ),
    );
  });
});
