import { describe, expect, it } from 'vitest';
import type { ReadingGroup } from '../../../devices/reading.ts';
import type { JournalEntry } from '../../../ingest/store.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  incidentEntry,
  reading,
  startMs,
} from '../../support/journal-entries.ts';

const goods = 'did:web:northline.example/batch/CDB-0284';
const meter = deviceDid('meter');
const other = deviceDid('other');

const group = (
  timeMs: number,
  readings: ReadingGroup['readings'],
  about = goods,
): ReadingGroup => ({
  timeMs,
  about,
  readings,
});

const flow = (timeMs: number, value: number | undefined) =>
  group(timeMs, [reading('flowRate', value, { unit: 'B1' })]);

function world(...entries: JournalEntry[]): FoldWorld {
  const first = enrolmentEntry({ position: 0, device: meter });
  const second = enrolmentEntry({ position: 1, device: other, label: 'fc-2' });
  return new FoldWorld().apply([first, second, ...entries]);
}

describe('current state within one device', () => {
  it('is the last sample of the newest batch', () => {
    const groups = [flow(startMs, 1), flow(startMs + 100, 2), flow(startMs + 200, 3)];
    const twin = world(batchEntry({ position: 2, device: meter, sequence: 1, groups })).twin(
      'pipeline-batch',
      goods,
    );
    expect(twin.attributes['flowRate']).toMatchObject({
      value: 3,
      unit: 'B1',
      observedMs: startMs + 200,
      quality: 'good',
      source: { position: 2, element: 2, report: 0, issuer: meter, epoch: 1, sequence: 1 },
    });
  });

  it('follows the sequence and not the wall clock', () => {
    const later = batchEntry({
      position: 2,
      device: meter,
      sequence: 1,
      groups: [flow(startMs + 60_000, 1)],
      receivedMs: startMs + 70_000,
    });
    // The clock was set back by a minute: the batch is newer although its time is not.
    const back = batchEntry({
      position: 3,
      device: meter,
      sequence: 2,
      groups: [flow(startMs, 2)],
      receivedMs: startMs + 70_100,
    });
    const twin = world(later, back).twin('pipeline-batch', goods);
    expect(twin.attributes['flowRate']?.value).toBe(2);
  });

  it('is not moved back by a late batch, which fills the gap', () => {
    const one = batchEntry({ position: 2, device: meter, sequence: 1, groups: [flow(startMs, 1)] });
    const three = batchEntry({
      position: 3,
      device: meter,
      sequence: 3,
      groups: [flow(startMs + 2_000, 3)],
    });
    const two = batchEntry({
      position: 4,
      device: meter,
      sequence: 2,
      groups: [flow(startMs + 1_000, 2)],
    });
    const open = world(one, three);
    expect(open.alerts('device', meter)).toMatchObject([
      { code: 'GAP', text: expect.stringContaining('epoch 1, sequence 2 ('), evidence: [3] },
    ]);
    const closed = open.apply([two]);
    expect(closed.alerts('device', meter)).toEqual([]);
    expect(closed.twin('pipeline-batch', goods).attributes['flowRate']?.value).toBe(3);
  });

  it('puts a later epoch before any sequence of an earlier one', () => {
    const first = batchEntry({
      position: 2,
      device: meter,
      sequence: 9,
      groups: [flow(startMs, 9)],
    });
    const second = batchEntry({
      position: 3,
      device: meter,
      counter: 2,
      sequence: 1,
      follows: first.header.digest,
      groups: [flow(startMs + 10, 10)],
    });
    const twin = world(second, first).twin('pipeline-batch', goods);
    expect(twin.attributes['flowRate']?.value).toBe(10);
  });
});

describe('a value that is bad', () => {
  const good = batchEntry({ position: 2, device: meter, sequence: 1, groups: [flow(startMs, 7)] });
  const bad = batchEntry({
    position: 3,
    device: meter,
    sequence: 2,
    groups: [
      group(startMs + 1_000, [reading('flowRate', undefined, { unit: 'B1', status: 'sentinel' })]),
    ],
  });

  it('is shown without a value, with the last good one beside it', () => {
    const twin = world(good, bad).twin('pipeline-batch', goods);
    const statement = twin.attributes['flowRate'];
    expect(statement).toMatchObject({
      quality: 'bad',
      status: 'sentinel',
      lastGood: { value: 7, observedMs: startMs, source: { position: 2 } },
    });
    expect(statement).not.toHaveProperty('value');
  });

  it('finds the last good one within its own batch, and when it comes late', () => {
    const both = batchEntry({
      position: 3,
      device: meter,
      sequence: 2,
      groups: [flow(startMs + 500, 8), flow(startMs + 1_000, undefined)],
    });
    const within = world(both).twin('pipeline-batch', goods).attributes['flowRate'];
    expect(within?.lastGood?.value).toBe(8);
    const late = world(bad, good).twin('pipeline-batch', goods).attributes['flowRate'];
    expect(late).toMatchObject({ quality: 'bad', lastGood: { value: 7 } });
    expect(late).not.toHaveProperty('value');
  });

  it('is good again with the next good one', () => {
    const next = batchEntry({
      position: 4,
      device: meter,
      sequence: 3,
      groups: [flow(startMs + 2_000, 9)],
    });
    const statement = world(good, bad, next).twin('pipeline-batch', goods).attributes['flowRate'];
    expect(statement).toMatchObject({ quality: 'good', value: 9 });
    expect(statement).not.toHaveProperty('lastGood');
  });
});

