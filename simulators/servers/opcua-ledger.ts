/**
 * The ledger of an OPC UA server: one entry for every value in the responses that it really sent.
 * What is only asked for again (Republish) was served before and is not entered twice.
 */
import type { Clock } from '../../devices/runtime.ts';
import type { Ledger } from '../ledger.ts';
import { type BuiltInType, builtInTypes, type ServedValue, servedHex } from './opcua-bytes.ts';

/** What a monitored item of a client stands for. */
export type WatchedItem =
  | { readonly kind: 'value'; readonly point: string }
  /** The point of each selected field; `undefined` for fields that are no point. */
  | {
      readonly kind: 'event';
      readonly timeAt: number;
      readonly points: readonly (string | undefined)[];
    };

interface SentVariant {
  readonly dataType: number;
  readonly arrayType: number;
  readonly value: unknown;
}

interface SentValue {
  readonly value?: SentVariant | null;
  readonly sourceTimestamp?: { getTime(): number } | null;
}

/** A notification message as the server hands it to its channel. */
export interface SentMessage {
  readonly sequenceNumber: number;
  readonly notificationData: readonly (object | null)[] | null;
}

/** Messages that are known again; a server keeps far fewer to be asked for again. */
const MESSAGES_SEEN_MAX = 10_000;

export interface OpcuaLedger {
  /** A client's item was created: `handle` is the client's own number for it. */
  watch(subscriptionId: number, handle: number, item: WatchedItem): void;
  /** A message was sent, for the first time or again. */
  sent(subscriptionId: number, message: SentMessage): void;
  /** The value of a point was read. */
  read(point: string, value: SentValue): void;
}

export function openOpcuaLedger(options: {
  readonly device: string;
  readonly ledger: Ledger;
  readonly clock: Clock;
}): OpcuaLedger {
  const { device, ledger, clock } = options;
  const items = new Map<string, WatchedItem>();
  const seen = new Set<string>();

  function serve(point: string, variant: SentVariant | null | undefined, timeMs: number): void {
    ledger.serve({ timeMs, device, point, rawHex: hexOf(variant) });
  }

  function read(point: string, value: SentValue): void {
    serve(point, value.value, value.sourceTimestamp?.getTime() ?? clock.nowMs());
  }

  return {
    watch: (subscriptionId, handle, item) => void items.set(`${subscriptionId} ${handle}`, item),
    read,
    sent(subscriptionId, message) {
      // Keep-alives and status changes carry no value, and the number of a message to come.
      const data = message.notificationData ?? [];
      if (!data.some((part) => changesOf(part).length + eventsOf(part).length > 0)) return;
      const key = `${subscriptionId} ${message.sequenceNumber}`;
      if (seen.has(key)) return;
      seen.add(key);
      const [oldest] = seen;
      if (seen.size > MESSAGES_SEEN_MAX && oldest !== undefined) seen.delete(oldest);
      for (const part of data) {
        for (const { clientHandle, value } of changesOf(part)) {
          const item = items.get(`${subscriptionId} ${clientHandle}`);
          if (item?.kind === 'value') read(item.point, value);
        }
        for (const { clientHandle, eventFields } of eventsOf(part)) {
          const item = items.get(`${subscriptionId} ${clientHandle}`);
          if (item?.kind !== 'event') continue;
          const timeMs = timeOf(eventFields?.[item.timeAt]) ?? clock.nowMs();
          for (const [index, point] of item.points.entries()) {
            if (point !== undefined) serve(point, eventFields?.[index], timeMs);
          }
        }
      }
    },
  };
}

interface SentChange {
  readonly clientHandle: number;
  readonly value: SentValue;
}

interface SentEvent {
  readonly clientHandle: number;
  readonly eventFields: readonly SentVariant[] | null;
}

function changesOf(data: object | null): readonly SentChange[] {
  return data && 'monitoredItems' in data ? ((data.monitoredItems ?? []) as SentChange[]) : [];
}

function eventsOf(data: object | null): readonly SentEvent[] {
  return data && 'events' in data ? ((data.events ?? []) as SentEvent[]) : [];
}

const names = new Map<number, BuiltInType>(
  Object.entries(builtInTypes).map(([name, number]) => [number, name as BuiltInType]),
);

function hexOf(variant: SentVariant | null | undefined): string {
  const type = names.get(variant?.dataType ?? 0);
  const value = variant?.value;
  if (type === undefined || value === null || value === undefined) return '';
  return servedHex(type, plain(value));
}

/** The library's own forms of 64-bit integers ([high, low]) and times made plain. */
function plain(value: unknown): ServedValue {
  if (Array.isArray(value)) {
    const [high, low] = value as [number, number];
    return BigInt.asIntN(64, BigInt(high) * 4_294_967_296n + BigInt(low >>> 0));
  }
  if (typeof value === 'object' && value !== null && 'getTime' in value) {
    return Number((value as { getTime(): number }).getTime());
  }
  return value as ServedValue;
}

function timeOf(variant: SentVariant | undefined): number | undefined {
  const value = variant?.value;
  return typeof value === 'object' && value !== null ? Number(plain(value)) : undefined;
}
