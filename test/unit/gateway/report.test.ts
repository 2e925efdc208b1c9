import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DeviceProfile,
  defineProfile,
  type PointDefinition,
} from '../../../devices/profile.ts';
import type { Quality, Reading, ReadingGroup, Value } from '../../../devices/reading.ts';
import { checkReport } from '../../../gateway/config-report.ts';
import { planReports, Reporter, signedCadenceMs } from '../../../gateway/report.ts';
import { manualClock } from '../../support/manual-clock.ts';

const place = { table: 'input', address: 0, encoding: { type: 'float32', order: 'ABCD' } } as const;
const meter = (points: Record<string, Partial<PointDefinition>>): DeviceProfile =>
  defineProfile({
    name: 'test-meter',
    summary: 'a test',
    source: 'none',
    protocol: 'modbus',
    reportsOn: 'pipeline-batch',
    points: Object.fromEntries(
      Object.entries(points).map(([name, point]) => [
        name,
        { summary: name, type: 'Temperature', unit: 'CEL', modbus: place, ...point },
      ]),
    ),
  });

function reading(point: string, value: Value | undefined, more: Partial<Reading> = {}): Reading {
  const quality: Quality = value === undefined ? 'bad' : 'good';
  const fixed = { point, type: 'Temperature', unit: 'CEL', rawHex: '00', quality };
  return value === undefined ? { ...fixed, ...more } : { ...fixed, value, ...more };
}

function start(profile: DeviceProfile, settings?: Parameters<typeof planReports>[1]) {
  const clock = manualClock();
  const released: { atMs: number; groups: readonly ReadingGroup[] }[] = [];
  const reporter = new Reporter({
    plan: planReports(profile, settings),
    clock,
    release: (groups) => released.push({ atMs: clock.monotonicMs(), groups }),
  });
  /** Readings of one moment; which points of them are signed at once. */
  const take = (readings: readonly Reading[], more: Partial<ReadingGroup> = {}) =>
    reporter
      .take([{ timeMs: clock.nowMs(), readings, ...more }])
      .flatMap((group) => group.readings.map(({ point }) => point));
  return { clock, released, reporter, take };
}

const narrow = meter({ t: { deadband: { absolute: 0.5 }, maxSilenceMs: 10_000 } });

describe('a point with a deadband', () => {
  it('is signed first, and then beyond the deadband, not at it', () => {
    const { reporter, take } = start(narrow);
    expect(take([reading('t', 20)])).toEqual(['t']);
    expect(take([reading('t', 20.5)])).toEqual([]);
    expect(take([reading('t', 20.500001)])).toEqual(['t']);
    expect(take([reading('t', 20)])).toEqual(['t']);
    // The one that was overtaken counts; the newest is still held.
    expect(reporter.takeSuppressed()).toBe(1);
    expect(take([reading('t', 20.1)])).toEqual([]);
    expect(reporter.takeSuppressed()).toBe(0);
    reporter.close();
    expect(reporter.takeSuppressed()).toBe(1);
  });

  it("is not signed for another server's time alone", () => {
    const { take } = start(narrow);
    expect(take([reading('t', 20, { serverTimeMs: 1 })])).toEqual(['t']);
    expect(take([reading('t', 20, { serverTimeMs: 2 })])).toEqual([]);
    expect(take([reading('t', 20)])).toEqual([]);
  });

  it.each([
    ['quality', [reading('t', 20, { quality: 'uncertain' })], {}],
    ['status', [reading('t', 20, { status: 'opcua:GoodClamped' })], {}],
    ['value, by going', [reading('t', undefined)], {}],
    ['goods', [reading('t', 20)], { about: 'did:web:you.example/batch/B' }],
    ['believed time', [reading('t', 20)], { gatewayTimeMs: 5, deviceClock: 'wrong' as const }],
  ])('is signed when it changes its %s', (_, readings, more) => {
    const { take } = start(narrow);
    expect(take([reading('t', 20)])).toEqual(['t']);
    expect(take(readings, more)).toEqual(['t']);
    expect(take(readings, more)).toEqual([]);
  });

  it('signs a record of an archive each time, and it is not what it compares with', () => {
    const { take } = start(narrow);
    take([reading('t', 20)]);
    expect(take([reading('t', 25, { quality: 'archived' })])).toEqual(['t']);
    expect(take([reading('t', 20.1)])).toEqual([]);
  });

  it('signs the first value after a loss, of those points that it is of', () => {
    const { reporter, take } = start(
      meter({ t: { deadband: { absolute: 1 } }, u: { deadband: { absolute: 1 } } }),
    );
    const both = [reading('t', 1), reading('u', 1)];
    take(both);
    const hole = { fromMs: 0, toMs: 1, count: 1, cause: 'timeout' } as const;
    reporter.lost([{ ...hole, points: ['t'] }]);
    expect(take(both)).toEqual(['t']);
    reporter.lost([hole]);
    expect(take(both)).toEqual(['t', 'u']);
  });

  it('takes a percentage of the span of its range', () => {
    const { take } = start(meter({ t: { range: [-50, 150], deadband: { percent: 1 } } }));
    take([reading('t', 0)]);
    expect(take([reading('t', 2)])).toEqual([]);
    expect(take([reading('t', 2.01)])).toEqual(['t']);
  });

  it('signs any change of a truth value, a text, and of an integer that no double holds', () => {
    const wide = { absolute: 5 };
    const profile = meter({
      b: { deadband: wide },
      s: { deadband: wide },
      n: { deadband: { absolute: 0 } },
    });
    const { take } = start(profile);
    const one = [reading('b', false), reading('s', 'A'), reading('n', 2n ** 63n)];
    take(one);
    expect(take(one)).toEqual([]);
    expect(take([reading('b', true), reading('s', 'B'), reading('n', 2n ** 63n + 1n)])).toEqual([
      'b',
      's',
      'n',
    ]);
  });

  it('takes a set point along with what is judged by it', () => {
    const profile = meter({
      air: { deadband: { absolute: 0.5 } },
      set: { deadband: { absolute: 0 }, quantity: 'setpoint' },
    });
    const { take } = start(profile);
    take([reading('set', 4), reading('air', 4)]);
    expect(take([reading('set', 4), reading('air', 4.1)])).toEqual([]);
    expect(take([reading('set', 4), reading('air', 9)])).toEqual(['set', 'air']);
  });

  it('is signed with the newest that came when it was silent for the maximum', () => {
    const { clock, released, take } = start(narrow);
    take([reading('t', 20)]);
    clock.advance(4_000);
    take([reading('t', 20.2)]);
    clock.advance(1_000);
    take([reading('t', 20.3)]);
    // A source that reports changes says nothing more: what it said last is signed all the same.
    clock.advance(4_999);
    expect(released).toEqual([]);
    clock.advance(1);
    expect(released).toMatchObject([{ atMs: 10_000, groups: [{ readings: [{ value: 20.3 }] }] }]);
    expect(clock.pending()).toBe(0);
  });
});

