import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liquidFlowComputer } from '../../../../devices/profiles/liquid-flow-computer.ts';
import {
  correctionForPressure,
  correctionForTemperature,
  toScale68,
} from '../../../../simulators/behaviours/crude-correction.ts';
import { periodAt, stampOf } from '../../../../simulators/behaviours/flow-archive.ts';
import {
  createFlowComputer,
  defaultFlowSettings,
  type FlowComputerSettings,
  flowComputerValues,
  indicatedVolume,
  stepFlowComputer,
} from '../../../../simulators/behaviours/liquid-flow-computer.ts';

/** 2026-01-31T22:30:00Z. */
const START_MS = 1_769_898_600_000;

function meter(seed = 1, change: Partial<FlowComputerSettings> = {}) {
  return createFlowComputer({ ...defaultFlowSettings(START_MS, seed), ...change });
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const steps = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 60 });

describe('volume correction of crude', () => {
  it('of 35 API at 100 degF is 0.98096', () => {
    const density = (141.5 / (35 + 131.5)) * 999.016;
    expect(correctionForTemperature(density, 100)).toBe(0.98096);
  });

  it('is one at 60 degF and 0 psig for any density', () => {
    fc.assert(
      fc.property(fc.double({ min: 611, max: 1_163, noNaN: true }), (density) => {
        expect(correctionForTemperature(density, 60)).toBe(1);
        expect(correctionForPressure(density, 60, 0)).toBe(1);
      }),
    );
  });

  it('falls with temperature, rises with pressure, and is five decimals', () => {
    const density = fc.double({ min: 700, max: 1_000, noNaN: true });
    fc.assert(
      fc.property(density, fc.integer({ min: 30, max: 150 }), (kgM3, degF) => {
        const factor = correctionForTemperature(kgM3, degF);
        expect(correctionForTemperature(kgM3, degF + 5)).toBeLessThan(factor);
        expect(correctionForPressure(kgM3, degF, 900)).toBeGreaterThan(
          correctionForPressure(kgM3, degF, 300),
        );
        expect(Math.round(factor * 1e5) / 1e5).toBe(factor);
      }),
    );
  });

  it('shifts 60 degF to the scale of 1968 as MPMS 11.1 states', () => {
    expect(toScale68(60)).toBeCloseTo(60.0068749, 7);
  });
});

