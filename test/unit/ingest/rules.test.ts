import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import type { DeviceClockFault } from '../../../devices/reading.ts';
import type { JournalEntry } from '../../../ingest/store.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  incidentEntry,
  reading,
  startMs,
  tickEntry,
} from '../../support/journal-entries.ts';

const meter = deviceDid('meter');
const box = 'urn:epc:id:bic:MSKU9070323';
const cadenceMs = 1_000;
const minuteMs = 60_000;

/** So long that only the tests of SILENT see it. */
const heartbeatMs = 86_400_000;

function world(...entries: JournalEntry[]): FoldWorld {
  const enrolment = enrolmentEntry({
    position: 0,
    device: meter,
    cadenceMs,
    heartbeatMs,
    goods: [box],
  });
  return new FoldWorld().apply([enrolment, ...entries]);
}

const heard = (position: number, sequence: number, timeMs: number) =>
  batchEntry({
    position,
    device: meter,
    sequence,
    groups: [{ timeMs, about: box, readings: [reading('setPoint', 4)] }],
  });

const codes = (folded: FoldWorld, kind: 'device' | 'container' = 'device') =>
  folded.alerts(kind, kind === 'device' ? meter : box).map(({ code }) => code);

describe('STALE and LOST', () => {
  const staleMs = startMs + 3 * cadenceMs + limits.staleGraceMs;
  const lostMs = startMs + 12 * cadenceMs + limits.staleGraceMs;

  it('fire from ticks only, at three and twelve intervals', () => {
    const folded = world(heard(1, 1, startMs));
    expect(codes(folded)).toEqual([]);
    expect(codes(folded.apply([tickEntry(2, staleMs - 1)]))).toEqual([]);
    expect(codes(folded.apply([tickEntry(3, staleMs)]))).toEqual(['STALE']);
    expect(folded.twin('device', meter)).toMatchObject({
      position: 3,
      alerts: [{ code: 'STALE', sinceMs: staleMs, rule: 'stale', version: 1 }],
    });
    expect(codes(folded, 'container')).toEqual(['STALE']);
    expect(codes(folded.apply([tickEntry(4, lostMs - 1)]))).toEqual(['STALE']);
    expect(codes(folded.apply([tickEntry(5, lostMs)]))).toEqual(['LOST']);
    expect(folded.alerts('device', meter)).toMatchObject([{ sinceMs: lostMs, evidence: [1] }]);
  });

  it('close with the next observation, and not with a heartbeat', () => {
    const folded = world(heard(1, 1, startMs), tickEntry(2, lostMs));
    const beat = batchEntry({ position: 3, device: meter, sequence: 2, closedMs: lostMs + 10 });
    expect(codes(folded.apply([beat]))).toEqual(['LOST']);
    expect(folded.alerts('device', meter)[0]?.text).toContain('its gateway is heard of');
    expect(codes(folded.apply([heard(4, 3, lostMs + 20)]))).toEqual([]);
  });

  it('tell of a device that was enrolled and never heard', () => {
    expect(codes(world(tickEntry(1, lostMs)))).toEqual(['LOST']);
  });

  it('touch only twins whose deadline is over', () => {
    const folded = world(heard(1, 1, startMs), tickEntry(2, startMs + 10));
    expect(folded.twin('device', meter).position).toBe(1);
  });
});

describe('GAP', () => {
  const chained = (position: number, counter: number, sequence: number, follows?: string) =>
    batchEntry({
      position,
      device: meter,
      counter,
      sequence,
      ...(follows === undefined ? {} : { follows }),
    });

  it('names the missing interval and closes when the last of it arrives', () => {
    const folded = world(heard(1, 1, startMs), heard(2, 5, startMs + 50));
    expect(folded.alerts('device', meter)).toMatchObject([
      {
        code: 'GAP',
        text:
          '3 batches are missing: epoch 1, sequences 2 to 4 ' +
          '(2026-01-01T00:00:00.000Z to 2026-01-01T00:00:00.050Z).',
        evidence: [2],
      },
    ]);
    expect(folded.twin('device', meter).gaps).toEqual([
      { epoch: 1, from: 2, to: 4, afterMs: startMs, beforeMs: startMs + 50 },
    ]);
    folded.apply([heard(3, 3, startMs + 20)]);
    expect(folded.alerts('device', meter)).toMatchObject([
      {
        text:
          '2 batches are missing: ' +
          'epoch 1, sequence 2 (2026-01-01T00:00:00.000Z to 2026-01-01T00:00:00.020Z); ' +
          'epoch 1, sequence 4 (2026-01-01T00:00:00.020Z to 2026-01-01T00:00:00.050Z).',
      },
    ]);
    folded.apply([heard(4, 4, startMs + 30)]);
    expect(codes(folded)).toEqual(['GAP']);
    folded.apply([heard(5, 2, startMs + 10)]);
    expect(codes(folded)).toEqual([]);
    expect(folded.twin('device', meter)).not.toHaveProperty('gaps');
  });

  it('shows a missing first batch', () => {
    expect(codes(world(heard(1, 2, startMs)))).toEqual(['GAP']);
  });

  it('shows the missing end of an epoch by the digest that the next one follows', () => {
    const one = chained(1, 1, 1);
    const two = chained(2, 1, 2);
    const next = chained(3, 2, 1, two.header.digest);
    const folded = world(one, next);
    expect(folded.alerts('device', meter)).toMatchObject([
      {
        code: 'GAP',
        text:
          'Batches are missing: the end of epoch 1 ' +
          '(2026-01-01T00:00:00.000Z to 2026-01-01T00:00:00.000Z).',
        evidence: [3],
      },
    ]);
    expect(codes(folded.apply([two]))).toEqual([]);
  });

  it('stays exact about the count beyond the bound of listed ranges', () => {
    const count = limits.historyRangesMax + 10;
    const entries = Array.from({ length: count }, (_, at) => heard(at + 1, 2 * at + 2, startMs));
    const folded = world(...entries);
    expect(folded.twin('device', meter).attributes['missingBatches']?.value).toBe(count);
    const late = Array.from({ length: count }, (_, at) =>
      heard(count + at + 1, 2 * at + 1, startMs),
    );
    expect(codes(folded.apply(late))).toEqual([]);
  });
});

