/**
 * A value or an event's field as a sample: the raw words of the scalar, the status code as it came
 * and the quality that it states, the times that the source and the server state.
 */
import type { Quality, Sample } from '../../../devices/reading.ts';
import type { StructureTypes } from './definitions.ts';
import { type Part, scalarOf } from './part.ts';
import {
  encodeScalar,
  type Instant,
  isStatus,
  type RawScalar,
  type WireStatus,
  type WireVariant,
} from './scalar.ts';

/** The part of a DataValue that counts here. */
export interface WireDataValue {
  readonly value?: WireVariant | null;
  readonly statusCode: WireStatus;
  readonly sourceTimestamp?: Instant | null;
  readonly serverTimestamp?: Instant | null;
}

/**
 * One value of a variable, or the part of it that a point is, as a sample. Where the server gives
 * no source time, the server's own stands in its place, and the status says so.
 */
export function sampleOfValue(
  part: Part,
  data: WireDataValue,
  gatewayTimeMs: number,
  types: StructureTypes,
): Sample {
  const found = scalarOf(data.value, part, types);
  const raw = typeof found === 'string' ? undefined : found;
  const stated = judge(data.statusCode);
  // A good value that holds nothing, or nothing that a point can be, is not a good reading.
  const judged: Judged =
    typeof found === 'string' && stated.quality !== 'bad'
      ? { quality: 'bad', status: `opcua:${found}` }
      : stated;
  const sourceTimeMs = data.sourceTimestamp?.getTime();
  if (sourceTimeMs !== undefined || !data.serverTimestamp) {
    const serverTimeMs = data.serverTimestamp?.getTime();
    return sample(part.point, raw, judged, { sourceTimeMs, serverTimeMs, gatewayTimeMs });
  }
  const status = judged.status === undefined ? SERVER_TIME : `${judged.status}; ${SERVER_TIME}`;
  const times = { sourceTimeMs: data.serverTimestamp.getTime(), gatewayTimeMs };
  return sample(part.point, raw, { ...judged, status }, times);
}

/** Status of a value that is dated by the server's clock, for want of a source time. */
const SERVER_TIME = 'opcua:server-time';

/**
 * One field of an event as a sample. The server puts a status code in the field's place where it
 * could not be read (OPC 10000-4 §7.22.3).
 */
export function sampleOfField(point: string, field: WireVariant | undefined, times: Times): Sample {
  if (isStatus(field?.value)) return sample(point, undefined, judge(field.value), times);
  const raw = encodeScalar(field);
  return sample(point, raw, raw ? good : absent(field), times);
}

/** The times of a sample as they came; the server's may be the source's. */
export interface Times {
  readonly sourceTimeMs: number | undefined;
  readonly serverTimeMs?: number | undefined;
  readonly gatewayTimeMs: number;
}

interface Judged {
  readonly quality: Quality;
  readonly status?: string;
}

const good: Judged = { quality: 'good' };

/** GoodLocalOverride: an operator replaced the input (OPC 10000-8 §6.4.3). */
const GOOD_LOCAL_OVERRIDE = 0x00960000;

/**
 * Quality of a status code: its two highest bits are the severity (OPC 10000-4 §7.39). Every code
 * but a plain Good is told as it came: by its name, and by its number where it has more bits than
 * a name can say (limits, overflow, structure changed).
 */
export function judge(status: WireStatus): Judged {
  if (status.value === 0) return good;
  const code = status.value >>> 0;
  const severity = code >>> 30;
  // The library appends the information bits to the name, after `#`.
  const name = status.name.split('#')[0];
  const hex = code.toString(16).padStart(8, '0');
  const named = code & 0xffff ? `opcua:${name} 0x${hex}` : `opcua:${name}`;
  if (severity === 1) return { quality: 'uncertain', status: named };
  if (severity >= 2) return { quality: 'bad', status: named };
  const forced = (code & 0xffff0000) >>> 0 === GOOD_LOCAL_OVERRIDE;
  return { quality: forced ? 'forced' : 'good', status: named };
}

/** DataValue information bits with the overflow bit (OPC 10000-4 §7.39.1 Table 174). */
const OVERFLOW = 0x0480;

/** Whether the server says that it dropped values of this item before or at this one. */
export function hasOverflow(status: WireStatus): boolean {
  return (status.value & OVERFLOW) === OVERFLOW;
}

/** A good value that holds nothing, or nothing that a point can be, is not a good reading. */
function absent(variant: WireVariant | null | undefined): Judged {
  const empty = variant?.value === null || variant?.value === undefined;
  return { quality: 'bad', status: empty ? 'opcua:null' : 'opcua:not-a-scalar' };
}

function sample(
  point: string,
  raw: RawScalar | undefined,
  judged: Judged,
  { sourceTimeMs, serverTimeMs, gatewayTimeMs }: Times,
): Sample {
  const isOther = serverTimeMs !== undefined && serverTimeMs !== sourceTimeMs;
  const type = raw?.type ?? 'string';
  return {
    point,
    rawHex: raw?.rawHex ?? '',
    // Numbers come least significant byte first; a text comes from its first byte on.
    encoding: { type, order: type === 'string' ? 'ABCD' : 'DCBA' },
    quality: judged.quality,
    ...(judged.status !== undefined && { status: judged.status }),
    ...(sourceTimeMs !== undefined && { sourceTimeMs }),
    ...(isOther && { serverTimeMs }),
    gatewayTimeMs,
  };
}
