/**
 * One notification of an OPC UA subscription as sample sets: the values that came in it as one
 * set, and each event as a set of its own, since an event is about one thing at one time.
 */
import { isDate } from 'node:util/types';
import { limits } from '../../../devices/limits.ts';
import type { Sample } from '../../../devices/reading.ts';
import type { Missing, SampleSet } from '../../driver.ts';
import type { StructureTypes } from './definitions.ts';
import type { Item } from './plan.ts';
import type { Repeats } from './repeats.ts';
import type { WireStatus, WireVariant } from './scalar.ts';
import { hasOverflow, sampleOfField, sampleOfValue, type WireDataValue } from './value.ts';

/** A monitored item and what is known of it; changed by `unpack`. */
export interface Watched {
  readonly handle: number;
  readonly item: Item;
  /** When the item was last heard, on the monotonic clock. */
  heardAt: number;
  /** Source time of its newest value or event, else our own; absent before the first. */
  lastMs?: number;
}

/**
 * Fields that every event item selects before those of its points. ReceiveTime is what the server
 * timestamp is for a value (OPC 10000-5 §6.4.2).
 */
export const EVENT_HEAD = ['EventType', 'Time', 'ReceiveTime'] as const;

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
  /** Values that came before and are left out. */
  readonly repeated: number;
  /** Values of items that are not ours: this is another's subscription. */
  readonly foreign: number;
  /** Set when the server says that the subscription is no more. */
  readonly ended?: string;
}

/** OPC 10000-5 §6.4.3: sent in place of the events that did not fit the queue. */
const QUEUE_OVERFLOW = 'ns=0;i=3035';

/** What stands behind the handles, and the times of this notification. */
export interface UnpackContext {
  readonly items: ReadonlyMap<number, Watched>;
  readonly types: StructureTypes;
  readonly repeats: Repeats;
  readonly gatewayTimeMs: number;
  readonly atMs: number;
  readonly samplingMs: number;
}

export function unpack(
  notifications: readonly (object | null)[],
  context: UnpackContext,
): Unpacked {
  const values: Sample[] = [];
  const sets: SampleSet[] = [];
  const lost: SampleSet[] = [];
  let ended: string | undefined;
  let repeated = 0;
  let foreign = 0;
  for (const notification of notifications) {
    const changes = isDataChange(notification) ? notification.monitoredItems : null;
    for (const { clientHandle, value } of changes ?? []) {
      const watched = context.items.get(clientHandle);
      if (!watched) foreign += 1;
      // After a session was activated anew, node-opcua's server sends a value without content for
      // each item of events as well: our own item, and nothing that happened.
      if (watched?.item.kind !== 'value') continue;
      watched.heardAt = context.atMs;
      for (const part of watched.item.parts) {
        const sample = sampleOfValue(part, value, context.gatewayTimeMs, context.types);
        if (hasOverflow(value.statusCode))
          lost.push(dropped([part.point], sample, watched, context));
        if (context.repeats.isRepeat(sample)) repeated += 1;
        else values.push(sample);
      }
      watched.lastMs = value.sourceTimestamp?.getTime() ?? context.gatewayTimeMs;
    }
    const events = isEventList(notification) ? notification.events : null;
    for (const { clientHandle, eventFields } of events ?? []) {
      const watched = context.items.get(clientHandle);
      if (!watched) foreign += 1;
      if (watched?.item.kind !== 'event') continue;
      watched.heardAt = context.atMs;
      sets.push(eventSet(watched, watched.item.points, eventFields ?? [], context));
    }
    if (isStatusChange(notification) && notification.status.value >>> 30 >= 2) {
      ended = notification.status.name;
    }
  }
  if (values.length > 0) sets.unshift({ samples: values });
  const said = { repeated, foreign, ...(ended !== undefined && { ended }) };
  return { sets: [...lost, ...sets], ...said };
}

function eventSet(
  watched: Watched,
  points: readonly string[],
  fields: readonly WireVariant[],
  context: UnpackContext,
): SampleSet {
  const [type, time, received, ...rest] = fields;
  const { gatewayTimeMs } = context;
  const sourceTimeMs = timeOf(time);
  const times = { sourceTimeMs, serverTimeMs: timeOf(received), gatewayTimeMs };
  const samples = points.map((point, index) => sampleOfField(point, rest[index], times));
  const [first] = samples;
  if (first && String(type?.value) === QUEUE_OVERFLOW) {
    return dropped(points, first, watched, context);
  }
  watched.lastMs = sourceTimeMs ?? gatewayTimeMs;
  return { samples };
}

function timeOf(field: WireVariant | undefined): number | undefined {
  return isDate(field?.value) ? field.value.getTime() : undefined;
}

/** The server's queue was full: what came between the last value and this one is gone. */
function dropped(
  points: readonly string[],
  next: Sample,
  { lastMs }: Watched,
  { samplingMs }: UnpackContext,
): SampleSet {
  const toMs = next.sourceTimeMs ?? next.gatewayTimeMs;
  const fromMs = Math.min(toMs, lastMs ?? toMs);
  const count = valuesWithin(toMs - fromMs, points.length, samplingMs);
  const missing: Missing = { points, cause: 'queue-full', fromMs, toMs, count };
  return { samples: [], missing };
}

/** How many values at most `points` can have had in an interval; at least one each. */
export function valuesWithin(intervalMs: number, points: number, samplingMs: number): number {
  const everyMs = samplingMs > 0 ? samplingMs : limits.opcuaChangeMs;
  return points * (Math.floor(Math.max(0, intervalMs) / everyMs) + 1);
}
