/**
 * Geometry on the sphere: distances, interpolation along a great circle, a point along a line.
 * The sphere has the mean radius of WGS 84, which is within 0.5 % of the ellipsoid.
 */

/** WGS 84 degrees. */
export interface GeoPoint {
  readonly latitude: number;
  readonly longitude: number;
}

/** Mean Earth radius R1 = (2a + b) / 3 of WGS 84, metres. */
export const earthRadiusM = 6_371_008.8;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
const degrees = (angle: number): number => (angle * 180) / Math.PI;

/** Great-circle distance in metres (haversine, exact for small distances too). */
export function distanceM(a: GeoPoint, b: GeoPoint): number {
  return earthRadiusM * centralAngle(a, b);
}

/** The point at `fraction` (0 to 1) of the great circle from `a` to `b`. */
export function interpolate(a: GeoPoint, b: GeoPoint, fraction: number): GeoPoint {
  const angle = centralAngle(a, b);
  const sine = Math.sin(angle);
  // Coincident points have no direction; antipodal ones have every direction.
  if (sine < 1e-12) return fraction < 0.5 ? a : b;
  const weightA = Math.sin((1 - fraction) * angle) / sine;
  const weightB = Math.sin(fraction * angle) / sine;
  const [ax, ay, az] = vector(a);
  const [bx, by, bz] = vector(b);
  const x = weightA * ax + weightB * bx;
  const y = weightA * ay + weightB * by;
  const z = weightA * az + weightB * bz;
  return {
    latitude: degrees(Math.atan2(z, Math.hypot(x, y))),
    longitude: degrees(Math.atan2(y, x)),
  };
}

/** Length of a line of great circles, metres. */
export function lineLengthM(line: readonly GeoPoint[]): number {
  let length = 0;
  for (let index = 1; index < line.length; index += 1) length += segmentM(line, index);
  return length;
}

/**
 * The point `distance` metres along a line, or `undefined` when the line is shorter, has no
 * point, or the distance is negative: a place is never made up beyond what is known.
 */
export function pointAlong(line: readonly GeoPoint[], distance: number): GeoPoint | undefined {
  if (!(distance >= 0)) return undefined;
  let left = distance;
  for (let index = 1; index < line.length; index += 1) {
    const length = segmentM(line, index);
    const from = line[index - 1];
    const to = line[index];
    if (from === undefined || to === undefined) return undefined;
    if (left <= length) return length === 0 ? from : interpolate(from, to, left / length);
    left -= length;
  }
  return undefined;
}

function segmentM(line: readonly GeoPoint[], index: number): number {
  const from = line[index - 1];
  const to = line[index];
  return from === undefined || to === undefined ? 0 : distanceM(from, to);
}

function centralAngle(a: GeoPoint, b: GeoPoint): number {
  const latitude = Math.sin(radians(b.latitude - a.latitude) / 2);
  const longitude = Math.sin(radians(b.longitude - a.longitude) / 2);
  const h =
    latitude * latitude +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * longitude * longitude;
  return 2 * Math.asin(Math.min(1, Math.sqrt(h)));
}

function vector(point: GeoPoint): readonly [number, number, number] {
  const latitude = radians(point.latitude);
  const longitude = radians(point.longitude);
  return [
    Math.cos(latitude) * Math.cos(longitude),
    Math.cos(latitude) * Math.sin(longitude),
    Math.sin(latitude),
  ];
}
