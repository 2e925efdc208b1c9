import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRoutes } from '../../../ingest/fold-routes.ts';
import { hasShared, sharedPath } from '../../support/shared.ts';

const line = (name: string, coordinates: unknown, type = 'LineString') => ({
  type: 'Feature',
  properties: { name },
  geometry: { type, coordinates },
});
const collection = (...features: unknown[]) => ({ type: 'FeatureCollection', features });

describe('readRoutes', () => {
  it('reads longitude before latitude', () => {
    const routes = readRoutes(
      JSON.stringify({
        routes: [
          collection(
            line('A', [
              [10, 20],
              [11, 21],
            ]),
          ),
        ],
      }),
    );
    expect(routes.get('A')?.line[0]).toEqual({ latitude: 20, longitude: 10 });
  });

  it('takes the parts of a line only where they join', () => {
    const joined = line(
      'J',
      [
        [
          [0, 0],
          [1, 0],
        ],
        [
          [1, 0],
          [2, 0],
        ],
      ],
      'MultiLineString',
    );
    const apart = line(
      'S',
      [
        [
          [0, 0],
          [1, 0],
        ],
        [
          [1.5, 0],
          [2, 0],
        ],
      ],
      'MultiLineString',
    );
    const routes = readRoutes(JSON.stringify({ routes: [collection(joined, apart)] }));
    expect(routes.get('J')?.line).toHaveLength(3);
    expect(routes.has('S')).toBe(false);
  });

  it('passes over what is no line, and takes the first of a name', () => {
    const routes = readRoutes(
      JSON.stringify({
        routes: [
          collection(
            line('A', [
              [0, 0],
              [1, 0],
            ]),
            line('A', [
              [5, 5],
              [6, 6],
            ]),
            line('short', [[0, 0]]),
            line('wild', [
              [0, 91],
              [0, 92],
            ]),
            { type: 'Feature', properties: null, geometry: null },
          ),
        ],
      }),
    );
    expect([...routes.keys()]).toEqual(['A']);
    expect(routes.get('A')?.line[0]).toEqual({ latitude: 0, longitude: 0 });
  });

  it('gives no routes for what is not JSON', () => {
    expect(readRoutes('no').size).toBe(0);
    expect(readRoutes('[[[[[[{"type":"Feature"}]]]]]]').size).toBe(0);
  });

  describe.skipIf(!hasShared)('of the EIA pipeline layer', () => {
    it('finds real lines by the name of the pipe', () => {
      const file = sharedPath('data', 'pipelines', 'eia-crude-pipelines-us-201606.geojson');
      const routes = readRoutes(readFileSync(file, 'utf8'));
      const pipe = routes.get('LSr Project');
      expect(pipe?.line).toHaveLength(4);
      // Clearbrook to the border near Neche and beyond: some hundred kilometres.
      expect(pipe?.lengthM).toBeGreaterThan(400_000);
      expect(pipe?.lengthM).toBeLessThan(600_000);
    });
  });
});
