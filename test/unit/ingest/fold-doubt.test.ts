import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../ingest/store.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import {
  actEntry,
  batchEntry,
  deviceDid,
  doubtfulEntry,
  enrolmentEntry,
  incidentEntry,
  reading,
  startMs,
} from '../../support/journal-entries.ts';

const goods = 'did:web:northline.example/batch/CDB-0284';
const meter = deviceDid('meter');

function world(...entries: JournalEntry[]): FoldWorld {
  return new FoldWorld().apply([enrolmentEntry({ position: 0, device: meter }), ...entries]);
}

const flow = (position: number, sequence: number, value: number, more: object = {}) =>
  batchEntry({
    position,
    device: meter,
    sequence,
    groups: [
      { timeMs: startMs + sequence * 1_000, about: goods, readings: [reading('flowRate', value)] },
    ],
    ...more,
  });

const officer = (position: number, accept: readonly number[], lift: readonly string[] = []) =>
  actEntry(position, {
    ...{ act: 'officer', accept, lift, officer: 'an officer', reason: 'the seal was whole' },
    atMs: startMs + 60_000,
  });

const rateOf = (folded: FoldWorld) => folded.twin('pipeline-batch', goods).attributes['flowRate'];
const codes = (folded: FoldWorld) => folded.alerts('device', meter).map(({ code }) => code);

describe('a doubtful batch', () => {
  it('is shown on its device and moves nothing', () => {
    const folded = world(flow(1, 1, 10), doubtfulEntry(flow(2, 2, 20)));
    expect(rateOf(folded)).toMatchObject({ value: 10 });
    expect(folded.alerts('device', meter)).toMatchObject([
      {
        code: 'DOUBTFUL',
        severity: 'warning',
        text: "1 batch waits without effect for an officer's decision (last: VC_REVOKED: a test).",
        evidence: [2],
      },
    ]);
    expect(folded.twin('device', meter).position).toBe(2);
  });

  it('takes effect with the act that accepts it, and keeps both positions', () => {
    const folded = world(flow(1, 1, 10), doubtfulEntry(flow(2, 2, 20)), officer(3, [2]));
    expect(rateOf(folded)).toMatchObject({
      value: 20,
      receivedMs: startMs + 2_050,
      source: { position: 2, act: 3, epoch: 1, sequence: 2 },
    });
    expect(codes(folded)).toEqual([]);
    // What follows the feed by position sees the change.
    expect(folded.twin('pipeline-batch', goods).position).toBe(3);
    expect(folded.twin('device', meter).position).toBe(3);
  });

  it('fills history, and does not move a newer value back', () => {
    const folded = world(doubtfulEntry(flow(1, 1, 10)), flow(2, 2, 20));
    expect(codes(folded)).toEqual(['DOUBTFUL', 'GAP']);
    folded.apply([officer(3, [1])]);
    expect(rateOf(folded)).toMatchObject({ value: 20, source: { position: 2 } });
    expect(codes(folded)).toEqual([]);
  });

  it('takes effect once, however often acts name it', () => {
    const entries = [doubtfulEntry(flow(1, 1, 10)), doubtfulEntry(flow(2, 2, 20))];
    const once = world(...entries, officer(3, [1]));
    expect(once.state('device', meter).history).toMatchObject({ batches: 1 });
    expect(world(...entries, officer(3, [1, 7])).stored()).toEqual(once.stored());
  });

  it('that is chained under an older receipt needs no officer', () => {
    const act = { act: 'chained', accept: [2, 1], under: 0, atMs: startMs };
    const late = [doubtfulEntry(flow(1, 1, 10)), doubtfulEntry(flow(2, 2, 20))];
    const folded = world(...late, flow(3, 3, 30), actEntry(4, act));
    expect(codes(folded)).toEqual([]);
    expect(folded.state('device', meter).history).toMatchObject({ batches: 3 });
  });

  it('ends in the same twins wherever the fold stops and goes on from what is stored', () => {
    fc.assert(
      fc.property(fc.nat(7), fc.shuffledSubarray([1, 2, 3], { minLength: 1 }), (cut, accept) => {
        const entries = [
          doubtfulEntry(flow(1, 1, 10)),
          doubtfulEntry(flow(2, 3, 30)),
          doubtfulEntry(flow(3, 2, 20)),
          incidentEntry('equivocation', 4, flow(2, 3, 31)),
          officer(5, accept, [meter]),
          flow(6, 4, 40),
        ];
        const split = world(...entries.slice(0, cut))
          .restart()
          .apply(entries.slice(cut));
        const whole = world(...entries);
        expect(split.stored()).toEqual(whole.stored());
        const batches = accept.length + 1;
        expect(whole.state('device', meter).history).toMatchObject({ batches });
        expect(whole.state('device', meter).doubt).toMatchObject({ accepted: accept.length });
      }),
      { numRuns: 100 },
    );
  });

  it('gives the same values whichever of them are accepted first', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4], { minLength: 4 }), (order) => {
        const late = [1, 2, 3, 4].map((at) => doubtfulEntry(flow(at, at, at * 10)));
        const folded = world(...late, ...order.map((position, at) => officer(5 + at, [position])));
        expect(rateOf(folded)?.value).toBe(40);
        const { epochs, batches, readings } = folded.state('device', meter).history ?? {};
        expect({ batches, readings, count: epochs?.[0]?.count }).toEqual({
          ...{ batches: 4, readings: 4, count: 4 },
        });
        expect(epochs?.[0]?.ranges).toMatchObject([{ from: 1, to: 4 }]);
      }),
    );
  });
});

