/**
 * The subscription of one device on one link: takes over what the server kept or makes it anew,
 * fills the gap before it, drives it, and watches its items.
 */
import { isDate } from 'node:util/types';
import { explain } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { Clock, Random } from '../../../devices/runtime.ts';
import type { SampleSet } from '../../driver.ts';
import type { DeviceLog } from '../device-log.ts';
import type { Tally } from './counters.ts';
import type { Gap, Lost } from './gap.ts';
import { fillFromHistory } from './history.ts';
import { createItems, pointsOf } from './items.ts';
import { valuesWithin, type Watched } from './notification.ts';
import type { ItemPlan } from './plan.ts';
import { PublishLoop } from './publish.ts';
import type { Repeats } from './repeats.ts';
import { readAttributes, type ServiceContext } from './services.ts';
import type { OpcuaSettings } from './settings.ts';
import {
  createSubscription,
  type SubscriptionContext,
  type SubscriptionMemory,
  takeOver,
} from './subscription.ts';
import { checkSilent, nextCheckAt } from './watchdog.ts';

export interface ServeOptions {
  readonly services: ServiceContext;
  readonly settings: OpcuaSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly plan: ItemPlan;
  /** All points that somebody waits for. */
  readonly points: readonly string[];
  /** The subscription of the link before, while the server may still hold it. */
  readonly memory: SubscriptionMemory | undefined;
  readonly repeats: Repeats;
  readonly tally: Tally;
  readonly gap: Gap;
  readonly log: DeviceLog;
  readonly deliver: (set: SampleSet) => Promise<void>;
  /** The subscription that is kept from now on; called before anything is delivered of it. */
  readonly onMemory: (memory: SubscriptionMemory) => void;
  readonly onLost: (reason: Error, gone: boolean) => void;
  readonly signal: AbortSignal;
}

export interface Serving {
  readonly memory: SubscriptionMemory;
  /** Points that the server does not have, or would not watch. */
  readonly absent: readonly string[];
  /** Resolves when what the server kept for us is durable, or failed to be. */
  caughtUp(): Promise<void>;
  /** Ends the subscription and resolves when all that the server sent has been delivered. */
  end(signal: AbortSignal): Promise<void>;
  /** Stops asking and watching; the link is broken. */
  drop(): void;
}

/** OPC 10000-5 §12.10: when the server was started. */
const START_TIME = 'i=2257';
const VALUE = 13;

/** Resolves when the subscription stands and the gap before it is filled as far as can be. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { gap, plan, repeats, services, tally } = options;
  const context = contextOf(options);
  const startMs = await serverStart(services);
  repeats.seam();
  gap.setHistoric(historicPoints(plan));
  const resumed = await resume(context, options.memory, startMs);
  if (!resumed && options.memory) {
    gap.open(sinceOf(options.memory, options.settings), 'absent');
  }
  const made = resumed ? undefined : await createSubscription(context, plan, startMs);
  const memory = resumed ?? made?.memory;
  if (!memory) throw new Error('there is no subscription');
  tally.add(resumed ? 'resumedSubscriptions' : 'createdSubscriptions');
  options.onMemory(memory);
  const { now } = gap;
  if (now) await closeGap(options, memory, now.beganMs, startMs);
  for (const [point, reason] of made?.unfiltered ?? []) {
    tally.add('refusedDeadbands');
    options.log.trouble('the server does not apply the deadband', { point, reason });
  }
  const loop = new PublishLoop(context, memory);
  const watching = watchItems(options, context, memory);
  return {
    memory,
    absent: [...plan.absent, ...(made?.refused.keys() ?? [])],
    caughtUp: () => loop.caughtUp(),
    async end(signal) {
      watching();
      await loop.end(signal);
    },
    drop() {
      watching();
      loop.drop();
    },
  };
}

/** Takes the subscription of the link before over, if it can still be the same. */
async function resume(
  context: SubscriptionContext,
  memory: SubscriptionMemory | undefined,
  startMs: number | undefined,
): Promise<SubscriptionMemory | undefined> {
  if (!memory) return undefined;
  // A server that was started anew knows nothing of us; who has our id there is somebody else.
  if (memory.serverStartMs !== startMs) return undefined;
  return (await takeOver(context, memory)) ? memory : undefined;
}

function contextOf(options: ServeOptions): SubscriptionContext {
  const { clock, deliver, onLost, random, repeats, services, settings, tally } = options;
  const { opcua, session } = services;
  return {
    opcua,
    session,
    settings,
    clock,
    random,
    repeats,
    tally,
    deliver,
    onLost,
    onHole: (sinceMs, points) => fillHole(options, sinceMs, points),
  };
}

async function serverStart(services: ServiceContext): Promise<number | undefined> {
  const [read] = await readAttributes(services, [{ nodeId: START_TIME, attributeId: VALUE }]);
  const value: unknown = read?.value?.value;
  return isDate(value) ? value.getTime() : undefined;
}

export function historicPoints({ values }: ItemPlan): ReadonlySet<string> {
  return new Set(values.filter(({ historic }) => historic).flatMap(pointsOf));
}

