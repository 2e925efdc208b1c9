import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reefer } from '../../../../devices/profiles/reefer.ts';
import {
  createReefer,
  defaultReeferSettings,
  type ReeferState,
  reeferValues,
  stepReefer,
} from '../../../../simulators/behaviours/reefer.ts';
import { createRoute, distanceM } from '../../../../simulators/behaviours/route.ts';
import { truckCorridor } from '../../../../simulators/scenarios/border/places.ts';

const route = createRoute(truckCorridor.geometry.coordinates);
const NEVER_S = 1e15;

/** A container to which nothing happens by chance. */
function container(seed = 1, startM = 0): ReeferState {
  const settings = defaultReeferSettings('MSKU9070323', seed);
  const calm = { doorEveryS: NEVER_S, powerFailsEveryS: NEVER_S };
  return createReefer({ ...settings, ...calm, startM });
}

function place(state: ReeferState): [number, number] {
  const { numbers } = reeferValues(state, route);
  return [numbers['longitude'] ?? 0, numbers['latitude'] ?? 0];
}

describe('a refrigerated container', () => {
  it('shows a value for every point of its profile, and for nothing else', () => {
    const { numbers, flags } = reeferValues(container(), route);
    expect([...Object.keys(numbers), ...Object.keys(flags)].sort()).toEqual(
      Object.keys(reefer.points).sort(),
    );
  });

  it('stays plausible for hours, doors and power failures included', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const settings = defaultReeferSettings('MSKU9070323', seed);
        const state = createReefer({ ...settings, doorEveryS: 1_800, powerFailsEveryS: 3_600 });
        for (let minute = 0; minute < 120; minute += 1) {
          stepReefer(state, route, 60_000);
          for (const [name, value] of Object.entries(reeferValues(state, route).numbers)) {
            const [low, high] = reefer.points[name]?.range ?? [0, 0];
            expect(value, name).toBeGreaterThanOrEqual(low);
            expect(value, name).toBeLessThanOrEqual(high);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it('holds its set point while nothing happens', () => {
    const state = container();
    stepReefer(state, route, 3_600_000);
    expect(Math.abs(state.supply - state.settings.setPoint)).toBeLessThan(2);
    expect(Math.abs(state.return - state.settings.setPoint)).toBeLessThan(2);
  });

  it('warms and stands while a door is open, and comes back once it is closed', () => {
    const state = container();
    stepReefer(state, route, 600_000);
    const before = state.return;
    state.doorOpenS = 300;
    stepReefer(state, route, 290_000);
    expect(reeferValues(state, route).flags['doorOpen']).toBe(true);
    expect(state.return).toBeGreaterThan(before + 2);
    expect(state.speedKmh).toBe(0);
    stepReefer(state, route, 11_000);
    expect(reeferValues(state, route).flags['doorOpen']).toBe(false);
    stepReefer(state, route, 1_200_000);
    expect(Math.abs(state.return - before)).toBeLessThan(1.5);
    expect(state.speedKmh).toBeGreaterThan(60);
  });

  it('warms slowly without power', () => {
    const state = container();
    stepReefer(state, route, 600_000);
    const { supply } = state;
    state.powerOffS = 1_200;
    stepReefer(state, route, 1_190_000);
    expect(reeferValues(state, route).flags['powered']).toBe(false);
    expect(state.supply).toBeGreaterThan(supply + 0.5);
  });

  it('moves along its route as fast as it says, and stops at the end', () => {
    const state = container(3, 100_000);
    const from = place(state);
    stepReefer(state, route, 600_000);
    const km = distanceM(from, place(state)) / 1000;
    expect(km).toBeGreaterThan(12);
    expect(km).toBeLessThan(16);
    state.alongM = route.lengthM - 10;
    stepReefer(state, route, 60_000);
    expect(state.alongM).toBe(route.lengthM);
    expect(state.speedKmh).toBe(0);
    expect(distanceM(place(state), [-110.967, 32.217])).toBeLessThan(40);
  });

  it('is within its own accuracy nineteen times of twenty', () => {
    const state = container(5, 300_000);
    let within = 0;
    for (let minute = 0; minute < 2_000; minute += 1) {
      stepReefer(state, route, 60_000);
      const errorM = Math.hypot(state.errorEastM, state.errorNorthM);
      if (errorM <= state.accuracyM) within += 1;
    }
    expect(within / 2_000).toBeGreaterThan(0.93);
    expect(within / 2_000).toBeLessThan(0.97);
  });

  it('does the same again from the same seed', () => {
    const [one, two] = [container(9), container(9)];
    stepReefer(one, route, 300_000);
    stepReefer(two, route, 300_000);
    expect(two).toEqual(one);
    expect(container(10).return).not.toBe(container(9).return);
  });
});
