/**
 * Token buckets before anything costly is done: one for each gateway, and one for all those of
 * which nothing proven has come yet. Nothing is dropped: who is in debt is not read from until the
 * debt is paid, and keeps what it has.
 */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import { type Deferred, deferred } from './apply-deferred.ts';
import type { Lane } from './lane.ts';

/** What one source may send each second; it may send that of some seconds at once. */
export interface Rate {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface RateSettings {
  /** Of a gateway that is known. */
  readonly gateway: Rate;
  /** Papers of one gateway; they count as messages too. */
  readonly papersPerSecond: number;
  /** Of a gateway of which nothing proven has come yet. */
  readonly stranger: Rate;
  /** Of all those together. */
  readonly strangers: Rate;
}

export interface Rates {
  /** Counts a message that was read. */
  spend(gateway: string, bytes: number, lane: Lane): void;
  /** When the gateway is out of debt; `undefined` where it is in none. */
  wait(gateway: string): Promise<void> | undefined;
  /** The gateway is known: its certificate says so, or a batch of an enrolled device came by it. */
  know(gateway: string): void;
  /** Gateways that wait now. */
  waiting(): number;
}

/** What is left, and since when; below zero is a debt. */
interface Bucket {
  readonly perSecond: number;
  left: number;
  atMs: number;
}

interface Source {
  isKnown: boolean;
  messages: Bucket;
  bytes: Bucket;
  papers: Bucket;
  /** Opened once the debt is paid. */
  gate?: Deferred<void>;
}

/** Buckets of at most `sitesMax` gateways; the one that was silent longest makes room. */
export function createRates(clock: Clock, settings: RateSettings): Rates {
  const sources = new Map<string, Source>();
  const full = (perSecond: number): Bucket => ({
    perSecond,
    left: perSecond * limits.rateBurstSeconds,
    atMs: clock.monotonicMs(),
  });
  const strangers = {
    messages: full(settings.strangers.messagesPerSecond),
    bytes: full(settings.strangers.bytesPerSecond),
  };
  let waiting = 0;

  const sourceOf = (gateway: string): Source => {
    const found = sources.get(gateway);
    if (found !== undefined) return found;
    const { messagesPerSecond, bytesPerSecond } = settings.stranger;
    const made: Source = {
      isKnown: false,
      messages: full(messagesPerSecond),
      bytes: full(bytesPerSecond),
      papers: full(settings.papersPerSecond),
    };
    sources.set(gateway, made);
    const [oldest] = sources.keys();
    if (sources.size > limits.sitesMax && oldest !== undefined) sources.delete(oldest);
    return made;
  };

  /** How long until none of a source's buckets is in debt, milliseconds. */
  const debtMs = (source: Source): number => {
    const nowMs = clock.monotonicMs();
    const own = [source.messages, source.bytes, source.papers];
    const all = source.isKnown ? own : [...own, strangers.messages, strangers.bytes];
    return Math.max(...all.map((bucket) => owed(bucket, nowMs)));
  };

  const openLater = (source: Source, delayMs: number) => {
    clock.after(Math.min(delayMs, limits.rateWaitMs), () => {
      if (source.gate === undefined) return;
      const more = debtMs(source);
      if (more > 0) openLater(source, more);
      else open(source);
    });
  };
  const open = (source: Source) => {
    if (source.gate === undefined) return;
    waiting -= 1;
    source.gate.resolve();
    delete source.gate;
  };

  return {
    spend(gateway, bytes, lane) {
      const nowMs = clock.monotonicMs();
      const source = sourceOf(gateway);
      take(source.messages, 1, nowMs);
      take(source.bytes, bytes, nowMs);
      if (lane === 'paper') take(source.papers, 1, nowMs);
      if (source.isKnown) return;
      take(strangers.messages, 1, nowMs);
      take(strangers.bytes, bytes, nowMs);
    },
    wait(gateway) {
      const source = sourceOf(gateway);
      if (source.gate !== undefined) return source.gate.promise;
      const delayMs = debtMs(source);
      if (delayMs <= 0) return undefined;
      source.gate = deferred<void>();
      waiting += 1;
      openLater(source, delayMs);
      return source.gate.promise;
    },
    know(gateway) {
      const source = sourceOf(gateway);
      // The one that was silent longest goes first.
      sources.delete(gateway);
      sources.set(gateway, source);
      if (source.isKnown) return;
      source.isKnown = true;
      source.messages = full(settings.gateway.messagesPerSecond);
      source.bytes = full(settings.gateway.bytesPerSecond);
      if (debtMs(source) <= 0) open(source);
    },
    waiting: () => waiting,
  };
}

function refill(bucket: Bucket, nowMs: number): void {
  const gained = ((nowMs - bucket.atMs) / 1_000) * bucket.perSecond;
  bucket.left = Math.min(bucket.perSecond * limits.rateBurstSeconds, bucket.left + gained);
  bucket.atMs = nowMs;
}

function take(bucket: Bucket, price: number, nowMs: number): void {
  refill(bucket, nowMs);
  bucket.left -= price;
}

function owed(bucket: Bucket, nowMs: number): number {
  refill(bucket, nowMs);
  return bucket.left >= 0 ? 0 : (-bucket.left / bucket.perSecond) * 1_000;
}
