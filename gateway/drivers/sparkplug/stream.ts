/**
 * Hands over what an edge node says about one device of ours, in order. While the device is stale
 * its points are bad, and what is missing is said from its death (or the loss of the broker) to its
 * next birth. How many sets may be under way at once, the client of the broker bounds.
 */
import { limits } from '../../../devices/limits.ts';
import type { LossCause, Sample } from '../../../devices/reading.ts';
import type { Clock } from '../../../devices/runtime.ts';
import type { ConnectionState, SampleSet } from '../../driver.ts';
import type { Audience, Lapse, Said } from './node.ts';
import { emptySample, sampleOf } from './sample.ts';

export interface PointStreamOptions {
  /** Device below the edge node; absent: the edge node's own metrics. */
  readonly device?: string;
  /** Names of our points by the names of their metrics. */
  readonly points: ReadonlyMap<string, readonly string[]>;
  readonly clock: Clock;
  readonly deliver: (set: SampleSet) => Promise<void>;
  /** Its birth came, or it lapsed (`reason`), or its birth lacks points. */
  readonly onBorn: (lacking: readonly string[]) => void;
  readonly onStale: (reason: string) => void;
  /** What it said could not be stored: another birth is wanted. */
  readonly onLost: () => void;
}

type Condition =
  | { readonly kind: 'waiting'; readonly fromMs: number; readonly cancel: () => void }
  | { readonly kind: 'live' }
  /** `saidMs`: up to then the loss was said. */
  | { readonly kind: 'stale'; cause: LossCause; reason: string; saidMs: number };

export class PointStream implements Audience {
  readonly device?: string;
  readonly #options: PointStreamOptions;
  readonly #names: readonly string[];
  readonly #underWay = new Set<Promise<void>>();
  #condition: Condition;
  #cancelLoss: () => void = () => undefined;
  #closed = false;

  constructor(options: PointStreamOptions) {
    this.#options = options;
    if (options.device !== undefined) this.device = options.device;
    this.#names = [...options.points.values()].flat();
    this.#condition = this.#waitFrom(options.clock.nowMs());
  }

  state(): ConnectionState {
    const condition = this.#condition;
    if (condition.kind === 'live') return { up: true };
    return { up: false, reason: condition.kind === 'stale' ? condition.reason : NO_BIRTH };
  }

  awaits(fromMs: number): void {
    if (this.#condition.kind === 'live') this.#condition = this.#waitFrom(fromMs);
  }

  born(said: Said): Promise<void> {
    const { gatewayTimeMs } = said;
    if (this.#condition.kind === 'waiting') this.#condition.cancel();
    if (this.#condition.kind === 'stale') void this.#sayLoss(gatewayTimeMs);
    this.#cancelLoss();
    this.#condition = { kind: 'live' };
    const samples = this.#samplesOf(said);
    const came = new Set(samples.map(({ point }) => point));
    const lacking = this.#names.filter((name) => !came.has(name));
    this.#options.onBorn(lacking);
    if (lacking.length === 0) return this.#hand({ samples });
    // What an earlier birth had and this one has not is no longer known.
    const empty = lacking.map((point) => emptySample(point, 'not-in-birth', { gatewayTimeMs }));
    const missing = { points: lacking, cause: 'absent' as const };
    return this.#hand({ samples: [...samples, ...empty], missing });
  }

  says(said: Said): Promise<void> {
    if (this.#condition.kind !== 'live') return Promise.resolve();
    const samples = this.#samplesOf(said);
    return samples.length === 0 ? Promise.resolve() : this.#hand({ samples });
  }

  lapses({ cause, reason, fromMs, sourceTimeMs }: Lapse): Promise<void> {
    if (this.#condition.kind === 'stale') {
      this.#condition.cause = cause;
      this.#condition.reason = reason;
      return Promise.resolve();
    }
    // Who has not been born has lost nothing since, but what it lost before.
    const from = this.#condition.kind === 'waiting' ? this.#condition.fromMs : fromMs;
    return this.#goStale({ cause, reason, fromMs: from, ...(sourceTimeMs && { sourceTimeMs }) });
  }

  /** Says the rest of a loss that lasts, waits for what is under way, and hands nothing after. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#condition.kind === 'waiting') this.#condition.cancel();
    if (this.#condition.kind === 'stale') void this.#sayLoss(this.#options.clock.nowMs());
    this.#cancelLoss();
    this.#closed = true;
    const patience = new AbortController();
    const giveUp = this.#options.clock.sleep(limits.stopMs / 4, patience.signal);
    await Promise.race([Promise.all(this.#underWay), giveUp]);
    patience.abort();
  }

  #waitFrom(fromMs: number): Condition {
    const cancel = this.#options.clock.after(limits.sparkplugBirthMs, () => {
      void this.#goStale({ cause: 'absent', reason: NO_BIRTH, fromMs });
    });
    return { kind: 'waiting', fromMs, cancel };
  }

  #goStale({ cause, reason, fromMs, sourceTimeMs }: Lapse): Promise<void> {
    if (this.#condition.kind === 'waiting') this.#condition.cancel();
    const gatewayTimeMs = this.#options.clock.nowMs();
    const saidMs = Math.min(fromMs, gatewayTimeMs);
    this.#condition = { kind: 'stale', cause, reason, saidMs };
    this.#options.onStale(reason);
    const times = { gatewayTimeMs, ...(sourceTimeMs !== undefined && { sourceTimeMs }) };
    const samples = this.#names.map((point) => emptySample(point, 'stale', times));
    this.#lossLater();
    return this.#sayLoss(gatewayTimeMs, samples);
  }

  #lossLater(): void {
    this.#cancelLoss();
    this.#cancelLoss = this.#options.clock.after(limits.sparkplugLossMs, () => {
      void this.#sayLoss(this.#options.clock.nowMs());
      this.#lossLater();
    });
  }

  /** What is missing from when it was last said until `toMs`. */
  #sayLoss(toMs: number, samples: readonly Sample[] = []): Promise<void> {
    if (this.#condition.kind !== 'stale') return Promise.resolve();
    const { cause, saidMs } = this.#condition;
    const until = Math.max(saidMs, toMs);
    this.#condition.saidMs = until;
    const times = 1 + Math.floor((until - saidMs) / limits.sparkplugChangeMs);
    const count = this.#names.length * times;
    const missing = { points: this.#names, cause, fromMs: saidMs, toMs: until, count };
    return this.#hand({ samples, missing });
  }

  #samplesOf(said: Said): Sample[] {
    return said.metrics.flatMap((named) =>
      (this.#options.points.get(named.name) ?? []).map((point) => sampleOf(point, named, said)),
    );
  }

  /** Resolves when the set is durable, or when it is known that it never will be. */
  #hand(set: SampleSet): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const durable = this.#options
      .deliver(set)
      .catch(() => this.#lose(set))
      .finally(() => this.#underWay.delete(durable));
    this.#underWay.add(durable);
    return durable;
  }

  /** What could not be kept is no longer known, and is said to be missing. */
  #lose(set: SampleSet): void {
    if (this.#closed || this.#condition.kind !== 'live') return;
    const fromMs = set.samples[0]?.gatewayTimeMs ?? this.#options.clock.nowMs();
    const reason = 'what it said could not be stored';
    void this.lapses({ cause: 'storage-full', reason, fromMs });
    this.#options.onLost();
  }
}

const NO_BIRTH = 'no birth certificate has come';