describe('SILENT', () => {
  const everyMs = 60_000;
  const enrolled = () =>
    new FoldWorld().apply([
      enrolmentEntry({ position: 0, device: meter, cadenceMs, heartbeatMs: everyMs, goods: [box] }),
    ]);
  const dueMs = everyMs + limits.staleGraceMs;
  const silence = (folded: FoldWorld) => codes(folded).filter((code) => code === 'SILENT');

  it('shows within a heartbeat and the grace that the end of a history may be missing', () => {
    const one = batchEntry({ position: 1, device: meter, sequence: 1, receivedMs: startMs });
    const folded = enrolled().apply([one, tickEntry(2, startMs + dueMs - 1)]);
    expect(silence(folded)).toEqual([]);
    expect(silence(folded.apply([tickEntry(3, startMs + dueMs)]))).toEqual(['SILENT']);
    expect(folded.twin('device', meter).alerts).toContainEqual(
      expect.objectContaining({ code: 'SILENT', sinceMs: startMs + dueMs, evidence: [1] }),
    );
    const next = batchEntry({
      position: 4,
      device: meter,
      sequence: 3,
      closedMs: startMs + dueMs,
      receivedMs: startMs + dueMs + 10,
    });
    expect(silence(folded.apply([next]))).toEqual([]);
  });

  it('is not closed by what comes late of the past, nor by what is refused', () => {
    const newest = batchEntry({ position: 1, device: meter, sequence: 5, receivedMs: startMs });
    const late = batchEntry({
      position: 2,
      device: meter,
      sequence: 4,
      receivedMs: startMs + everyMs,
    });
    const folded = enrolled().apply([newest, late, incidentEntry('refusal', 3, late)]);
    expect(silence(folded.apply([tickEntry(4, startMs + dueMs)]))).toEqual(['SILENT']);
  });

  it('counts from the enrolment where no batch came at all', () => {
    expect(silence(enrolled().apply([tickEntry(1, startMs + dueMs - 1)]))).toEqual([]);
    expect(silence(enrolled().apply([tickEntry(1, startMs + dueMs)]))).toEqual(['SILENT']);
  });
});

describe('ROLLBACK', () => {
  it('two epochs behind one digest', () => {
    const one = batchEntry({ position: 1, device: meter, sequence: 1 });
    const follows = one.header.digest;
    const a = batchEntry({ position: 2, device: meter, counter: 2, sequence: 1, follows });
    const nonce = 'f'.repeat(32);
    const b = batchEntry({ position: 3, device: meter, counter: 2, nonce, sequence: 1, follows });
    expect(codes(world(one, a))).toEqual([]);
    const folded = world(one, a, b);
    expect(codes(folded)).toEqual(['ROLLBACK']);
    expect(folded.alerts('device', meter)[0]).toMatchObject({
      severity: 'warning',
      evidence: [2, 3],
    });
  });
});

