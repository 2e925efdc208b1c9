import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  distanceM,
  earthRadiusM,
  interpolate,
  lineLengthM,
  pointAlong,
} from '../../../devices/geo.ts';

const points = fc.record({
  latitude: fc.double({ min: -89, max: 89, noNaN: true }),
  longitude: fc.double({ min: -179, max: 179, noNaN: true }),
});

describe('distanceM', () => {
  it('is a quarter of the circumference from the equator to the pole', () => {
    const pole = { latitude: 90, longitude: 0 };
    expect(distanceM({ latitude: 0, longitude: 25 }, pole)).toBeCloseTo(
      (Math.PI / 2) * earthRadiusM,
      3,
    );
  });

  it('is one degree of longitude shorter towards the pole by the cosine', () => {
    const across = (latitude: number) =>
      distanceM({ latitude, longitude: 0 }, { latitude, longitude: 0.001 });
    expect(across(60) / across(0)).toBeCloseTo(0.5, 6);
  });

  it('is symmetric, and zero only for the same point', () => {
    fc.assert(
      fc.property(points, points, (a, b) => {
        expect(distanceM(a, b)).toBeCloseTo(distanceM(b, a), 6);
        expect(distanceM(a, a)).toBe(0);
      }),
    );
  });
});

describe('interpolate', () => {
  it('divides the way at the fraction', () => {
    fc.assert(
      fc.property(points, points, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, fraction) => {
        const whole = distanceM(a, b);
        fc.pre(whole > 1 && whole < 19_000_000);
        const between = interpolate(a, b, fraction);
        expect(distanceM(a, between)).toBeCloseTo(whole * fraction, 0);
        expect(distanceM(between, b)).toBeCloseTo(whole * (1 - fraction), 0);
      }),
    );
  });
});

describe('pointAlong', () => {
  const line = [
    { latitude: 0, longitude: 0 },
    { latitude: 0, longitude: 1 },
    { latitude: 1, longitude: 1 },
  ];
  const degreeM = lineLengthM(line) / 2;

  it('turns the corner', () => {
    expect(pointAlong(line, degreeM / 2)?.longitude).toBeCloseTo(0.5, 9);
    const beyond = pointAlong(line, degreeM * 1.25);
    expect(beyond?.longitude).toBeCloseTo(1, 9);
    expect(beyond?.latitude).toBeCloseTo(0.25, 9);
  });

  it('ends exactly where the line ends, and gives nothing beyond', () => {
    expect(pointAlong(line, 0)).toEqual(line[0]);
    expect(pointAlong(line, lineLengthM(line) * (1 - Number.EPSILON))?.latitude).toBeCloseTo(1, 9);
    expect(pointAlong(line, lineLengthM(line) + 0.001)).toBeUndefined();
    expect(pointAlong(line, -1)).toBeUndefined();
    expect(pointAlong(line, Number.NaN)).toBeUndefined();
    expect(pointAlong([], 0)).toBeUndefined();
  });
});
