/**
 * A device behind an OPC UA server for as long as the gateway runs: connects, comes back with
 * growing delays, and keeps what outlives a link: the subscription that the server may still
 * hold, the values that came, and since when nothing is known.
 */
import type { X509Certificate } from 'node:crypto';
import { EdgeError, explain } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import type { LossCause } from '../../../devices/reading.ts';
import type {
  CertificateState,
  Connection,
  ConnectionState,
  DriverContext,
  SampleSet,
} from '../../driver.ts';
import { type Backoff, createBackoff } from '../backoff.ts';
import { createDeviceLog, type DeviceLog } from '../device-log.ts';
import { createTally } from './counters.ts';
import { Gap } from './gap.ts';
import type { Opcua } from './library.ts';
import { isServerGone, type KeptSession, type Link, lossCauseOf, openLink } from './link.ts';
import type { KnownNamespaces } from './namespaces.ts';
import { type ItemPlan, planItems } from './plan.ts';
import { readOnce } from './read.ts';
import { Repeats } from './repeats.ts';
import type { Pki } from './security.ts';
import { type Serving, serve, sinceOf } from './service.ts';
import type { ServiceContext } from './services.ts';
import type { OpcuaSettings } from './settings.ts';
import type { SubscriptionMemory } from './subscription.ts';

type Deliver = (set: SampleSet) => Promise<void>;

export interface OpcuaConnectionOptions {
  readonly opcua: Opcua;
  readonly pki: Pki;
  readonly settings: OpcuaSettings;
  readonly pinned: X509Certificate | undefined;
  readonly points: Readonly<Record<string, PointDefinition>>;
  readonly context: DriverContext;
}

/** What is delivered to, and which points it wants. */
interface Subscriber {
  readonly points: readonly string[];
  readonly deliver: Deliver;
}

/** A link, and the points as they were found over it. */
interface Working {
  readonly link: Link;
  readonly services: ServiceContext;
  readonly plan: ItemPlan;
}

export class OpcuaConnection implements Connection {
  /** Each hole has its interval, also the one before we were started. */
  readonly silence = { whileAway: true, whileRunning: true } as const;
  readonly #options: OpcuaConnectionOptions;
  readonly #backoff: Backoff;
  readonly #log: DeviceLog;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #working: Working | undefined;
  #waiting: (() => void)[] = [];
  #state: ConnectionState = { up: false, reason: 'not connected yet' };
  #subscriber: Subscriber | undefined;
  #serving: Serving | undefined;
  /** The subscription of a broken link, while the server may still hold it. */
  #memory: SubscriptionMemory | undefined;
  /** The session of a broken link, likewise. */
  readonly #kept: KeptSession = {};
  readonly #repeats = new Repeats();
  readonly #namespaces: KnownNamespaces = new Map();
  readonly #tally = createTally();
  readonly #gap: Gap;
  /** When the subscription was asked for, until it stands or its absence is a gap. */
  #unservedSinceMs: number | undefined;
  #silenced = false;

