/**
 * A device behind an OPC UA server for as long as the gateway runs: connects, comes back with
 * growing delays, takes its subscription over or makes it anew, and says from when to when it
 * knows nothing.
 */
import type { X509Certificate } from 'node:crypto';
import { EdgeError, explain } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import type { LossCause } from '../../../devices/reading.ts';
import type { Connection, ConnectionState, DriverContext, SampleSet } from '../../driver.ts';
import { type Backoff, createBackoff } from '../backoff.ts';
import { createDeviceLog, type DeviceLog } from '../device-log.ts';
import type { Opcua } from './library.ts';
import { isServerGone, type Link, lossCauseOf, openLink } from './link.ts';
import type { DeviceNodes } from './nodes.ts';
import { valuesWithin } from './notification.ts';
import { PublishLoop } from './publish.ts';
import { readOnce } from './read.ts';
import type { Pki } from './security.ts';
import type { OpcuaSettings } from './settings.ts';
import { createSubscription, type SubscriptionMemory, takeOver } from './subscription.ts';

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

/** An interval that nothing is known of, still open. */
interface Gap {
  sinceMs: number;
  cause: LossCause;
}

export class OpcuaConnection implements Connection {
  readonly #options: OpcuaConnectionOptions;
  readonly #backoff: Backoff;
  readonly #log: DeviceLog;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #link: Link | undefined;
  #waiting: (() => void)[] = [];
  #state: ConnectionState = { up: false, reason: 'not connected yet' };
  #subscriber: Subscriber | undefined;
  #loop: PublishLoop | undefined;
  /** The subscription of a broken link, while the server may still hold it. */
  #memory: SubscriptionMemory | undefined;
  #gap: Gap | undefined;
  /** When the subscription was asked for, until it stands or its absence is a gap. */
  #unservedSinceMs: number | undefined;
  /** Points that this server does not have, and since when that is not reported. */
  #absent: { readonly points: readonly string[]; sinceMs: number } | undefined;
  #cancelTick = (): void => {};
  #silenced = false;
  #reconnects = 0;
  #resumed = 0;
  #lossesReported = 0;

  constructor(options: OpcuaConnectionOptions) {
    const { clock, random, log, device } = options.context;
    this.#options = options;
    this.#backoff = createBackoff({ clock, random });
    this.#log = createDeviceLog({ device, clock, log });
  }

