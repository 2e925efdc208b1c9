/**
 * The routes in force: lines that goods travel on, read from the GeoJSON in a `rules` entry. A
 * line of several parts is taken only where the parts join, so that no length is made up.
 */
import { type GeoPoint, lineLengthM } from '../devices/geo.ts';

export interface Route {
  readonly name: string;
  readonly line: readonly GeoPoint[];
  readonly lengthM: number;
}

/** Routes by name. */
export type RouteTable = ReadonlyMap<string, Route>;

export const noRoutes: RouteTable = new Map();

/**
 * The routes of a `rules` entry: a FeatureCollection, or JSON with a `routes` member that is one
 * or a list of them. A feature's name is `properties.name`, or `properties.Pipename` as in the
 * pipeline layers of the EIA, or its `id`; the first line of a name counts. Other features are
 * passed over: a mistake in a route costs a place, never the twin.
 */
export function readRoutes(json: string): RouteTable {
  const routes = new Map<string, Route>();
  for (const feature of features(parse(json), 0)) {
    const name = nameOf(feature);
    const line = lineOf(feature['geometry']);
    if (name === undefined || line === undefined || routes.has(name)) continue;
    routes.set(name, { name, line, lengthM: lineLengthM(line) });
  }
  return routes;
}

type Json = Readonly<Record<string, unknown>>;

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function features(value: unknown, depth: number): Json[] {
  if (depth > 4) return [];
  if (Array.isArray(value)) return value.flatMap((member) => features(member, depth + 1));
  if (!isJson(value)) return [];
  if (value['type'] === 'Feature') return [value];
  return features(
    value['type'] === 'FeatureCollection' ? value['features'] : value['routes'],
    depth + 1,
  );
}

function nameOf(feature: Json): string | undefined {
  const properties = isJson(feature['properties']) ? feature['properties'] : {};
  for (const name of [properties['name'], properties['Pipename'], feature['id']]) {
    if (typeof name === 'string' && name !== '') return name;
  }
  return undefined;
}

function lineOf(geometry: unknown): GeoPoint[] | undefined {
  if (!isJson(geometry)) return undefined;
  if (geometry['type'] === 'LineString') return pointsOf(geometry['coordinates']);
  if (geometry['type'] !== 'MultiLineString' || !Array.isArray(geometry['coordinates'])) {
    return undefined;
  }
  const joined: GeoPoint[] = [];
  for (const part of geometry['coordinates']) {
    const points = pointsOf(part);
    const [first] = points ?? [];
    const last = joined.at(-1);
    if (points === undefined || first === undefined) return undefined;
    if (last && (last.latitude !== first.latitude || last.longitude !== first.longitude)) {
      return undefined;
    }
    joined.push(...(last === undefined ? points : points.slice(1)));
  }
  return joined.length > 1 ? joined : undefined;
}

/** GeoJSON has longitude first (RFC 7946 §3.1.1). */
function pointsOf(coordinates: unknown): GeoPoint[] | undefined {
  if (!Array.isArray(coordinates) || coordinates.length < 2) return undefined;
  const points: GeoPoint[] = [];
  for (const position of coordinates) {
    const [longitude, latitude] = Array.isArray(position) ? position : [];
    if (!isDegrees(latitude, 90) || !isDegrees(longitude, 180)) return undefined;
    points.push({ latitude, longitude });
  }
  return points;
}

function isDegrees(value: unknown, bound: number): value is number {
  return typeof value === 'number' && Math.abs(value) <= bound;
}