describe('CLOCK', () => {
  const claimed = (position: number, sequence: number, closedMs: number, receivedMs: number) =>
    batchEntry({ position, device: meter, sequence, closedMs, receivedMs });

  it('fires beyond five seconds ahead of receipt, and not at five', () => {
    expect(codes(world(claimed(1, 1, startMs + 5_000, startMs)))).toEqual([]);
    expect(codes(world(claimed(1, 1, startMs + 5_001, startMs)))).toEqual(['CLOCK']);
  });

  it('takes the signed offset into account', () => {
    const known = batchEntry({
      position: 1,
      device: meter,
      sequence: 1,
      closedMs: startMs + 60_000,
      receivedMs: startMs,
      clock: { source: 'unsynchronised', offsetMs: 60_000 },
    });
    expect(codes(world(known))).toEqual([]);
  });

  it('fires when time goes back, and closes when it is right again', () => {
    const folded = world(
      claimed(1, 1, startMs + 10_000, startMs + 10_000),
      claimed(2, 2, startMs, startMs + 11_000),
    );
    expect(folded.alerts('device', meter)).toMatchObject([
      { code: 'CLOCK', text: 'Its time went back by 10 s.' },
    ]);
    expect(codes(folded.apply([claimed(3, 3, startMs + 12_000, startMs + 12_000)]))).toEqual([]);
  });

  const dated = (sequence: number, timeMs: number, deviceClock?: DeviceClockFault) =>
    batchEntry({
      position: sequence,
      device: meter,
      sequence,
      closedMs: startMs + sequence * minuteMs,
      receivedMs: startMs + sequence * minuteMs,
      groups: [
        {
          timeMs,
          gatewayTimeMs: startMs + sequence * minuteMs,
          ...(deviceClock !== undefined && { deviceClock }),
          about: box,
          readings: [reading('supplyAirTemperature', sequence)],
        },
      ],
    });
  const lost = Date.UTC(2000, 0, 1);

  it("edge 33 (thingsboard-gateway #879): a device's 2000-01-01 fires, and is no time of a value", () => {
    const folded = world(dated(1, startMs + minuteMs), dated(2, lost, 'wrong'));
    expect(folded.alerts('device', meter)).toMatchObject([
      {
        code: 'CLOCK',
        sinceMs: startMs + 2 * minuteMs,
        text: "The device's own clock is wrong; the gateway's time is used.",
      },
    ]);
    const { attributes } = folded.twin('container', box);
    expect(attributes['supplyAirTemperature']).toMatchObject({
      value: 2,
      observedMs: startMs + 2 * minuteMs,
    });
  });

  it('stays open over heartbeats, which say nothing of the clock, and closes when it is right', () => {
    const beat = claimed(3, 3, startMs + 3 * minuteMs, startMs + 3 * minuteMs);
    const folded = world(dated(1, lost, 'jumped'), dated(2, lost, 'stuck'), beat);
    expect(folded.alerts('device', meter)).toMatchObject([
      { code: 'CLOCK', sinceMs: startMs + minuteMs, evidence: [1, 2] },
    ]);
    expect(codes(folded.apply([dated(4, startMs + 4 * minuteMs)]))).toEqual([]);
  });
});

describe('TEMP_EXC', () => {
  let sequence = 0;
  const sample = (minute: number, setPoint: number, supply: number, returned = supply) => {
    sequence += 1;
    return batchEntry({
      position: sequence,
      device: meter,
      sequence,
      receivedMs: startMs + 10_000 * minuteMs,
      groups: [
        {
          timeMs: startMs + minute * minuteMs,
          about: box,
          readings: [
            reading('setPoint', setPoint),
            reading('supplyAirTemperature', supply),
            reading('returnAirTemperature', returned),
          ],
        },
      ],
    });
  };
  const run = (from: number, count: number, air: number, setPoint = 4) =>
    Array.from({ length: count }, (_, at) => sample(from + at, setPoint, air));
  const excursions = (folded: FoldWorld) =>
    folded.alerts('container', box).filter(({ code }) => code === 'TEMP_EXC');

  it('fires in the thirtieth minute beyond the tolerance', () => {
    const folded = world(...run(0, 5, 4), ...run(5, 29, 9));
    expect(excursions(folded)).toEqual([]);
    folded.apply(run(34, 1, 9));
    expect(excursions(folded)).toMatchObject([
      { severity: 'critical', sinceMs: startMs + 5 * minuteMs },
    ]);
  });

  it('does not fire at the tolerance, nor when one minute was within it', () => {
    expect(excursions(world(...run(0, 60, 6)))).toEqual([]);
    expect(excursions(world(...run(0, 29, 9), ...run(29, 1, 4), ...run(30, 29, 9)))).toEqual([]);
  });

  it('a minute without a reading neither clears nor accrues', () => {
    expect(excursions(world(...run(0, 15, 9), ...run(100, 14, 9)))).toEqual([]);
    expect(excursions(world(...run(0, 15, 9), ...run(100, 15, 9)))).toHaveLength(1);
  });

  it('closes only after a full window within the limit', () => {
    const folded = world(...run(0, 30, 9), ...run(30, 29, 4));
    expect(excursions(folded)).toHaveLength(1);
    expect(excursions(folded.apply(run(59, 1, 4)))).toEqual([]);
  });

  it('judges frozen cargo by the return air, and only when it is too warm', () => {
    const frozen = (returned: number) =>
      Array.from({ length: 30 }, (_, at) => sample(at, -18, -5, returned));
    expect(excursions(world(...frozen(-18)))).toEqual([]);
    expect(excursions(world(...frozen(-25)))).toEqual([]);
    expect(excursions(world(...frozen(-12)))).toHaveLength(1);
  });
});