describe('a plan', () => {
  const profile = meter({ t: { deadband: { absolute: 1 } }, u: {} });

  it('is of the profile, and what the device says of a point goes over it', () => {
    expect([...planReports(profile).keys()]).toEqual(['t']);
    expect([...planReports(profile, { t: { always: true } }).keys()]).toEqual([]);
    expect(
      planReports(profile, { u: { deadband: { absolute: 2 }, maxSilenceMs: 50 } }).get('u'),
    ).toEqual({ deadband: 2, maxSilenceMs: 50, isCompanion: false });
    expect(planReports(profile, { t: { maxSilenceMs: 50 } }).get('t')).toMatchObject({
      deadband: 1,
    });
  });

  it('tells how often a device that answers has something signed', () => {
    const setting = { deadband: { absolute: 2 }, maxSilenceMs: 5_000 };
    expect(signedCadenceMs(profile, planReports(profile), 1_000)).toBe(1_000);
    const all = planReports(profile, { u: setting });
    expect(signedCadenceMs(profile, all, 1_000)).toBe(5_000);
    expect(signedCadenceMs(profile, all, 7_000)).toBe(7_000);
  });

  it('has its mistakes told at their place', () => {
    const told = (report: Parameters<typeof checkReport>[0]) =>
      checkReport(report, profile).map(({ path, message }) => `${path.join('.')}: ${message}`);
    expect(told({ t: { deadband: { absolute: 1 } }, u: { always: true } })).toEqual([]);
    expect(told({ v: { deadband: { absolute: 1 } } })).toEqual([
      'report: profile test-meter has no point "v"',
    ]);
    expect(told({ u: { maxSilenceMs: 50 } })).toEqual([
      'report.u: "deadband" is required here: without one every value is signed',
    ]);
    expect(told({ t: { deadband: {} } })).toEqual([
      'report.t.deadband: write one of "absolute" and "percent"',
    ]);
    expect(told({ t: { deadband: { percent: 1 } } })[0]).toMatch(/^report\.t\.deadband\.percent: /);
  });
});

it('never lets the signed series differ by more than the deadband, nor be silent for too long', () => {
  const series = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 1, max: 4_000 }),
      step: fc.integer({ min: -9, max: 9 }),
    }),
    { minLength: 1, maxLength: 60 },
  );
  const plans = fc.record({
    deadband: fc.integer({ min: 0, max: 12 }),
    maxSilenceMs: fc.integer({ min: 10, max: 9_000 }),
  });
  fc.assert(
    fc.property(series, plans, (steps, { deadband, maxSilenceMs }) => {
      const profile = meter({ t: { deadband: { absolute: deadband / 4 }, maxSilenceMs } });
      const { clock, released, reporter, take } = start(profile);
      let value = 0;
      let signed: number | undefined;
      let signedAtMs = 0;
      let count = 0;
      let seen = 0;
      const sign = (what: number, atMs: number) => {
        expect(atMs - signedAtMs).toBeLessThanOrEqual(Math.max(maxSilenceMs, lastGapMs));
        signed = what;
        signedAtMs = atMs;
        count += 1;
      };
      let lastGapMs = 0;
      for (const { afterMs, step } of steps) {
        lastGapMs = afterMs;
        clock.advance(afterMs);
        for (const { atMs, groups } of released.splice(0)) {
          sign(Number(groups[0]?.readings[0]?.value), atMs);
          // Whoever has only what was signed is never further away, between any two readings.
          expect(Math.abs(Number(signed) - value)).toBeLessThanOrEqual(deadband / 4);
        }
        value += step / 4;
        seen += 1;
        if (take([reading('t', value)]).length > 0) sign(value, clock.monotonicMs());
        expect(Math.abs(Number(signed) - value)).toBeLessThanOrEqual(deadband / 4);
      }
      reporter.close();
      expect(count + reporter.takeSuppressed()).toBe(seen);
    }),
    { numRuns: 300 },
  );
});