describe('two devices about one attribute', () => {
  it('the later observation counts, whichever is received last', () => {
    const early = batchEntry({
      position: 2,
      device: meter,
      sequence: 1,
      groups: [flow(startMs, 1)],
    });
    const late = batchEntry({
      position: 3,
      device: other,
      sequence: 1,
      groups: [flow(startMs + 5, 2)],
    });
    for (const order of [
      [early, late],
      [late, early],
    ]) {
      const twin = world(...order).twin('pipeline-batch', goods);
      expect(twin.attributes['flowRate']).toMatchObject({ value: 2, source: { issuer: other } });
    }
  });

  it('corrects the observed time by the signed offset', () => {
    // This gateway's clock is ten seconds ahead and says so: its sample is the older one.
    const ahead = batchEntry({
      position: 2,
      device: meter,
      sequence: 1,
      clock: { source: 'unsynchronised', offsetMs: 10_000 },
      groups: [flow(startMs + 9_000, 1)],
      receivedMs: startMs + 20_000,
    });
    const right = batchEntry({
      position: 3,
      device: other,
      sequence: 1,
      groups: [flow(startMs, 2)],
      receivedMs: startMs + 20_000,
    });
    const { flowRate } = world(ahead, right).twin('pipeline-batch', goods).attributes;
    expect(flowRate).toMatchObject({ value: 2 });
  });

  it('never lets an untrusted clock displace a trusted one', () => {
    const trusted = batchEntry({
      position: 2,
      device: meter,
      sequence: 1,
      clock: { source: 'gnss', offsetMs: 0, uncertaintyMs: 1 },
      groups: [flow(startMs, 1)],
    });
    const untrusted = batchEntry({
      position: 3,
      device: other,
      sequence: 1,
      groups: [flow(startMs + 60_000, 2)],
    });
    const { flowRate } = world(trusted, untrusted).twin('pipeline-batch', goods).attributes;
    expect(flowRate?.value).toBe(1);
  });

  it('takes no observation for later than its receipt', () => {
    const future = batchEntry({
      position: 2,
      device: meter,
      sequence: 1,
      groups: [flow(startMs + 3_600_000, 1)],
      receivedMs: startMs,
    });
    const now = batchEntry({
      position: 3,
      device: other,
      sequence: 1,
      groups: [flow(startMs + 1, 2)],
      receivedMs: startMs + 100,
    });
    const { flowRate } = world(future, now).twin('pipeline-batch', goods).attributes;
    expect(flowRate?.value).toBe(2);
  });

  it('decides a tie by the DID', () => {
    const one = batchEntry({ position: 2, device: meter, sequence: 1, groups: [flow(startMs, 1)] });
    const two = batchEntry({ position: 3, device: other, sequence: 1, groups: [flow(startMs, 2)] });
    const expected = meter > other ? 1 : 2;
    for (const order of [
      [one, two],
      [two, one],
    ]) {
      const { flowRate } = world(...order).twin('pipeline-batch', goods).attributes;
      expect(flowRate?.value).toBe(expected);
    }
  });
});

describe('what has no effect on values', () => {
  const one = batchEntry({ position: 2, device: meter, sequence: 1, groups: [flow(startMs, 1)] });
  const contradiction = batchEntry({
    position: 3,
    device: meter,
    sequence: 1,
    groups: [flow(startMs, 99)],
  });

  it('an equivocation raises FORK on the device and changes nothing else', () => {
    const forked = world(one, incidentEntry('equivocation', 3, contradiction));
    expect(forked.twin('pipeline-batch', goods).attributes['flowRate']?.value).toBe(1);
    expect(forked.alerts('device', meter)).toMatchObject([
      { code: 'FORK', severity: 'critical', evidence: [3] },
      { code: 'QUARANTINE', severity: 'critical', evidence: [3] },
    ]);
  });

  it('a refusal raises REFUSED on a device that exists, and makes no twin of a stranger', () => {
    const stranger = deviceDid('stranger');
    const forged = batchEntry({ position: 4, device: stranger, sequence: 1 });
    const refused = world(
      one,
      incidentEntry('refusal', 3, contradiction),
      incidentEntry('refusal', 4, forged),
    );
    expect(refused.alerts('device', meter)).toMatchObject([{ code: 'REFUSED', evidence: [3] }]);
    expect(refused.has('device', stranger)).toBe(false);
  });

  it('goods outside the scope of the enrolment', () => {
    const foreign = 'did:web:rival.example/batch/1';
    const spoken = world(
      batchEntry({
        position: 2,
        device: meter,
        sequence: 1,
        groups: [group(startMs, [reading('flowRate', 1)], foreign)],
      }),
    );
    expect(spoken.has('pipeline-batch', foreign)).toBe(false);
    expect(spoken.alerts('device', meter)).toMatchObject([{ code: 'OUT_OF_SCOPE' }]);
  });

  it('a point that the registered profile does not name', () => {
    const digest = [...new FoldWorld().plugins.profilePoints.keys()][0] ?? '';
    const [point = ''] = new FoldWorld().plugins.profilePoints.get(digest) ?? [];
    const twin = world(
      batchEntry({
        position: 2,
        device: meter,
        sequence: 1,
        profileDigest: digest,
        groups: [group(startMs, [reading(point, 1), reading('inventedPoint', 2)])],
      }),
    ).twin('pipeline-batch', goods);
    expect(twin.attributes[point]?.value).toBe(1);
    expect(twin.attributes).not.toHaveProperty('inventedPoint');
  });
});
