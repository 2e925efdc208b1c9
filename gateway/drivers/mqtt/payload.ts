/** What a payload says about a device's points, each with the source text or bytes of its value. */
import { limits } from '../../../devices/limits.ts';
import type { Encoding, Sample } from '../../../devices/reading.ts';
import type { SampleSet } from '../../driver.ts';
import {
  encodingOf,
  isLeaf,
  type Leaf,
  memberAt,
  rawHexOf,
  readDocument,
  type Tree,
} from './document.ts';
import type { MappedPoint, PayloadMapping, Reader } from './mapping.ts';
import type { View } from './path.ts';
import { readSpan, readText } from './plain.ts';
import { isUnit, readSenml } from './senml.ts';
import { timeOfLeaf } from './time.ts';

/** What is known of the message besides its payload. */
export interface Arrival {
  readonly gatewayTimeMs: number;
  /** The broker kept it from before we subscribed [MQTT-3.3.1-8]; its age is not known. */
  readonly retained: boolean;
}

/** A time that the source stated, or that it stated one which is none. */
type SourceTime = number | 'invalid' | undefined;

/** What came of a payload so far. */
interface Found {
  readonly arrival: Arrival;
  readonly samples: Sample[];
  /** Values that should have come and did not, by point. */
  readonly missing: Map<string, number>;
}

/**
 * The samples that a payload holds for the points of its topic, in the order of the payload. A
 * payload that cannot be read (too large, not of its format), and a point that it does not hold,
 * are missing with cause `nonsense`; so is a payload that gives nothing at all. Never throws.
 *
 * The raw words are the bytes of the value exactly as they stood in the payload: `1.50` and `1.5`
 * are one number but two texts. Where a sample has no time of its own, a retained message is
 * `uncertain`: it may be a year old.
 */
export function readPayload(
  payload: Uint8Array,
  mapping: PayloadMapping,
  arrival: Arrival,
): SampleSet {
  const found: Found = { arrival, samples: [], missing: new Map() };
  const isFit = payload.length <= limits.mqttPayloadBytesMax;
  const names = mapping.readers.filter((reader) => isFit && read(payload, reader, found));
  if (found.samples.length === 0 && found.missing.size === 0 && names.length === 0) {
    for (const point of mapping.points) miss(found, point);
  }
  const { samples, missing } = found;
  if (missing.size === 0) return { samples };
  const points = [...missing.keys()];
  const count = [...missing.values()].reduce((sum, each) => sum + each, 0);
  const more = count > points.length ? { count } : {};
  return { samples, missing: { points, cause: 'nonsense', ...more } };
}

/**
 * Reads what one reader is for. Resolves to whether the payload was right and may well be about
 * other points than ours.
 */
function read(payload: Uint8Array, reader: Reader, found: Found): boolean {
  const { format } = reader;
  if (format === 'text' || format === 'binary') {
    for (const mapped of reader.points) readPlain(payload, format, mapped, found);
    return false;
  }
  const root = readDocument(payload, format);
  if (root === undefined) {
    for (const { point } of reader.points) miss(found, point);
    return false;
  }
  if (reader.senml) return readPack(root, reader, found);
  const { views, beyond } = samplesOf(root, reader);
  if (beyond > 0) for (const { point } of reader.points) miss(found, point, beyond);
  if (views.length === 0) {
    for (const { point, optional } of reader.points) if (!optional) miss(found, point);
  }
  for (const view of views) {
    const time = timeOf(view, root, reader);
    if (reader.named) readNamed(view, time, reader, reader.named, found);
    else for (const mapped of reader.points) take(mapped, mapped.find(view), view, time, found);
  }
  return reader.named !== undefined && views.length > 0;
}

function readPlain(
  payload: Uint8Array,
  format: 'text' | 'binary',
  mapped: MappedPoint,
  found: Found,
): void {
  const plain =
    format === 'text'
      ? readText(payload, mapped.isText)
      : readSpan(payload, mapped.span, mapped.encoding);
  if (plain === undefined) {
    miss(found, mapped.point);
    return;
  }
  const rawHex = Buffer.from(plain.bytes).toString('hex');
  add(found, mapped.point, { rawHex, encoding: plain.encoding }, undefined);
}

/** The samples of a document, as many as are read, and how many more it has. */
function samplesOf(
  root: Tree,
  { samples }: Reader,
): { readonly views: readonly View[]; readonly beyond: number } {
  if (samples === undefined) return { views: [{ tree: root }], beyond: 0 };
  const views: View[] = [];
  let beyond = 0;
  for (const view of samples({ tree: root })) {
    if (views.length < limits.mqttSamplesMax) views.push(view);
    else beyond += 1;
  }
  return { views, beyond };
}

