/** Monitored items: what a subscription is asked to watch, in requests of a bounded size. */
import { limits } from '../../../devices/limits.ts';
import { deadline } from '../deadline.ts';
import type { EventFilter, Opcua } from './library.ts';
import { chunks, type DeviceNodes, type EventNode } from './nodes.ts';
import { EVENT_HEAD, type Item } from './notification.ts';
import type { SubscriptionContext } from './subscription.ts';

/** OPC 10000-4 §7.22.3: attribute ids of a value and of an object's events. */
const VALUE = 13;
const EVENT_NOTIFIER = 12;

/** What came of asking for all items. */
export interface CreatedItems {
  /** By client handle. */
  readonly items: ReadonlyMap<number, Item>;
  /** Points that are watched. */
  readonly points: readonly string[];
  /** Points that the server would not watch. */
  readonly refused: readonly string[];
}

/**
 * Creates one item a variable and one item an event type. `discardOldest` is false and the queue
 * long, so that a full queue keeps the first values and marks the last with the overflow bit.
 */
export async function createItems(
  context: SubscriptionContext,
  subscriptionId: number,
  nodes: DeviceNodes,
): Promise<CreatedItems> {
  const { opcua, session, settings, clock } = context;
  const { DataChangeFilter, DataChangeTrigger, DeadbandType } = opcua.client;
  // A value that was written again unchanged is still a sample: identifying values stay with the
  // measurements of their time.
  const onEveryWrite = new DataChangeFilter({
    trigger: DataChangeTrigger.StatusValueTimestamp,
    deadbandType: DeadbandType.None,
    deadbandValue: 0,
  });
  const wanted = [
    ...nodes.variables.map(({ point, nodeId }) => ({
      item: { kind: 'value', point } as Item,
      itemToMonitor: { nodeId, attributeId: VALUE },
      samplingInterval: settings.samplingMs,
      filter: onEveryWrite,
    })),
    ...nodes.events.map((event) => ({
      item: { kind: 'event', points: event.fields.map(({ point }) => point) } as Item,
      itemToMonitor: { nodeId: nodes.root, attributeId: EVENT_NOTIFIER },
      samplingInterval: 0,
      filter: eventFilter(opcua, event),
    })),
  ];
  const items = new Map<number, Item>();
  const points: string[] = [];
  const refused: string[] = [];
  for (const chunk of chunks([...wanted.entries()], limits.opcuaNodesPerCall)) {
    const response = await deadline(
      clock,
      limits.opcuaRequestMs,
      'creating monitored items',
      session.createMonitoredItems({
        subscriptionId,
        // Both.
        timestampsToReturn: 2,
        itemsToCreate: chunk.map(([index, { itemToMonitor, samplingInterval, filter }]) => ({
          itemToMonitor,
          // Reporting.
          monitoringMode: 2,
          requestedParameters: {
            clientHandle: index + 1,
            samplingInterval,
            discardOldest: false,
            queueSize: settings.queueSize,
            filter,
          },
        })),
      }),
    );
    for (const [at, [index, { item }]] of chunk.entries()) {
      const names = item.kind === 'value' ? [item.point] : item.points;
      const created = response.results?.[at]?.statusCode.isGood() === true;
      (created ? points : refused).push(...names);
      if (created) items.set(index + 1, item);
    }
  }
  return { items, points, refused };
}

/** Selects type, time and our fields of one event type, and lets only that type through. */
function eventFilter(opcua: Opcua, event: EventNode): EventFilter {
  const { EventFilter, SimpleAttributeOperand, makeNodeId, ofType, ContentFilter } = opcua.client;
  const BASE_EVENT_TYPE = makeNodeId(2041);
  const head = EVENT_HEAD.map((name) => ({
    typeDefinitionId: BASE_EVENT_TYPE,
    browsePath: [{ namespaceIndex: 0, name }],
  }));
  const own = event.fields.map(({ path }) => ({
    typeDefinitionId: event.typeId,
    browsePath: [...path],
  }));
  return new EventFilter({
    selectClauses: [...head, ...own].map(
      (clause) => new SimpleAttributeOperand({ ...clause, attributeId: VALUE }),
    ),
    whereClause: new ContentFilter({ elements: [ofType(event.typeId)] }),
  });
}
