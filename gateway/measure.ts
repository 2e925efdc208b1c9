/**
 * Samples and a device profile make readings: decoded, scaled, judged, and grouped by sample time
 * and by the goods that they are about. A fold without I/O: the only memory is which goods each
 * group of points was last known to be about.
 */
import { strict as assert } from 'node:assert';
import { limits } from '../devices/limits.ts';
import {
  allPointsOf,
  type DeviceProfile,
  type GoodsKind,
  type PointDefinition,
} from '../devices/profile.ts';
import type { Quality, Reading, ReadingGroup, Sample } from '../devices/reading.ts';
import { convertWire, isSentinel } from './convert.ts';
import { decode } from './decode.ts';
import type { SampleSet } from './driver.ts';

/** What is worked out once of a profile and the site's setting for goods. */
export interface MeasurePlan {
  readonly points: ReadonlyMap<string, PointPlan>;
  /** The goods where no point names them: the whole URI of the setting. */
  readonly goods?: string;
}

interface PointPlan {
  readonly definition: PointDefinition;
  readonly group: string;
  /** Position in the profile. */
  readonly index: number;
  /** Set on points that name the goods: what stands before the encoded value. */
  readonly prefix?: string;
}

/** By group of points: the URI of the goods that the device last named. Changed by `measure`. */
export type GoodsMemory = Map<string, string>;

/** Path segment of each kind of goods below an organisation's DID. */
const SEGMENT: Readonly<Record<GoodsKind, string>> = {
  'pipeline-batch': 'batch',
  'gas-flow': 'gas-flow',
  'steel-heat': 'heat',
  'steel-piece': 'piece',
  container: 'container',
  parcel: 'parcel',
};

/** Times that can be signed are of the years 0001 to 9999 (devices/credential/reading-wire.ts). */
const TIME_MS_MIN = -62_135_596_800_000;
const TIME_MS_MAX = 253_402_300_799_999;

/**
 * Works out what `measure` needs. `goods` is the prefix that an identifying point's value
 * completes; where the profile names several kinds of goods, the kind's path segment (`heat`,
 * `piece`) comes between. Where it names none, `goods` is the whole URI.
 */
export function planMeasurement(profile: DeviceProfile, goods: string | undefined): MeasurePlan {
  const definitions = Object.entries(allPointsOf(profile));
  const kinds = new Set(definitions.flatMap(([, { identifies }]) => identifies ?? []));
  const points = new Map<string, PointPlan>();
  for (const [index, [name, definition]] of definitions.entries()) {
    const { identifies, group = '' } = definition;
    const prefix =
      identifies && goods !== undefined
        ? kinds.size > 1
          ? `${goods}${SEGMENT[identifies]}/`
          : goods
        : undefined;
    points.set(name, { definition, group, index, ...(prefix !== undefined && { prefix }) });
  }
  return { points, ...(kinds.size === 0 && goods !== undefined && { goods }) };
}

/** The readings of one sample set; those of one point keep the order in which they came. */
export function measure(set: SampleSet, plan: MeasurePlan, memory: GoodsMemory): ReadingGroup[] {
  const named = nameGoods(set, plan, memory);
  const groups: (ReadingGroup & { readonly readings: Reading[] })[] = [];
  /** Position of the newest group of a time and goods, and of the newest that has the point. */
  const placeOf = new Map<string, number>();
  const lastOf = new Map<string, number>();
  for (const sample of set.samples) {
    const point = planOf(plan, sample.point);
    const sourceTimeMs = usableTime(sample.sourceTimeMs);
    const timeMs = sourceTimeMs ?? Math.trunc(sample.gatewayTimeMs);
    // A record sums up a period, in which other goods may have passed than those of now.
    const isRecord = sample.quality === 'archived';
    const about = plan.goods ?? (isRecord ? undefined : named(point.group, timeMs));
    const key = `${timeMs} ${sourceTimeMs === undefined ? '' : 's'} ${about ?? ''}`;
    let place = placeOf.get(key);
    if (place === undefined || place < (lastOf.get(sample.point) ?? 0)) {
      place = groups.length;
      placeOf.set(key, place);
      groups.push({
        timeMs,
        ...(sourceTimeMs !== undefined && { gatewayTimeMs: Math.trunc(sample.gatewayTimeMs) }),
        ...(about !== undefined && { about }),
        readings: [],
      });
    }
    lastOf.set(sample.point, place);
    const reading = measureSample(sample, point.definition);
    groups[place]?.readings.push(withServerTime(reading, sample, timeMs));
  }
  return groups;
}

/** The reading with the server's time, where that is another than its group's and can be signed. */
export function withServerTime(reading: Reading, sample: Sample, timeMs: number): Reading {
  const serverTimeMs = usableTime(sample.serverTimeMs);
  if (serverTimeMs === undefined || serverTimeMs === timeMs) return reading;
  return { ...reading, serverTimeMs };
}

