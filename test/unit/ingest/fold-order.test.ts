import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceClockFaults } from '../../../devices/reading.ts';
import type { JournalEntry } from '../../../ingest/store.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  partyEntry,
  reading,
  startMs,
} from '../../support/journal-entries.ts';
import {
  calibration,
  correction,
  custodyStep,
  lakeside,
  movement,
  newId,
  northline,
  ticket,
} from '../../support/party.ts';

const goods = 'did:web:northline.example/batch/CDB-0284';

/** What parties sign beside the batches: papers, a correction, a chain of custody. */
function partyEntries(from: number): JournalEntry[] {
  const paper = partyEntry(from, ticket());
  const { digest } = paper.header;
  const first = partyEntry(from + 2, custodyStep());
  const previous = { id: newId(), digest: first.header.digest };
  const back = { from: lakeside, to: northline, issuer: lakeside };
  return [
    paper,
    partyEntry(from + 1, correction({ corrects: { id: newId(), digest } })),
    first,
    partyEntry(from + 3, custodyStep({ ...back, previous })),
    partyEntry(from + 4, movement()),
    partyEntry(from + 5, calibration({ device: meter })),
  ];
}
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
          heardMs: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
          deviceClock: fc.constantFrom(undefined, ...deviceClockFaults),
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
    const parties = partyEntries(2 + batches.length);
    const entries = batches.map((batch, index): JournalEntry => {
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
        groups: batch.groups.map(({ atMs, about, deviceClock, heardMs, values }) => ({
          timeMs: startMs + atMs,
          ...(heardMs !== undefined && { gatewayTimeMs: startMs + heardMs }),
          ...(heardMs !== undefined && deviceClock !== undefined && { deviceClock }),
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
    return [...entries, ...parties];
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

  it('edge 33 (thingsboard-gateway #879): what a clock in doubt claims changes no twin', () => {
    const claims = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
    const samples = fc.array(
      fc.record({
        claimed: fc.tuple(claims, claims),
        heardMs: fc.integer({ min: 0, max: 100_000 }),
        deviceClock: fc.constantFrom(undefined, ...deviceClockFaults),
        value: fc.integer({ min: 0, max: 1_000 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(samples, (all) => {
        const twins = ([0, 1] as const).map((which) => {
          const entries = all.map(({ claimed, deviceClock, heardMs, value }, index) =>
            batchEntry({
              position: 2 + index,
              device: meter,
              sequence: 1 + index,
              closedMs: startMs + 200_000,
              receivedMs: startMs + 200_000,
              groups: [
                {
                  timeMs: deviceClock === undefined ? startMs + heardMs : claimed[which],
                  gatewayTimeMs: startMs + heardMs,
                  ...(deviceClock !== undefined && { deviceClock }),
                  about: goods,
                  readings: [reading('flowRate', value)],
                },
              ],
            }),
          );
          return world(...entries).twin('pipeline-batch', goods);
        });
        expect(twins[1]).toEqual(twins[0]);
        const last = all.at(-1);
        expect(twins[0]?.attributes['flowRate']).toMatchObject({
          value: last?.value,
          observedMs: startMs + (last?.heardMs ?? 0),
        });
      }),
      { numRuns: 100 },
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
