import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createRoute,
  distanceM,
  type Position,
  parseRoute,
  placeAt,
} from '../../../../simulators/behaviours/route.ts';

const position = fc
  .tuple(
    fc.double({ min: -170, max: 170, noNaN: true }),
    fc.double({ min: -80, max: 80, noNaN: true }),
  )
  .map(([longitude, latitude]): Position => [longitude, latitude]);

describe('a distance', () => {
  it('of one degree on the equator and on a meridian is 111.195 km', () => {
    expect(distanceM([0, 0], [1, 0])).toBeCloseTo(111_195, 0);
    expect(distanceM([-97, 48], [-97, 49])).toBeCloseTo(111_195, 0);
  });

  it('from Nogales to Tucson is about 97 km', () => {
    expect(distanceM([-110.936081, 31.3402134], [-110.96667, 32.21667]) / 1000).toBeCloseTo(
      97.5,
      0,
    );
  });
});

describe('a route', () => {
  it('has each place at its distance from the one before', () => {
    fc.assert(
      fc.property(
        fc.array(position, { minLength: 2, maxLength: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (positions, share) => {
          const total = positions
            .slice(1)
            .reduce((sum, to, i) => sum + distanceM(positions[i] ?? to, to), 0);
          // Antipodes have no one great circle between them.
          fc.pre(
            total > 1 &&
              positions.slice(1).every((to, i) => distanceM(positions[i] ?? to, to) < 1.9e7),
          );
          const route = createRoute(positions);
          expect(route.lengthM).toBeCloseTo(total, 3);
          const along = share * route.lengthM;
          const leg = route.distancesM.findLastIndex((distance) => distance <= along);
          const start = positions[leg] ?? [0, 0];
          const onward = distanceM(start, placeAt(route, along));
          expect(Math.abs(onward - (along - (route.distancesM[leg] ?? 0)))).toBeLessThan(1);
        },
      ),
    );
  });

  it('stays at its ends', () => {
    const route = createRoute([
      [0, 0],
      [1, 1],
    ]);
    expect(placeAt(route, -5)).toEqual([0, 0]);
    const [longitude, latitude] = placeAt(route, 1e9);
    expect(longitude).toBeCloseTo(1, 9);
    expect(latitude).toBeCloseTo(1, 9);
  });

  it.each([
    [
      'geometry',
      {
        type: 'LineString',
        coordinates: [
          [0, 0],
          [1, 0],
        ],
      },
    ],
    [
      'feature',
      {
        type: 'Feature',
        geometry: {
          type: 'LineString',
          coordinates: [
            [0, 0, 9],
            [1, 0],
          ],
        },
      },
    ],
    [
      'collection',
      {
        type: 'FeatureCollection',
        features: [
          { type: 'Feature', geometry: { type: 'Point', coordinates: [0, 0] } },
          {
            type: 'Feature',
            geometry: {
              type: 'LineString',
              coordinates: [
                [0, 0],
                [1, 0],
              ],
            },
          },
        ],
      },
    ],
  ])('is read from a GeoJSON %s', (_, value) => {
    expect(parseRoute(JSON.stringify(value)).lengthM).toBeCloseTo(111_195, 0);
  });

  it.each([
    '',
    '{',
    'null',
    '{"type":"Point","coordinates":[0,0]}',
    '{"type":"LineString","coordinates":[[0,0]]}',
    '{"type":"LineString","coordinates":[[0,0],[0,0]]}',
    '{"type":"LineString","coordinates":[[0,0],[0,91]]}',
    '{"type":"LineString","coordinates":[[0,0],["1",0]]}',
    '{"type":"LineString"}',
  ])('is not read from %s', (text) => {
    expect(() => parseRoute(text)).toThrowError(
      expect.objectContaining({ code: 'SIM_ROUTE_INVALID' }),
    );
  });
});
