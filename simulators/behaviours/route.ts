/**
 * A planned route: way points joined by great circles, and the place at a distance along it. The
 * earth is a sphere of the mean radius here; over a leg of 100 km that errs by less than 0.6 %.
 */
import { EdgeError } from '../../devices/errors.ts';

const EARTH_RADIUS_M = 6_371_008.8;
const RADIANS = Math.PI / 180;

/** Longitude and latitude in degrees, in GeoJSON's order. */
export type Position = readonly [number, number];

export interface Route {
  readonly positions: readonly Position[];
  /** Distance of each way point from the first, metres. */
  readonly distancesM: readonly number[];
  readonly lengthM: number;
}

/** Great-circle distance, metres (haversine). */
export function distanceM(from: Position, to: Position): number {
  const latitude = (to[1] - from[1]) * RADIANS;
  const longitude = (to[0] - from[0]) * RADIANS;
  const chord =
    Math.sin(latitude / 2) ** 2 +
    Math.cos(from[1] * RADIANS) * Math.cos(to[1] * RADIANS) * Math.sin(longitude / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(chord)));
}

/** @throws EdgeError SIM_ROUTE_INVALID when fewer than two different positions are given. */
export function createRoute(positions: readonly Position[]): Route {
  const distancesM = [0];
  for (let index = 1; index < positions.length; index += 1) {
    const from = positions[index - 1] as Position;
    const to = positions[index] as Position;
    distancesM.push((distancesM[index - 1] ?? 0) + distanceM(from, to));
  }
  const lengthM = distancesM.at(-1) ?? 0;
  if (!(lengthM > 0)) {
    throw new EdgeError('SIM_ROUTE_INVALID', 'joining the way points of a route');
  }
  return { positions, distancesM, lengthM };
}

/** The place at a distance from the start; before the start and past the end it stays there. */
export function placeAt(route: Route, alongM: number): Position {
  const { positions, distancesM } = route;
  const along = Math.min(Math.max(alongM, 0), route.lengthM);
  let leg = 0;
  while (leg < positions.length - 2 && (distancesM[leg + 1] ?? 0) <= along) leg += 1;
  const from = positions[leg] as Position;
  const to = positions[leg + 1] as Position;
  const start = distancesM[leg] ?? 0;
  const length = (distancesM[leg + 1] ?? 0) - start;
  if (length === 0) return from;
  return between(from, to, (along - start) / length);
}

/** The point a share of the way along the great circle between two places. */
function between(from: Position, to: Position, share: number): Position {
  const angle = distanceM(from, to) / EARTH_RADIUS_M;
  const a = Math.sin((1 - share) * angle) / Math.sin(angle);
  const b = Math.sin(share * angle) / Math.sin(angle);
  const [x1, y1, z1] = vector(from);
  const [x2, y2, z2] = vector(to);
  const x = a * x1 + b * x2;
  const y = a * y1 + b * y2;
  const z = a * z1 + b * z2;
  return [Math.atan2(y, x) / RADIANS, Math.atan2(z, Math.hypot(x, y)) / RADIANS];
}

function vector([longitude, latitude]: Position): [number, number, number] {
  const across = Math.cos(latitude * RADIANS);
  return [
    across * Math.cos(longitude * RADIANS),
    across * Math.sin(longitude * RADIANS),
    Math.sin(latitude * RADIANS),
  ];
}

/**
 * The first LineString of a GeoJSON text (a geometry, Feature or FeatureCollection) as a route.
 * @throws EdgeError SIM_ROUTE_INVALID
 */
export function parseRoute(text: string): Route {
  const positions = lineOf(parseJson(text));
  if (!positions) throw new EdgeError('SIM_ROUTE_INVALID', 'looking for a LineString in a route');
  return createRoute(positions);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EdgeError('SIM_ROUTE_INVALID', 'parsing a route', { cause });
  }
}

function lineOf(value: unknown): Position[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const object = value as Record<string, unknown>;
  if (Array.isArray(object['features'])) {
    for (const feature of object['features']) {
      const found = lineOf(feature);
      if (found) return found;
    }
    return undefined;
  }
  if (object['type'] === 'Feature') return lineOf(object['geometry']);
  if (object['type'] !== 'LineString' || !Array.isArray(object['coordinates'])) return undefined;
  const positions = object['coordinates'].map(positionOf);
  return positions.every((position) => position !== undefined) ? positions : undefined;
}

function positionOf(value: unknown): Position | undefined {
  if (!Array.isArray(value)) return undefined;
  const [longitude, latitude] = value as unknown[];
  if (typeof longitude !== 'number' || typeof latitude !== 'number') return undefined;
  const inRange = Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90;
  return inRange ? [longitude, latitude] : undefined;
}
