/** Monitored items: what a subscription is asked to watch, in requests of a bounded size. */
import { limits } from '../../../devices/limits.ts';
import { deadline } from '../deadline.ts';
import { inCalls } from './calls.ts';
import { eventFilter, valueFilter } from './filters.ts';
import type { Item, ItemPlan, ValueItem } from './plan.ts';
import { rangeOf } from './services.ts';
import type { SubscriptionContext } from './subscription.ts';

/** OPC 10000-4 §7.22.3: attribute ids of a value and of an object's events. */
const VALUE = 13;
const EVENT_NOTIFIER = 12;
/** OPC 10000-5 §8.2.4: the Server object, which sends the events of all devices. */
const SERVER = 'i=2253';

/** What came of asking for all items. */
export interface CreatedItems {
  /** By client handle. */
  readonly items: ReadonlyMap<number, Item>;
  /** Points that are watched. */
  readonly points: readonly string[];
  /** Points that the server would not watch, each with the server's reason. */
  readonly refused: ReadonlyMap<string, string>;
  /** Points whose deadband the server would not apply, each with its reason; they are watched. */
  readonly unfiltered: ReadonlyMap<string, string>;
}

interface Attempt {
  readonly handle: number;
  readonly item: Item;
  /** What is left out after the server refused it. */
  readonly without?: 'deadband' | 'range';
}

interface Result {
  readonly statusCode: { readonly name: string; isGood(): boolean };
}

/** Answers of a server that knows no deadbands, or not of this kind or for this value. */
const NO_DEADBAND =
  /BadMonitoredItemFilterUnsupported|BadMonitoredItemFilterInvalid|BadDeadbandFilterInvalid|BadFilterNotAllowed/;
/** Answers of a server that cannot cut an element out of this value. */
const NO_RANGE = /BadIndexRange|BadWriteNotSupported|BadNotSupported/;

/**
 * Creates one item a variable and one an event type. Handles count up from `firstHandle`, which
 * differs from subscription to subscription, so that what another one sends is not taken for ours.
 * A deadband or an index range that the server refuses is left out and asked for once more.
 */
export async function createItems(
  context: SubscriptionContext,
  subscriptionId: number,
  plan: Pick<ItemPlan, 'root' | 'values' | 'events'>,
  firstHandle: number,
): Promise<CreatedItems> {
  const all = [...plan.values, ...plan.events].map((item, index) => ({
    handle: firstHandle + index,
    item,
  }));
  const items = new Map<number, Item>();
  const points: string[] = [];
  const refused = new Map<string, string>();
  const unfiltered = new Map<string, string>();
  let attempts: readonly Attempt[] = all;
  while (attempts.length > 0) {
    const asked = attempts;
    const results = await inCalls(asked, (chunk) => create(context, subscriptionId, plan, chunk));
    const again: Attempt[] = [];
    for (const [index, attempt] of asked.entries()) {
      const { handle, item } = attempt;
      const status = results[index]?.statusCode;
      const names = pointsOf(item);
      if (status?.isGood()) {
        items.set(handle, item);
        points.push(...names);
        continue;
      }
      const reason = status?.name ?? 'no answer';
      const retry = withoutRefused(attempt, reason);
      if (retry?.without === 'deadband') for (const name of names) unfiltered.set(name, reason);
      if (retry) again.push(retry);
      else for (const name of names) refused.set(name, reason);
    }
    attempts = again;
  }
  return { items, points, refused, unfiltered };
}

/** The points that an item is about. */
export function pointsOf(item: Item): readonly string[] {
  return item.kind === 'value' ? item.parts.map(({ point }) => point) : item.points;
}

function withoutRefused({ handle, item }: Attempt, reason: string): Attempt | undefined {
  if (item.kind !== 'value') return undefined;
  const { deadband, indexRange, ...rest } = item;
  if (deadband && NO_DEADBAND.test(reason)) {
    const plain = indexRange === undefined ? rest : { ...rest, indexRange };
    return { handle, item: plain, without: 'deadband' };
  }
  if (indexRange !== undefined && NO_RANGE.test(reason)) {
    return { handle, item: deadband ? { ...rest, deadband } : rest, without: 'range' };
  }
  return undefined;
}

async function create(
  context: SubscriptionContext,
  subscriptionId: number,
  { root }: Pick<ItemPlan, 'root'>,
  attempts: readonly Attempt[],
): Promise<readonly Result[]> {
  const { session, settings, clock } = context;
  const asked = session.createMonitoredItems({
    subscriptionId,
    // Both.
    timestampsToReturn: 2,
    itemsToCreate: attempts.map(({ handle, item }) => ({
      itemToMonitor:
        item.kind === 'value'
          ? valueToMonitor(item)
          : {
              nodeId: settings.eventsFrom === 'server' ? SERVER : root,
              attributeId: EVENT_NOTIFIER,
            },
      // Reporting.
      monitoringMode: 2,
      requestedParameters: {
        clientHandle: handle,
        samplingInterval: item.kind === 'value' ? item.samplingMs : 0,
        discardOldest: settings.discard === 'oldest',
        queueSize: settings.queueSize,
        filter: filterOf(context, item),
      },
    })),
  });
  const response = await deadline(clock, limits.opcuaRequestMs, 'creating monitored items', asked);
  return response.results ?? [];
}

function valueToMonitor({ nodeId, indexRange }: ValueItem) {
  const range = indexRange === undefined ? {} : { indexRange: rangeOf(indexRange) };
  return { nodeId, attributeId: VALUE, ...range };
}

function filterOf({ opcua, settings }: SubscriptionContext, item: Item) {
  if (item.kind === 'event') {
    return eventFilter(opcua, item.event, settings.events?.[item.event.name]);
  }
  return valueFilter(opcua, item.deadband, settings.trigger);
}