describe('quarantine', () => {
  const one = flow(1, 1, 10);
  const clone = incidentEntry('equivocation', 2, flow(1, 1, 11));

  it('shows from the contradiction until an officer ends it', () => {
    const folded = world(one, clone);
    expect(codes(folded)).toEqual(['FORK', 'QUARANTINE']);
    folded.apply([doubtfulEntry(flow(3, 2, 20), 'IN_QUARANTINE')]);
    expect(codes(folded)).toEqual(['FORK', 'QUARANTINE', 'DOUBTFUL']);
    folded.apply([officer(4, [], [meter])]);
    // What was signed twice cannot be unsigned.
    expect(codes(folded)).toEqual(['FORK', 'DOUBTFUL']);
  });

  it('begins with the batch that shows two gateways, which an officer can accept', () => {
    const folded = world(one, doubtfulEntry(flow(2, 2, 20), 'IN_CLONED'));
    expect(codes(folded)).toEqual(['CLONED', 'QUARANTINE', 'DOUBTFUL']);
    folded.apply([officer(3, [2], [meter])]);
    expect(codes(folded)).toEqual(['CLONED']);
  });

  it('ends for people once the device is enrolled with another key', () => {
    const anew = deviceDid('anew');
    const next = enrolmentEntry({ position: 3, device: anew, supersedes: meter });
    const folded = world(one, clone, next);
    expect(codes(folded)).toEqual(['FORK']);
    expect(folded.state('device', meter).doubt?.quarantine).toMatchObject({ supersededBy: anew });
  });

  it('begins with two doubtful batches for one place, too', () => {
    const other = doubtfulEntry(flow(3, 1, 12), 'IN_FORK');
    expect(codes(world(doubtfulEntry(flow(2, 1, 11)), other))).toEqual([
      ...['FORK', 'QUARANTINE', 'DOUBTFUL'],
    ]);
  });
});

describe('a status that was not known', () => {
  it('marks every statement that rests on it', () => {
    const fresh = flow(1, 1, 10);
    const stale = flow(2, 2, 20);
    const marked = { ...stale, header: { ...stale.header, standing: 'stale' as const } };
    const folded = world(fresh);
    expect(rateOf(folded)?.source).not.toHaveProperty('status');
    folded.apply([marked]);
    expect(rateOf(folded)?.source).toMatchObject({ position: 2, status: 'unknown' });
    expect(folded.twin('pipeline-batch', goods).control.possessor?.source).toMatchObject({
      status: 'unknown',
    });
  });
});
