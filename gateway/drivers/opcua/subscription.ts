/**
 * Makes the subscription of a device at its server, or takes over the one that a broken session
 * left there, so that what the server kept meanwhile is not lost.
 */
import { limits } from '../../../devices/limits.ts';
import type { Clock, Random } from '../../../devices/runtime.ts';
import type { SampleSet } from '../../driver.ts';
import { deadline } from '../deadline.ts';
import type { Tally } from './counters.ts';
import { createItems } from './items.ts';
import type { Opcua, Session } from './library.ts';
import type { Watched } from './notification.ts';
import type { ItemPlan } from './plan.ts';
import type { Repeats } from './repeats.ts';
import type { OpcuaSettings } from './settings.ts';

/** What outlives a connection, so that the next one can take the subscription over. */
export interface SubscriptionMemory {
  readonly id: number;
  /** The session that has it. */
  session: Session;
  /** By client handle. */
  readonly items: Map<number, Watched>;
  readonly plan: ItemPlan;
  readonly points: readonly string[];
  /** When the server that holds it was started, as it says itself. */
  readonly serverStartMs: number | undefined;
  /** The server sends something at least this often, milliseconds. */
  readonly keepAliveMs: number;
  /** Sequence number of the last notification whose delivery was begun. */
  lastSequence: number;
  /** Publish times of the newest notifications by number, so that one that comes again is known. */
  readonly published: Map<number, number>;
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
  readonly random: Random;
  readonly repeats: Repeats;
  readonly tally: Tally;
  readonly deliver: (set: SampleSet) => Promise<void>;
  /** A message is gone for good: fills the hole since then from history, or says what is lost. */
  readonly onHole: (sinceMs: number, points: readonly string[]) => Promise<void>;
  /** Called once. `gone`: the server has forgotten the subscription; it can't be taken over. */
  readonly onLost: (reason: Error, gone: boolean) => void;
}

/** What came of asking for a subscription. */
export interface Subscribed {
  readonly memory: SubscriptionMemory;
  /** Points that the server would not watch, and points whose deadband it would not apply. */
  readonly refused: ReadonlyMap<string, string>;
  readonly unfiltered: ReadonlyMap<string, string>;
}

/** Creates a subscription for everything in `plan`. */
export async function createSubscription(
  context: SubscriptionContext,
  plan: ItemPlan,
  serverStartMs: number | undefined,
): Promise<Subscribed> {
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
  const firstHandle = 1 + Math.floor(context.random.fraction() * HANDLES);
  const { items, points, refused, unfiltered } = await createItems(
    context,
    created.subscriptionId,
    plan,
    firstHandle,
  );
  const heardAt = clock.monotonicMs();
  const memory: SubscriptionMemory = {
    id: created.subscriptionId,
    session,
    items: new Map([...items].map(([handle, item]) => [handle, { handle, item, heardAt }])),
    plan,
    points,
    serverStartMs,
    keepAliveMs: created.revisedMaxKeepAliveCount * created.revisedPublishingInterval,
    lastSequence: 0,
    published: new Map(),
    failed: new Map(),
    acknowledge: [],
    heardMs: startedMs,
    heardAt,
  };
  return { memory, refused, unfiltered };
}

/**
 * The first handle of a subscription is one of so many. A server that was restarted gives its
 * subscription ids out again (Industrial-IoT #2055): what another client asked for under our old
 * id has other handles, and is not taken for ours.
 */
const HANDLES = 0xf0000000;

/**
 * Moves the subscription of a lost session into this one (TransferSubscriptions); one that this
 * session has already stays where it is. False where the server has forgotten it, or has no such
 * service (edge.md no. 30): then it is made anew.
 */
export async function takeOver(
  context: SubscriptionContext,
  memory: SubscriptionMemory,
): Promise<boolean> {
  if (memory.session === context.session) return true;
  const request = { subscriptionIds: [memory.id], sendInitialValues: false };
  const answer = new Promise<boolean>((resolve) => {
    context.session.transferSubscriptions(request, (error, response) => {
      resolve(!error && response?.results?.[0]?.statusCode.isGood() === true);
    });
  });
  const { opcuaRequestMs } = limits;
  const work = deadline(context.clock, opcuaRequestMs, 'transferring a subscription', answer);
  const isMoved = await work;
  if (isMoved) memory.session = context.session;
  return isMoved;
}
