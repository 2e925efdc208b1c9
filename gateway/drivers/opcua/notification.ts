/**
 * One notification of an OPC UA subscription as sample sets: the values that came in it as one
 * set, and each event as a set of its own, since an event is about one thing at one time.
 */
import { isDate } from 'node:util/types';
import { limits } from '../../../devices/limits.ts';
import type { Sample } from '../../../devices/reading.ts';
import type { Missing, SampleSet } from '../../driver.ts';
import {
  hasOverflow,
  sampleOfField,
  sampleOfValue,
  type WireDataValue,
  type WireStatus,
  type WireVariant,
} from './value.ts';

/** What the client handle of a monitored item stands for: a point, or the fields of an event. */
export type Item =
  | { readonly kind: 'value'; readonly point: string }
  | { readonly kind: 'event'; readonly points: readonly string[] };

/** Fields that every event item selects before those of its points. */
export const EVENT_HEAD = ['EventType', 'Time'] as const;

/** The parts that count of the three kinds of notification data, OPC 10000-4 §7.25. */
interface DataChange {
  readonly monitoredItems:
    | readonly { readonly clientHandle: number; readonly value: WireDataValue }[]
    | null;
}

interface EventList {
  readonly events:
    | readonly {
        readonly clientHandle: number;
        readonly eventFields: readonly WireVariant[] | null;
      }[]
    | null;
}

interface StatusChange {
  readonly status: WireStatus;
}

function isDataChange(data: object | null): data is DataChange {
  return data !== null && 'monitoredItems' in data;
}

function isEventList(data: object | null): data is EventList {
  return data !== null && 'events' in data;
}

function isStatusChange(data: object | null): data is StatusChange {
  return data !== null && 'status' in data;
}

/** What a notification comes to. */
export interface Unpacked {
  readonly sets: readonly SampleSet[];
  /** Set when the server says that the subscription is no more. */
  readonly ended?: string;
}

/** When each point last had a value, by its source time; changed by `unpack`. */
export type LastTimes = Map<string, number>;

/** OPC 10000-5 §6.4.3: sent in place of the events that did not fit the queue. */
const QUEUE_OVERFLOW = 'ns=0;i=3035';

export function unpack(
  notifications: readonly (object | null)[],
  context: {
    readonly items: ReadonlyMap<number, Item>;
    readonly lastTimes: LastTimes;
    readonly gatewayTimeMs: number;
    readonly samplingMs: number;
  },
): Unpacked {
  const values: Sample[] = [];
  const sets: SampleSet[] = [];
  const lost: SampleSet[] = [];
  let ended: string | undefined;
  for (const notification of notifications) {
    const changes = isDataChange(notification) ? notification.monitoredItems : [];
    for (const { clientHandle, value } of changes ?? []) {
      const item = context.items.get(clientHandle);
      if (item?.kind !== 'value') continue;
      const sample = sampleOfValue(item.point, value, context.gatewayTimeMs);
      if (hasOverflow(value.statusCode)) lost.push(dropped([item.point], sample, context));
      note(sample, context.lastTimes);
      values.push(sample);
    }
    const events = isEventList(notification) ? notification.events : [];
    for (const { clientHandle, eventFields } of events ?? []) {
      const item = context.items.get(clientHandle);
      if (item?.kind !== 'event') continue;
      sets.push(eventSet(item.points, eventFields ?? [], context));
    }
    if (isStatusChange(notification) && notification.status.value >>> 30 >= 2) {
      ended = notification.status.name;
    }
  }
  if (values.length > 0) sets.unshift({ samples: values });
  return { sets: [...lost, ...sets], ...(ended !== undefined && { ended }) };
}

function eventSet(
  points: readonly string[],
  fields: readonly WireVariant[],
  context: {
    readonly lastTimes: LastTimes;
    readonly gatewayTimeMs: number;
    readonly samplingMs: number;
  },
): SampleSet {
  const [type, time, ...rest] = fields;
  const { gatewayTimeMs } = context;
  const sourceTimeMs = isDate(time?.value) ? time.value.getTime() : undefined;
  const samples = points.map((point, index) =>
    sampleOfField(point, rest[index], { sourceTimeMs, gatewayTimeMs }),
  );
  const [first] = samples;
  if (first && String(type?.value) === QUEUE_OVERFLOW) return dropped(points, first, context);
  for (const sample of samples) note(sample, context.lastTimes);
  return { samples };
}

/** The server's queue was full: what came between the last value and this one is gone. */
function dropped(
  points: readonly string[],
  next: Sample,
  context: { readonly lastTimes: LastTimes; readonly samplingMs: number },
): SampleSet {
  const toMs = next.sourceTimeMs ?? next.gatewayTimeMs;
  const fromMs = Math.min(toMs, context.lastTimes.get(points[0] ?? '') ?? toMs);
  const count = valuesWithin(toMs - fromMs, points.length, context.samplingMs);
  const missing: Missing = { points, cause: 'queue-full', fromMs, toMs, count };
  return { samples: [], missing };
}

/** How many values at most `points` can have had in an interval; at least one each. */
export function valuesWithin(intervalMs: number, points: number, samplingMs: number): number {
  const everyMs = samplingMs > 0 ? samplingMs : limits.opcuaChangeMs;
  return points * (Math.floor(Math.max(0, intervalMs) / everyMs) + 1);
}

function note(sample: Sample, lastTimes: LastTimes): void {
  lastTimes.set(sample.point, sample.sourceTimeMs ?? sample.gatewayTimeMs);
}