  async read(points: readonly string[], signal: AbortSignal): Promise<SampleSet> {
    const link = this.#stopped(signal) ? undefined : await this.#linked(signal);
    if (!link) {
      const cause = this.#stopped(signal) ? 'not-running' : lossCauseOf(this.#lastError);
      return { samples: [], missing: { points, cause } };
    }
    const onFailure = (error: unknown) => {
      if (this.#link === link) this.#lose(error, false);
    };
    return await readOnce({ ...this.#options, link, points, onFailure });
  }

  async subscribe(points: readonly string[], deliver: Deliver): Promise<void> {
    this.#subscriber = { points, deliver };
    this.#unservedSinceMs = this.#options.context.clock.nowMs();
    this.#tick();
    this.#start();
    // A link that was opened for a read carries on with the subscription.
    const link = this.#link;
    if (link) await this.#serve(link).catch((error: unknown) => this.#lose(error, false));
  }

  state(): ConnectionState {
    return this.#state;
  }

  counters(): Readonly<Record<string, number>> {
    return {
      reconnects: this.#reconnects,
      resumedSubscriptions: this.#resumed,
      lossesReported: this.#lossesReported,
    };
  }

  async close(): Promise<void> {
    if (this.#stopping.signal.aborted) return await this.#running;
    const { clock } = this.#options.context;
    const giveUp = new AbortController();
    const cancel = clock.after(limits.stopMs / 2, () => giveUp.abort());
    this.#cancelTick();
    await this.#loop?.end(giveUp.signal);
    this.#loop = undefined;
    cancel();
    this.#reportGap();
    this.#silenced = true;
    this.#stopping.abort();
    this.#endLink();
    this.#wake();
    await this.#running;
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
  async #linked(signal: AbortSignal): Promise<Link | undefined> {
    this.#start();
    if (this.#link) return this.#link;
    const { clock } = this.#options.context;
    const waited = new AbortController();
    const stop = () => waited.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const up = new Promise<void>((resolve) => this.#waiting.push(resolve));
    await Promise.race([up, clock.sleep(2 * limits.opcuaRequestMs, waited.signal)]);
    stop();
    signal.removeEventListener('abort', stop);
    return this.#link;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options.context;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const link = await openLink({ ...this.#options, clock, signal });
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
    this.#link = link;
    const ended = new Promise<void>((resolve) => {
      this.#endLink = resolve;
    });
    const broken = link.broken.then((error) => {
      if (this.#link === link) this.#lose(error, false);
    });
    try {
      if (this.#subscriber) await this.#serve(link);
      else this.#isUp();
      this.#wake();
      await Promise.race([ended, broken]);
    } finally {
      this.#link = undefined;
      if (this.#stopping.signal.aborted) await link.close();
      else await link.abandon();
    }
  }

  /** Takes the subscription over or makes it, and closes the gap. */
  async #serve(link: Link): Promise<void> {
    const subscriber = this.#subscriber;
    if (!subscriber || this.#loop) return;
    const { opcua, settings, context } = this.#options;
    const wanted = new Set(subscriber.points);
    const subscription = {
      opcua,
      settings,
      session: link.session,
      clock: context.clock,
      deliver: (set: SampleSet) => this.#deliver(set),
      onLost: (reason: Error, gone: boolean) => this.#lose(reason, gone),
    };
    let memory = this.#memory;
    let refused: readonly string[] = [];
    if (memory && (await takeOver(subscription, memory))) {
      this.#resumed += 1;
    } else {
      if (memory) this.#openGap(sinceOf(memory, settings), 'absent');
      this.#memory = undefined;
      ({ memory, refused } = await createSubscription(subscription, only(link.nodes, wanted)));
    }
    // Another failure may have come meanwhile; then the next link starts from this memory.
    this.#memory = undefined;
    this.#loop = new PublishLoop(subscription, memory);
    this.#reportGap();
    this.#gap = undefined;
    this.#unservedSinceMs = undefined;
    this.#setAbsent([...link.nodes.absent, ...refused].filter((point) => wanted.has(point)));
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
    if (this.#link) this.#reconnects += 1;
    this.#memory ??= this.#loop?.memory;
    this.#loop = undefined;
    const memory = this.#memory;
    const forgotten =
      gone || (memory && clock.monotonicMs() - memory.heardAt > limits.opcuaLifetimeMs);
    if (memory && forgotten) {
      this.#openGap(sinceOf(memory, this.#options.settings), lossCauseOf(error));
      this.#memory = undefined;
    }
    if (!memory) this.#openGap(this.#unservedSinceMs ?? clock.nowMs(), lossCauseOf(error));
    if (this.#gap) this.#gap.cause = lossCauseOf(error);
    this.#absent = undefined;
    this.#lastError = error;
    const reason = explain(error);
    this.#state = { up: false, reason };
    this.#log.trouble(
      error instanceof EdgeError ? `no connection (${error.code})` : 'connection lost',
      {
        reason,
      },
    );
    this.#link = undefined;
    this.#endLink();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #openGap(sinceMs: number, cause: LossCause): void {
    if (!this.#subscriber) return;
    this.#unservedSinceMs = undefined;
    this.#gap ??= { sinceMs, cause };
    this.#gap.sinceMs = Math.min(this.#gap.sinceMs, sinceMs);
  }

  #setAbsent(points: readonly string[]): void {
    const { clock, log, device } = this.#options.context;
    this.#absent = points.length > 0 ? { points, sinceMs: clock.nowMs() } : undefined;
    if (points.length === 0) return;
    log.warn(`device ${device}: points are not in the server`, { points: points.join(' ') });
  }

  /** Reports what is missing at a bounded rate for as long as it is. */
  #tick(): void {
    this.#cancelTick();
    this.#cancelTick = this.#options.context.clock.after(limits.opcuaLossMs, () => {
      this.#reportGap();
      this.#tick();
    });
  }

  #reportGap(): void {
    if (this.#gap) {
      const { sinceMs, cause } = this.#gap;
      this.#gap.sinceMs = this.#report(this.#subscriber?.points ?? [], sinceMs, cause);
    } else if (this.#absent) {
      this.#absent.sinceMs = this.#report(this.#absent.points, this.#absent.sinceMs, 'refused');
    }
  }

  /** Hands over one loss up to now and returns its end. */
  #report(points: readonly string[], fromMs: number, cause: LossCause): number {
    const toMs = this.#options.context.clock.nowMs();
    if (points.length === 0 || toMs <= fromMs) return fromMs;
    const count = valuesWithin(toMs - fromMs, points.length, this.#options.settings.samplingMs);
    this.#lossesReported += 1;
    this.#deliver({ samples: [], missing: { points, cause, fromMs, toMs, count } }).catch(
      (error: unknown) => this.#log.trouble('a loss was not kept', { reason: explain(error) }),
    );
    return toMs;
  }

  async #deliver(set: SampleSet): Promise<void> {
    if (this.#silenced) throw new Error('the connection is closed');
    await this.#subscriber?.deliver(set);
  }
}

/** Variables and events that hold at least one of the wanted points. */
function only(nodes: DeviceNodes, wanted: ReadonlySet<string>): DeviceNodes {
  return {
    ...nodes,
    variables: nodes.variables.filter(({ point }) => wanted.has(point)),
    events: nodes.events.filter(({ fields }) => fields.some(({ point }) => wanted.has(point))),
  };
}

/**
 * From when nothing is certain of a subscription that the server has forgotten. One publishing
 * interval earlier than what was heard last, since values may have waited for it.
 */
function sinceOf(memory: SubscriptionMemory, settings: OpcuaSettings): number {
  return Math.min(memory.heardMs, ...memory.failed.values()) - settings.publishingMs;
}