/** Fills the gap before a subscription and says what of it is lost. */
async function closeGap(
  options: ServeOptions,
  memory: SubscriptionMemory,
  beganMs: number,
  startMs: number | undefined,
): Promise<void> {
  const { gap, tally } = options;
  const onProgress = () => gap.progress();
  const result = await fillFromHistory({ ...options, sinceMs: beganMs, border: gap, onProgress });
  if (result.values > 0) tally.add('historyValues', result.values);
  const unfilled = options.points.filter(
    (point) => !result.filled.has(point) && !result.partly.has(point),
  );
  const lost: Lost[] = [...result.partly].map(([point, reachedMs]) => ({
    points: [point],
    fromMs: Math.max(gap.fromOf(point), reachedMs),
  }));
  // While the server did not run, nobody kept a history.
  if (startMs !== undefined && startMs > beganMs && startMs <= memory.heardMs) {
    const readMs = result.newestBefore(startMs) ?? beganMs;
    for (const point of result.filled) {
      lost.push({ points: [point], fromMs: Math.max(gap.fromOf(point), readMs), toMs: startMs });
    }
  }
  await gap.close(unfilled, lost);
}

/** A message is gone: its values come from history where there is one, the rest is lost. */
async function fillHole(
  options: ServeOptions,
  sinceMs: number,
  points: readonly string[],
): Promise<void> {
  const { clock, deliver, plan, settings, tally } = options;
  const wanted = new Set(points);
  const values = plan.values.filter((item) => pointsOf(item).some((point) => wanted.has(point)));
  const result = await fillFromHistory({ ...options, plan: { ...plan, values }, sinceMs });
  if (result.values > 0) tally.add('historyValues', result.values);
  const lost = points.filter((point) => !result.filled.has(point));
  if (lost.length === 0) return;
  const toMs = clock.nowMs();
  const fromMs = Math.min(sinceMs, toMs);
  const count = valuesWithin(toMs - fromMs, lost.length, settings.samplingMs);
  tally.add('lossesReported');
  await deliver({ samples: [], missing: { points: lost, cause: 'damaged', fromMs, toMs, count } });
}

/** Looks after silent items until the returned function is called. */
function watchItems(
  options: ServeOptions,
  context: SubscriptionContext,
  memory: SubscriptionMemory,
): () => void {
  const { clock, onLost } = options;
  let suspects: ReadonlySet<Watched> = new Set();
  let cancel = (): void => {};
  let ended = false;
  const wait = () => {
    if (ended) return;
    const idleMs = nextCheckAt(memory.items.values()) - clock.monotonicMs();
    const waitMs =
      suspects.size > 0 ? limits.opcuaKeepAliveMs : Math.max(limits.opcuaCheckMs, idleMs);
    if (Number.isFinite(waitMs)) cancel = clock.after(waitMs, check);
  };
  const check = () => {
    checkItems(options, context, memory, suspects).then(
      (next) => {
        suspects = next;
        wait();
      },
      (error: unknown) => {
        if (!ended) onLost(error instanceof Error ? error : new Error(explain(error)), false);
      },
    );
  };
  wait();
  return () => {
    ended = true;
    cancel();
  };
}

async function checkItems(
  options: ServeOptions,
  context: SubscriptionContext,
  memory: SubscriptionMemory,
  suspected: ReadonlySet<Watched>,
): Promise<ReadonlySet<Watched>> {
  const { deliver, settings, tally } = options;
  const checked = await checkSilent({
    ...options,
    items: new Set(memory.items.values()),
    suspects: suspected,
    sendsValues: settings.trigger !== 'status',
  });
  if (checked.unchanged > 0) tally.add('unchangedChecks', checked.unchanged);
  if (checked.samples.length > 0) await deliver({ samples: checked.samples });
  if (checked.dead.length > 0) {
    await revive(
      options,
      context,
      memory,
      checked.dead.map(({ watched }) => watched),
    );
    const { repeats } = options;
    const samples = checked.dead.flatMap((one) => one.samples);
    const fresh = samples.filter((sample) => !repeats.isRepeat(sample));
    if (fresh.length > 0) await deliver({ samples: fresh });
  }
  return checked.suspects;
}

/** Asks for items anew that the server has forgotten, and says from when to when they were dead. */
async function revive(
  options: ServeOptions,
  context: SubscriptionContext,
  memory: SubscriptionMemory,
  dead: readonly Watched[],
): Promise<void> {
  const { clock, log, plan, random, repeats, tally } = options;
  const values = dead.flatMap(({ item }) => (item.kind === 'value' ? [item] : []));
  const points = values.flatMap(pointsOf);
  tally.add('deadItems', dead.length);
  log.trouble('the server has forgotten items of the subscription; they are made anew', {
    points: points.slice(0, 10).join(' '),
  });
  const sinceMs =
    clock.nowMs() - Math.max(...dead.map(({ heardAt }) => clock.monotonicMs() - heardAt));
  repeats.seam();
  await fillHole(options, sinceMs, points);
  const firstHandle = 1 + Math.floor(random.fraction() * 0xf0000000);
  const created = await createItems(
    context,
    memory.id,
    { root: plan.root, values, events: [] },
    firstHandle,
  );
  const heardAt = clock.monotonicMs();
  for (const watched of dead) watched.heardAt = heardAt;
  for (const [handle, item] of created.items) memory.items.set(handle, { handle, item, heardAt });
}

/**
 * From when nothing is certain of a subscription that the server has forgotten. One publishing
 * interval earlier than what was heard last, since values may have waited for it.
 */
export function sinceOf(memory: SubscriptionMemory, settings: OpcuaSettings): number {
  return Math.min(memory.heardMs, ...memory.failed.values()) - settings.publishingMs;
}
