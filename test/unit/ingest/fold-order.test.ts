import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../ingest/store.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  reading,
  startMs,
} from '../../support/journal-entries.ts';

const goods = 'did:web:northline.example/batch/CDB-0284';
const meter = deviceDid('meter');
const other = deviceDid('other');

function world(...entries: JournalEntry[]): FoldWorld {
  const first = enrolmentEntry({ position: 0, device: meter });
  const second = enrolmentEntry({ position: 1, device: other, label: 'fc-2' });
  return new FoldWorld().apply([first, second, ...entries]);
}

/** Batches of several devices and epochs without conflicts, as a journal holds them. */
const journals = fc
  .array(
    fc.record({
      device: fc.constantFrom(meter, other),
      counter: fc.integer({ min: 1, max: 3 }),
      trusted: fc.boolean(),
      offsetMs: fc.integer({ min: -500, max: 500 }),
      receivedMs: fc.integer({ min: 0, max: 200_000 }),
      groups: fc.array(
        fc.record({
          atMs: fc.integer({ min: 0, max: 100_000 }),
          about: fc.constantFrom(goods, `${goods}-B`, undefined),
          values: fc.array(
            fc.record({
              point: fc.constantFrom('flowRate', 'temperature', 'indicatedVolumeTotal'),
              value: fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined }),
            }),
            { minLength: 1, maxLength: 3 },
          ),
        }),
        { maxLength: 3 },
      ),
      lost: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((batches) => {
    const sequences = new Map<string, number>();
    return batches.map((batch, index): JournalEntry => {
      const key = `${batch.device} ${batch.counter}`;
      const sequence = (sequences.get(key) ?? 0) + 1;
      sequences.set(key, sequence);
      return batchEntry({
        position: 2 + index,
        device: batch.device,
        counter: batch.counter,
        sequence,
        closedMs: startMs + batch.receivedMs,
        clock: { source: batch.trusted ? 'ntp' : 'unknown', offsetMs: batch.offsetMs },
        groups: batch.groups.map(({ atMs, about, values }) => ({
          timeMs: startMs + atMs,
          ...(about === undefined ? {} : { about }),
          readings: values.map(({ point, value }) => reading(point, value)),
        })),
        losses: Array.from({ length: batch.lost }, (_, at) => ({
          fromMs: startMs + at,
          toMs: startMs + at + 10,
          count: at + 1,
          cause: 'timeout' as const,
        })),
      });
    });
  });

const shuffled = journals.chain((entries) =>
  fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length })),
);

describe('the fold of entries without conflicts', () => {
  it('gives byte-equal twins in any order', () => {
    fc.assert(
      fc.property(shuffled, ([entries, order]) => {
        expect(world(...order).stored()).toEqual(world(...entries).stored());
      }),
      { numRuns: 300 },
    );
  });

  it('takes each batch once, however often it comes', () => {
    fc.assert(
      fc.property(
        journals.chain((entries) =>
          fc.tuple(fc.constant(entries), fc.array(fc.constantFrom(...entries), { maxLength: 6 })),
        ),
        ([entries, again]) => {
          expect(world(...entries, ...again).stored()).toEqual(world(...entries).stored());
        },
      ),
      { numRuns: 150 },
    );
  });

  it('gives the same when it stops anywhere and goes on from what is stored', () => {
    fc.assert(
      fc.property(journals, fc.nat(14), (entries, cut) => {
        const split = world(...entries.slice(0, cut))
          .restart()
          .apply(entries.slice(cut));
        expect(split.stored()).toEqual(world(...entries).stored());
      }),
      { numRuns: 150 },
    );
  });
});