describe('a flow computer', () => {
  it('shows a value for every point of its profile, and for nothing else', () => {
    const values = flowComputerValues(meter());
    expect(Object.keys(values).sort()).toEqual(Object.keys(liquidFlowComputer.points).sort());
  });

  it('stays within the plausible ranges of its profile', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const state = meter(seed);
        for (let minute = 0; minute < 30; minute += 1) {
          stepFlowComputer(state, 60_000);
          for (const [name, value] of Object.entries(flowComputerValues(state))) {
            const [low, high] = liquidFlowComputer.points[name]?.range ?? [0, 0];
            expect(value, name).toBeGreaterThanOrEqual(low);
            expect(value, name).toBeLessThanOrEqual(high);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it('counts whole pulses, never back, and IV is pulses over K', () => {
    fc.assert(
      fc.property(seeds, steps, (seed, times) => {
        const state = meter(seed);
        for (const elapsedMs of times) {
          const before = structuredClone(state);
          stepFlowComputer(state, elapsedMs);
          expect(Number.isInteger(state.pulses)).toBe(true);
          expect(indicatedVolume(state)).toBe(state.pulses / state.settings.kFactor);
          for (const total of ['pulses', 'grossStandard', 'netStandard', 'massTonnes'] as const) {
            expect(state[total]).toBeGreaterThanOrEqual(before[total]);
          }
        }
      }),
    );
  });

  it('has GSV = IV x MF x CTL x CPL and NSV = GSV x (1 - S&W) in every step', () => {
    fc.assert(
      fc.property(seeds, steps, (seed, times) => {
        const state = meter(seed);
        const { kFactor, meterFactor } = state.settings;
        for (const elapsedMs of times) {
          const before = structuredClone(state);
          // One inner step, in which the factors hold.
          stepFlowComputer(state, Math.min(elapsedMs, 1_000));
          const indicated = (state.pulses - before.pulses) / kFactor;
          const gross = indicated * meterFactor * state.ctl * state.cpl;
          const net = gross * (1 - state.sedimentAndWater / 100);
          expect(state.grossStandard - before.grossStandard).toBeCloseTo(gross, 6);
          expect(state.netStandard - before.netStandard).toBeCloseTo(net, 6);
        }
      }),
    );
  });

  it('moves its totals by the integral of its rate, within half a percent', () => {
    const state = meter(11);
    const before = indicatedVolume(state);
    let integral = 0;
    for (let second = 0; second < 3_600; second += 1) {
      stepFlowComputer(state, 1_000);
      integral += state.rate / 86_400;
    }
    const gross = (indicatedVolume(state) - before) * state.settings.meterFactor;
    expect(Math.abs(gross - integral) / integral).toBeLessThan(0.005);
  });

  it('does the same again from the same seed, also when it was kept as JSON in between', () => {
    fc.assert(
      fc.property(seeds, steps, (seed, times) => {
        const one = meter(seed);
        let two = meter(seed);
        for (const elapsedMs of times) {
          stepFlowComputer(one, elapsedMs);
          two = JSON.parse(JSON.stringify(two));
          stepFlowComputer(two, elapsedMs);
        }
        expect(two).toEqual(one);
      }),
      { numRuns: 20 },
    );
  });

  it('rolls its registers over and nothing else', () => {
    const state = meter(1);
    state.pulses = 2 ** 32 - 1;
    expect(flowComputerValues(state)['pulsesTotal']).toBe(4_294_967_295);
    stepFlowComputer(state, 1_000);
    const values = flowComputerValues(state);
    expect(values['pulsesTotal']).toBeLessThan(1_000);
    expect(values['indicatedVolumeTotal']).toBe(state.pulses / state.settings.kFactor);
    expect(state.pulses).toBeGreaterThan(2 ** 32);
  });
});

describe('a pipeline batch', () => {
  it('ends after its volume, and the next starts from the same pulse', () => {
    const state = meter(4, { batchBarrels: 20, firstBatch: 284 });
    const seen = new Map<number, { startPulses: number; flowing: number }>();
    for (let second = 0; second < 60; second += 1) {
      const pulses = state.pulses;
      stepFlowComputer(state, 1_000);
      const { number, startPulses, flowing } = state.batch;
      if (!seen.has(number)) {
        // The pulses of the step that ended the batch still belong to it.
        expect(startPulses).toBe(seen.size === 0 ? pulses : state.pulses);
      }
      seen.set(number, { startPulses, flowing });
    }
    const numbers = [...seen.keys()];
    expect(numbers.length).toBeGreaterThan(5);
    expect(numbers).toEqual(numbers.map((_, index) => 284 + index));
  });

  it('brings its own crude, which comes with an interface and not at a blow', () => {
    const state = meter(4, { batchBarrels: 400 });
    const densities: number[] = [];
    while (state.batch.number < 286) {
      stepFlowComputer(state, 1_000);
      densities.push(state.baseDensity);
    }
    expect(Math.max(...densities) - Math.min(...densities)).toBeGreaterThan(40);
    const jumps = densities
      .slice(1)
      .map((value, index) => Math.abs(value - (densities[index] ?? 0)));
    expect(Math.max(...jumps)).toBeLessThan(5);
  });
});

describe('the archives', () => {
  it('keep each hour and day as 13 floats whose sums are those of the meter', () => {
    const state = meter(2);
    const before = structuredClone(state);
    stepFlowComputer(state, 3 * 3_600_000);
    expect([state.hourly.count, state.daily.count]).toEqual([3, 1]);
    const records = [1, 2, 3].map((index) => periodAt(state.hourly, index) ?? []);
    expect(records.every((record) => record.length === 13)).toBe(true);
    expect(records.map(([date, time]) => [date, time])).toEqual([
      [13_126, 230_000],
      [20_126, 0],
      [20_126, 10_000],
    ]);
    expect(periodAt(state.daily, 1)?.slice(0, 2)).toEqual([20_126, 0]);
    const pulses = records.reduce((sum, record) => sum + (record[4] ?? 0), 0);
    expect(pulses).toBe(state.pulses - before.pulses - state.hour.pulses);
    const gross = records.reduce((sum, record) => sum + (record[7] ?? 0), 0);
    expect(gross).toBeCloseTo(
      state.grossStandard - before.grossStandard - state.hour.grossStandard,
      3,
    );
    for (const record of records) {
      expect((record[10] ?? 0) * state.settings.kFactor).toBeCloseTo(record[4] ?? 0, 6);
    }
  });

  it('come round as a ring and keep an index for each record', () => {
    const state = meter(2);
    state.hourly = { size: 4, count: 0, records: [] };
    stepFlowComputer(state, 6 * 3_600_000);
    expect(state.hourly.count).toBe(6);
    expect(periodAt(state.hourly, 2)?.[1]).toBe(40_000);
    expect(periodAt(state.hourly, 3)?.[1]).toBe(10_000);
    expect(periodAt(state.hourly, 5)).toBeUndefined();
    expect(periodAt(state.hourly, 0)).toBeUndefined();
  });

  it('stamp any time as Date does', () => {
    const times = fc.integer({ min: 0, max: 4_102_444_799_000 });
    fc.assert(
      fc.property(times, (timeMs) => {
        const text = new Date(timeMs).toISOString();
        const [year, month, day] = [text.slice(2, 4), text.slice(5, 7), text.slice(8, 10)];
        expect(stampOf(timeMs)).toEqual({
          date: Number(`${month}${day}${year}`),
          time: Number(text.slice(11, 19).replaceAll(':', '')),
        });
      }),
    );
  });
});
