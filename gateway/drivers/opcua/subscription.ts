/**
 * Makes the subscription of a device at its server, or takes over the one that a broken session
 * left there, so that what the server kept meanwhile is not lost.
 */
import { limits } from '../../../devices/limits.ts';
import type { Clock } from '../../../devices/runtime.ts';
import type { SampleSet } from '../../driver.ts';
import { deadline } from '../deadline.ts';
import { createItems } from './items.ts';
import type { Opcua, Session } from './library.ts';
import type { DeviceNodes } from './nodes.ts';
import type { Item, LastTimes } from './notification.ts';
import type { OpcuaSettings } from './settings.ts';

/** What outlives a connection, so that the next one can take the subscription over. */
export interface SubscriptionMemory {
  readonly id: number;
  readonly items: ReadonlyMap<number, Item>;
  readonly points: readonly string[];
  readonly lastTimes: LastTimes;
  /** The server sends something at least this often, milliseconds. */
  readonly keepAliveMs: number;
  /** Sequence number of the last notification whose delivery was begun. */
  lastSequence: number;
  /** Those whose delivery failed, with `heardMs` before each; they are asked for again. */
  readonly failed: Map<number, number>;
  /** Delivered and to be acknowledged with the next request. */
  acknowledge: number[];
  /** Up to here, by the earlier of both clocks, everything has come. Milliseconds. */
  heardMs: number;
  /** When the server was last heard, on the monotonic clock. */
  heardAt: number;
}

export interface SubscriptionContext {
  readonly opcua: Opcua;
  readonly session: Session;
  readonly settings: OpcuaSettings;
  readonly clock: Clock;
  readonly deliver: (set: SampleSet) => Promise<void>;
  /** Called once. `gone`: the server has forgotten the subscription; it can't be taken over. */
  readonly onLost: (reason: Error, gone: boolean) => void;
}

/** Creates a subscription for everything in `nodes`; `refused` are points it would not watch. */
export async function createSubscription(
  context: SubscriptionContext,
  nodes: DeviceNodes,
): Promise<{ readonly memory: SubscriptionMemory; readonly refused: readonly string[] }> {
  const { session, settings, clock } = context;
  const keepAliveCount = Math.max(1, Math.round(limits.opcuaKeepAliveMs / settings.publishingMs));
  const startedMs = clock.nowMs();
  const created = await deadline(
    clock,
    limits.opcuaRequestMs,
    'creating a subscription',
    session.createSubscription({
      requestedPublishingInterval: settings.publishingMs,
      requestedMaxKeepAliveCount: keepAliveCount,
      // OPC 10000-4 §5.14.2: at least three times the keep-alive count.
      requestedLifetimeCount: Math.max(
        3 * keepAliveCount,
        Math.ceil(limits.opcuaLifetimeMs / settings.publishingMs),
      ),
      maxNotificationsPerPublish: limits.opcuaNotificationsMax,
      publishingEnabled: true,
      priority: 1,
    }),
  );
  const { items, points, refused } = await createItems(context, created.subscriptionId, nodes);
  const memory: SubscriptionMemory = {
    id: created.subscriptionId,
    items,
    points,
    lastTimes: new Map(),
    keepAliveMs: created.revisedMaxKeepAliveCount * created.revisedPublishingInterval,
    lastSequence: 0,
    failed: new Map(),
    acknowledge: [],
    heardMs: startedMs,
    heardAt: clock.monotonicMs(),
  };
  return { memory, refused };
}

/**
 * Moves the subscription of a broken session into this one (TransferSubscriptions). False where
 * the server has forgotten it, or has no such service (edge.md no. 30): then it is made anew.
 */
export async function takeOver(
  context: SubscriptionContext,
  memory: SubscriptionMemory,
): Promise<boolean> {
  const request = { subscriptionIds: [memory.id], sendInitialValues: false };
  const answer = new Promise<boolean>((resolve) => {
    context.session.transferSubscriptions(request, (error, response) => {
      resolve(!error && response?.results?.[0]?.statusCode.isGood() === true);
    });
  });
  const { opcuaRequestMs } = limits;
  return await deadline(context.clock, opcuaRequestMs, 'transferring a subscription', answer);
}