/** One sample decoded, scaled and judged. */
export function measureSample(given: Sample, point: PointDefinition): Reading {
  const { type, unit } = point;
  const sample = doubtTime(given);
  if (sample.rawHex.length > 2 * limits.rawBytesMax) {
    // A part of the raw words would not be the raw words, so none are kept.
    return bad(sample, point, 'too-large', '');
  }
  if (sample.quality === 'bad') return bad(sample, point, undefined);
  const wire = decode(sample.rawHex, sample.encoding);
  if (wire === undefined) return bad(sample, point, 'undecodable');
  if (Number.isNaN(wire)) return bad(sample, point, 'not-a-number');
  if (wire === Number.POSITIVE_INFINITY || wire === Number.NEGATIVE_INFINITY) {
    return bad(sample, point, 'infinite');
  }
  const isNumber = typeof wire === 'number' || typeof wire === 'bigint';
  if (isNumber && isSentinel(wire, sample, point)) return bad(sample, point, 'sentinel');
  const { value, isRounded } = isNumber
    ? convertWire(wire, point, sample.encoding.type)
    : { value: wire, isRounded: false };
  if (Number.isNaN(value)) return bad(sample, point, 'not-convertible');
  if (typeof value === 'number' && !Number.isFinite(value)) return bad(sample, point, 'infinite');

  const { point: name, rawHex } = sample;
  const quality = sample.quality === 'good' ? (point.nature ?? 'good') : sample.quality;
  if (
    point.range &&
    typeof value !== 'string' &&
    typeof value !== 'boolean' &&
    !within(value, point.range)
  ) {
    const status = [sample.status ?? (quality === 'good' ? [] : quality), 'out-of-range'];
    return { point: name, type, unit, value, rawHex, quality: 'uncertain', status: join(status) };
  }
  if (!sample.status && !isRounded) return { point: name, type, unit, value, rawHex, quality };
  // The value lost digits in its conversion; the raw words still have them.
  const status = join([sample.status ?? [], isRounded ? 'rounded' : []]);
  return { point: name, type, unit, value, rawHex, quality, status };
}

/** A device that states a time which cannot be is not believed in silence. */
function doubtTime(sample: Sample): Sample {
  const { quality, sourceTimeMs, status } = sample;
  if (sourceTimeMs === undefined || usableTime(sourceTimeMs) !== undefined) return sample;
  return {
    ...sample,
    quality: quality === 'good' ? 'uncertain' : quality,
    status: join([status ?? [], 'source-time-invalid']),
  };
}

function within(value: number | bigint, range: readonly [number, number]): boolean {
  return value >= range[0] && value <= range[1];
}

function bad(
  sample: Sample,
  point: PointDefinition,
  reason: string | undefined,
  rawHex = sample.rawHex,
): Reading {
  const quality: Quality = 'bad';
  const status = join([sample.status ?? [], reason ?? []]);
  const { type, unit } = point;
  return { point: sample.point, type, unit, rawHex, quality, status: status || 'bad' };
}

function join(parts: readonly (string | readonly never[])[]): string {
  return parts.flat().join('; ').slice(0, limits.statusMax);
}

/**
 * Takes the set's identifying samples into `memory` and returns the goods of a group at a time.
 * Points of one group that came together belong together. Where the set names goods more than
 * once (a queue of notifications), each sample takes the name that was valid at its time.
 */
function nameGoods(
  set: SampleSet,
  plan: MeasurePlan,
  memory: GoodsMemory,
): (group: string, timeMs: number) => string | undefined {
  for (const missing of set.missing?.points ?? []) {
    // What was not read may have changed: an old name would be an invented one.
    const point = plan.points.get(missing);
    if (point?.prefix !== undefined) memory.delete(point.group);
  }
  const before = new Map(memory);
  const namings = new Map<string, { timeMs: number; uri: string | undefined }[]>();
  const identifying = set.samples
    .map((sample) => ({ sample, point: planOf(plan, sample.point) }))
    .filter(({ point }) => point.prefix !== undefined)
    // At one time the later point of the profile is the narrower one (the piece, not the heat).
    .sort((a, b) => timeOf(a.sample) - timeOf(b.sample) || a.point.index - b.point.index);
  for (const { sample, point } of identifying) {
    const uri = goodsUri(point.prefix ?? '', measureSample(sample, point.definition));
    const timeMs = timeOf(sample);
    const list = namings.get(point.group) ?? [];
    namings.set(point.group, list);
    const last = list.at(-1);
    if (last?.timeMs === timeMs) last.uri = uri ?? last.uri;
    else list.push({ timeMs, uri });
  }
  for (const [group, list] of namings) {
    const uri = list.at(-1)?.uri;
    if (uri === undefined) memory.delete(group);
    else memory.set(group, uri);
  }
  return (group, timeMs) => {
    const list = namings.get(group);
    if (!list) return before.get(group);
    if (list.length === 1) return list[0]?.uri;
    const valid = list.findLast((naming) => naming.timeMs <= timeMs);
    return valid ? valid.uri : before.get(group);
  };
}

/** The goods' URI, or `undefined` where the device named none (bad or empty value). */
function goodsUri(prefix: string, reading: Reading): string | undefined {
  if (reading.value === undefined || reading.quality === 'uncertain') return undefined;
  const text = String(reading.value);
  if (text === '' || text.length > limits.goodsNameMax) return undefined;
  const uri = prefix + encodeURIComponent(text);
  return uri.length > limits.goodsUriMax ? undefined : uri;
}

function timeOf(sample: Sample): number {
  return usableTime(sample.sourceTimeMs) ?? Math.trunc(sample.gatewayTimeMs);
}

/** The time in whole milliseconds, or `undefined` where a credential could not state it. */
export function usableTime(timeMs: number | undefined): number | undefined {
  if (timeMs === undefined || !(timeMs >= TIME_MS_MIN && timeMs <= TIME_MS_MAX)) return undefined;
  return Math.trunc(timeMs);
}

function planOf(plan: MeasurePlan, name: string): PointPlan {
  const point = plan.points.get(name);
  assert(point, `a driver gave a sample of ${name}, which the profile does not have`);
  return point;
}