  constructor(options: OpcuaConnectionOptions) {
    const { context, settings } = options;
    const { clock, random, log, device } = context;
    this.#options = options;
    this.#backoff = createBackoff({ clock, random });
    this.#log = createDeviceLog({ device, clock, log });
    this.#gap = new Gap({
      context,
      log: this.#log,
      samplingMs: settings.samplingMs,
      points: () => this.#subscriber?.points ?? [],
      deliver: (set) => this.#deliver(set),
      onReport: () => this.#tally.add('lossesReported'),
    });
  }

  async read(points: readonly string[], signal: AbortSignal): Promise<SampleSet> {
    const working = this.#stopped(signal) ? undefined : await this.#linked(signal);
    if (!working) {
      const cause = this.#stopped(signal) ? 'not-running' : lossCauseOf(this.#lastError);
      return { samples: [], missing: { points, cause } };
    }
    const onFailure = (error: unknown) => {
      if (this.#working === working) this.#lose(error, false);
    };
    return await readOnce({ ...this.#options, ...working, points, onFailure });
  }

  async subscribe(points: readonly string[], deliver: Deliver): Promise<void> {
    this.#subscriber = { points, deliver };
    this.#unservedSinceMs = this.#options.context.clock.nowMs();
    this.#gap.restore();
    this.#gap.start();
    this.#start();
    // A link that was opened for a read carries on with the subscription.
    const working = this.#working;
    if (working) await this.#serve(working).catch((error: unknown) => this.#lose(error, false));
  }

  state(): ConnectionState {
    return this.#state;
  }

  certificates(): readonly CertificateState[] {
    return this.#options.pki.states();
  }

  counters(): Readonly<Record<string, number>> {
    return this.#tally.counters();
  }

  async close(): Promise<void> {
    if (this.#stopping.signal.aborted) return await this.#running;
    const { clock } = this.#options.context;
    const giveUp = new AbortController();
    const cancel = clock.after(limits.stopMs / 2, () => giveUp.abort());
    await this.#serving?.end(giveUp.signal);
    this.#serving = undefined;
    cancel();
    const said = this.#gap.stop();
    this.#silenced = true;
    this.#stopping.abort();
    this.#endLink();
    this.#wake();
    await this.#running;
    // What is not durable by then is signed again after the next start.
    const late = new AbortController();
    await Promise.race([said, clock.sleep(limits.stopMs / 4, late.signal)]);
    late.abort();
  }

  #lastError: unknown;
  #endLink = (): void => {};

  #stopped(signal: AbortSignal): boolean {
    return signal.aborted || this.#stopping.signal.aborted;
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  /** The link, as soon as there is one; `undefined` when the next attempt fails, or too late. */
  async #linked(signal: AbortSignal): Promise<Working | undefined> {
    this.#start();
    if (this.#working) return this.#working;
    const { clock } = this.#options.context;
    const waited = new AbortController();
    const stop = () => waited.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const up = new Promise<void>((resolve) => this.#waiting.push(resolve));
    await Promise.race([up, clock.sleep(2 * limits.opcuaRequestMs, waited.signal)]);
    stop();
    signal.removeEventListener('abort', stop);
    return this.#working;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options.context;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const known = { namespaces: this.#namespaces, kept: this.#kept };
        const link = await openLink({ ...this.#options, ...known, clock, signal });
        if (signal.aborted) return await link.close();
        await this.#hold(link);
      } catch (error) {
        this.#lose(error, isServerGone(error));
      }
      if (signal.aborted) return;
      await clock.sleep(this.#backoff.fail(), signal);
    }
  }

  /** Works with a link until it breaks or the connection is closed. */
  async #hold(link: Link): Promise<void> {
    const { context, opcua, points, settings } = this.#options;
    const ended = new Promise<void>((resolve) => {
      this.#endLink = resolve;
    });
    let working: Working | undefined;
    const broken = link.broken.then((error) => {
      if (working && this.#working === working) this.#lose(error, false);
    });
    try {
      const services = { opcua, session: link.session, clock: context.clock };
      const wanted = new Set(Object.keys(points));
      working = { link, services, plan: await planItems(services, link.nodes, wanted, settings) };
      this.#working = working;
      if (this.#subscriber) await this.#serve(working);
      else this.#isUp();
      this.#wake();
      await Promise.race([ended, broken]);
    } finally {
      if (this.#working === working) this.#working = undefined;
      if (this.#stopping.signal.aborted) await link.close();
      else await link.abandon();
    }
  }

  /** Takes the subscription over or makes it, and closes the gap. */
  async #serve(working: Working): Promise<void> {
    const subscriber = this.#subscriber;
    if (!subscriber || this.#serving) return;
    const { services } = working;
    const { settings, context } = this.#options;
    const plan = narrow(working.plan, new Set(subscriber.points));
    const serving = await serve({
      services,
      settings,
      clock: context.clock,
      random: context.random,
      plan,
      points: subscriber.points,
      memory: this.#memory,
      repeats: this.#repeats,
      tally: this.#tally,
      gap: this.#gap,
      log: this.#log,
      deliver: (set) => this.#deliver(set),
      onMemory: (memory) => {
        this.#memory = memory;
      },
      onLost: (reason, gone) => {
        if (this.#working === working) this.#lose(reason, gone);
      },
      signal: this.#stopping.signal,
    });
    if (this.#working !== working) return serving.drop();
    this.#serving = serving;
    this.#unservedSinceMs = undefined;
    void serving.caughtUp().then(() => {
      if (this.#serving === serving) this.#gap.caughtUp();
    });
    this.#setAbsent(serving.absent.filter((point) => subscriber.points.includes(point)));
    this.#isUp();
  }

  #isUp(): void {
    this.#state = { up: true };
    this.#lastError = undefined;
    this.#backoff.succeed();
    this.#log.well();
  }

  /** The connection is down, or could not be made. Called for each failed attempt as well. */
  #lose(error: unknown, gone: boolean): void {
    if (this.#stopping.signal.aborted) return;
    const { clock } = this.#options.context;
    if (this.#working) this.#tally.add('reconnects');
    this.#serving?.drop();
    this.#serving = undefined;
    const memory = this.#memory;
    const cause = lossCauseOf(error);
    // A server that was started anew does not know the session any more.
    if (gone) delete this.#kept.session;
    const forgotten =
      gone || (memory && clock.monotonicMs() - memory.heardAt > limits.opcuaLifetimeMs);
    if (memory && forgotten) {
      this.#openGap(sinceOf(memory, this.#options.settings), cause);
      this.#memory = undefined;
    }
    if (memory && !forgotten) this.#gap.mark(sinceOf(memory, this.#options.settings), cause);
    if (!memory) this.#openGap(this.#unservedSinceMs ?? clock.nowMs(), cause);
    this.#gap.because(cause);
    this.#gap.setAbsent([]);
    this.#lastError = error;
    const reason = explain(error);
    this.#state = { up: false, reason };
    this.#log.trouble(
      error instanceof EdgeError ? `no connection (${error.code})` : 'connection lost',
      {
        reason,
      },
    );
    this.#working = undefined;
    this.#endLink();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #openGap(sinceMs: number, cause: LossCause): void {
    if (!this.#subscriber) return;
    this.#unservedSinceMs = undefined;
    this.#gap.open(sinceMs, cause);
  }

  #setAbsent(points: readonly string[]): void {
    const { log, device } = this.#options.context;
    this.#gap.setAbsent(points);
    if (points.length === 0) return;
    log.warn(`device ${device}: points are not in the server`, { points: points.join(' ') });
  }

  async #deliver(set: SampleSet): Promise<void> {
    if (this.#silenced) throw new Error('the connection is closed');
    await this.#subscriber?.deliver(set);
    this.#gap.durable(set);
  }
}

/** The part of the plan that holds at least one of the wanted points. */
function narrow(plan: ItemPlan, wanted: ReadonlySet<string>): ItemPlan {
  const isWanted = ({ point }: { readonly point: string }) => wanted.has(point);
  return {
    ...plan,
    values: plan.values
      .filter(({ parts }) => parts.some(isWanted))
      .map((item) => ({ ...item, parts: item.parts.filter(isWanted) })),
    events: plan.events.filter(({ points }) => points.some((point) => wanted.has(point))),
    absent: plan.absent.filter((point) => wanted.has(point)),
  };
}
