import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { steelLine } from '../../../../devices/profiles/steel-line.ts';
import {
  createSteelLine,
  HEAT_MS,
  heatAt,
  type LineEvent,
  steelLineValues,
  stepSteelLine,
} from '../../../../simulators/behaviours/steel-line.ts';

const seeds = fc.integer({ min: 0, max: 1_000_000 });

/** Points of the profile that belong to one event type, or to the variables. */
function pointsOf(event: string | undefined): string[] {
  return Object.entries(steelLine.points)
    .filter(([, point]) => point.opcua?.event === event)
    .map(([name]) => name)
    .sort();
}

function run(seed: number, steps: readonly number[]): LineEvent[] {
  const state = createSteelLine(seed, 26_041);
  return steps.flatMap((stepMs) => stepSteelLine(state, stepMs));
}

describe('a steel line', () => {
  it('does the same from the same seed, however time is cut into steps', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: HEAT_MS }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(seeds, cuts, (seed, steps) => {
        const total = steps.reduce((sum, step) => sum + step, 0);
        expect(run(seed, steps)).toEqual(run(seed, [total]));
      }),
      { numRuns: 50 },
    );
  });

  it('differs from seed to seed and from heat to heat', () => {
    const state = createSteelLine(1, 26_041);
    expect(heatAt(state, 0).chemistry).not.toEqual(heatAt(state, 1).chemistry);
    expect(heatAt(state, 0)).not.toEqual(heatAt(createSteelLine(2, 26_041), 0));
  });

  it('gives no piece that weighs what was never cast, and no cast that was never tapped', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: -1, max: 5_000 }), (seed, index) => {
        const heat = heatAt(createSteelLine(seed, 26_041), index);
        const pieces = heat.pieces.reduce((sum, { weightKg }) => sum + weightKg, 0);
        expect(heat.castWeightKg).toBeLessThan(heat.weightKg);
        expect(pieces).toBeLessThanOrEqual(heat.castWeightKg);
        expect(pieces).toBeGreaterThan(0.98 * heat.castWeightKg);
      }),
    );
  });

  it('stays inside the ranges of its profile, and carbon inside the grade', () => {
    const carbonMax: Record<string, number> = { S355J2: 0.2, S235JR: 0.17, 'SAE 1008': 0.1 };
    for (const { type, fields } of run(3, [200 * HEAT_MS])) {
      for (const [point, value] of Object.entries(fields)) {
        const range = steelLine.points[point]?.range;
        if (range && typeof value === 'number') {
          expect(value, point).toBeGreaterThanOrEqual(range[0]);
          expect(value, point).toBeLessThanOrEqual(range[1]);
        }
      }
      if (type === 'HeatTappedEventType') {
        expect(fields['carbon']).toBeLessThan(carbonMax[String(fields['grade'])] ?? 0);
      }
    }
  });

  it('names a heat before its pieces, each number once, and ends its cast with all pieces cut', () => {
    const events = run(4, [20 * HEAT_MS]);
    const heats = events.filter(({ type }) => type === 'HeatTappedEventType');
    const pieces = events.filter(({ type }) => type === 'PieceFinishedEventType');
    const ids = [
      ...heats.map(({ fields }) => fields['heatId']),
      ...pieces.map(({ fields }) => fields['pieceId']),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(heats.length).toBe(20);
    for (const { atMs, fields } of pieces) {
      const heat = heats.find((candidate) => candidate.fields['heatId'] === fields['pieceHeatId']);
      if (heat) expect(heat.atMs).toBeLessThan(atMs);
    }
    const times = events.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('fills every point of the profile', () => {
    for (const event of [
      'HeatTappedEventType',
      'CastFinishedEventType',
      'PieceFinishedEventType',
    ]) {
      const found = run(5, [3 * HEAT_MS]).find(({ type }) => type === event);
      expect(Object.keys(found?.fields ?? {}).sort()).toEqual(pointsOf(event));
    }
    const { values } = steelLineValues(createSteelLine(5, 26_041));
    expect(Object.keys(values).sort()).toEqual(pointsOf(undefined));
  });

  it('keeps values within range, counters rising, and knows when its pyrometer sees steam', () => {
    const state = createSteelLine(6, 26_041);
    const states = new Set<string>();
    let before = 0n;
    for (let step = 0; step < 3_000; step += 1) {
      stepSteelLine(state, HEAT_MS / 97);
      const { values, sensors } = steelLineValues(state);
      states.add(sensors['finishingTemperature'] ?? '');
      for (const [point, value] of Object.entries(values)) {
        const range = steelLine.points[point]?.range;
        if (!range || typeof value !== 'number') continue;
        expect(value >= range[0] && value <= range[1], `${point} ${value}`).toBe(true);
      }
      const total = values['millMassTotal'] as bigint;
      expect(total >= before).toBe(true);
      before = total;
    }
    expect([...states].sort()).toEqual(['failed', 'good', 'uncertain']);
  });
});