/** A sample that names its point; what it says of others is none of our business. */
function readNamed(
  view: View,
  time: SourceTime,
  reader: Reader,
  paths: NonNullable<Reader['named']>,
  found: Found,
): void {
  const name = paths.name(view);
  if (typeof name === 'string' || !isLeaf(name.tree)) return;
  const { value } = name.tree;
  for (const mapped of reader.points) {
    if (mapped.name === value) take(mapped, paths.value(view), view, time, found);
  }
}

function readPack(root: Tree, reader: Reader, found: Found): boolean {
  const { retained, gatewayTimeMs } = found.arrival;
  const pack = readSenml(root, retained ? undefined : gatewayTimeMs);
  if (pack === undefined) {
    for (const { point } of reader.points) miss(found, point);
    return false;
  }
  if (pack.beyond > 0) for (const { point } of reader.points) miss(found, point, pack.beyond);
  for (const record of pack.records) {
    const time = record.timeInvalid ? 'invalid' : record.timeMs;
    for (const mapped of reader.points) {
      if (mapped.name !== record.name) continue;
      if (record.value === undefined) miss(found, mapped.point);
      else takeLeaf(mapped, record.value, record.unit, time, found);
    }
  }
  return pack.records.length > 0;
}

/** Makes a sample of what a path found, or notes that it found nothing that is one value. */
function take(
  mapped: MappedPoint,
  at: View | 'none' | 'many',
  view: View,
  time: SourceTime,
  found: Found,
): void {
  if (at === 'none' && mapped.optional) return;
  if (typeof at === 'string' || !isLeaf(at.tree)) miss(found, mapped.point);
  else takeLeaf(mapped, at.tree, unitOf(mapped, view), time, found);
}

function unitOf({ findUnit }: MappedPoint, view: View): string | undefined {
  const at = findUnit?.(view);
  if (at === undefined || typeof at === 'string' || !isLeaf(at.tree)) return undefined;
  return typeof at.tree.value === 'string' ? at.tree.value : undefined;
}

function takeLeaf(
  mapped: MappedPoint,
  leaf: Leaf,
  unit: string | undefined,
  time: SourceTime,
  found: Found,
): void {
  const { point, encoding } = mapped;
  const isOther = unit !== undefined && mapped.unit !== '' && !isUnit(unit, mapped.unit);
  const status = [
    ...(leaf.value === null ? ['mqtt:null'] : []),
    // A number of another unit would be signed as if it were of ours.
    ...(isOther ? [`mqtt:unit-is-${unit.slice(0, 32)}`] : []),
  ];
  if (leaf.content !== undefined && encoding !== undefined) {
    const rawHex = Buffer.from(leaf.content).toString('hex');
    add(found, point, { rawHex, encoding: { order: 'ABCD', ...encoding } }, time, status);
  } else if (leaf.value === undefined) miss(found, point);
  else add(found, point, { rawHex: rawHexOf(leaf), encoding: encodingOf(leaf) }, time, status);
}

function timeOf(view: View, root: Tree, { time, timeFormat }: Reader): SourceTime {
  if (time !== undefined) {
    const at = time(view);
    if (at === 'none') return undefined;
    return (at === 'many' ? undefined : timeOfLeaf(at.tree, timeFormat)) ?? 'invalid';
  }
  return defaultTime(view.tree) ?? defaultTime(root);
}

/** The members that a payload of our own kind has: `time` (RFC 3339) or `timeMs`. */
function defaultTime(tree: Tree): SourceTime {
  const text = memberAt(tree, ['time']);
  if (isLeaf(text)) return timeOfLeaf(text, 'rfc3339') ?? 'invalid';
  const count = memberAt(tree, ['timeMs']);
  if (!isLeaf(count)) return undefined;
  return Number.isSafeInteger(count.value) ? Number(count.value) : 'invalid';
}

function miss({ missing }: Found, point: string, count = 1): void {
  missing.set(point, (missing.get(point) ?? 0) + count);
}

/** Adds a sample; `bad` are reasons for which its value says nothing. */
function add(
  { samples, arrival }: Found,
  point: string,
  raw: { readonly rawHex: string; readonly encoding: Encoding },
  time: SourceTime,
  bad: readonly string[] = [],
): void {
  const status = [
    ...bad,
    ...(time === 'invalid' ? ['mqtt:time-invalid'] : []),
    ...(typeof time !== 'number' && arrival.retained ? ['mqtt:retained'] : []),
  ];
  samples.push({
    point,
    ...raw,
    quality: bad.length > 0 ? 'bad' : status.length > 0 ? 'uncertain' : 'good',
    ...(status.length > 0 && { status: status.join('; ') }),
    ...(typeof time === 'number' && { sourceTimeMs: time }),
    gatewayTimeMs: arrival.gatewayTimeMs,
  });
}
