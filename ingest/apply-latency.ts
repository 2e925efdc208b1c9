/**
 * How long a sample took to become a visible twin: for every sensor element of every batch, the
 * time between its observation and the instant at which the change was handed to the API, in a
 * histogram of bounded size.
 */
import type { AppliedBatch } from './apply-engine.ts';

export interface LatencySummary {
  /** Milliseconds; `null` before the first. */
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  /** Sensor elements measured. */
  readonly count: number;
}

export interface LatencyBook {
  /** Notes batches that became visible at `visibleMs`. */
  seen(batches: readonly AppliedBatch[], visibleMs: number): void;
  total(): LatencySummary;
  /** By fingerprint of the gateway. */
  byGateway(): Readonly<Record<string, LatencySummary>>;
}

/** Buckets grow by 2 %: a percentile is at most that much too high. */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** 1.02^1100 ms is beyond 30 days; everything slower counts as that. */
const BUCKETS = 1_100;
const GATEWAYS_MAX = 1_000;

/** A book that counts batches received from `sinceMs` on; older ones waited for this start. */
export function createLatency(sinceMs: number): LatencyBook {
  const total = createHistogram();
  const gateways = new Map<string, Histogram>();
  return {
    seen(batches, visibleMs) {
      for (const { gateway, receivedMs, observed } of batches) {
        if (receivedMs < sinceMs) continue;
        let own = gateways.get(gateway);
        if (own === undefined && gateways.size < GATEWAYS_MAX) {
          own = createHistogram();
          gateways.set(gateway, own);
        }
        for (const observedMs of observed) {
          total.add(visibleMs - observedMs);
          own?.add(visibleMs - observedMs);
        }
      }
    },
    total: () => total.summary(),
    byGateway: () =>
      Object.fromEntries([...gateways].map(([name, own]) => [name, own.summary()] as const)),
  };
}

interface Histogram {
  add(valueMs: number): void;
  summary(): LatencySummary;
}

function createHistogram(): Histogram {
  const buckets = new Uint32Array(BUCKETS);
  let count = 0;
  let max = 0;
  const percentile = (share: number): number | null => {
    if (count === 0) return null;
    let left = Math.ceil(count * share);
    for (const [index, held] of buckets.entries()) {
      left -= held;
      // The upper edge of the bucket, but never more than was seen.
      if (left <= 0) return Math.min(Math.round(GROWTH ** index), max);
    }
    return max;
  };
  return {
    add(valueMs) {
      const value = Math.max(0, valueMs);
      const index = value <= 1 ? 0 : Math.ceil(Math.log(value) / LOG_GROWTH);
      const bucket = Math.min(index, BUCKETS - 1);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      count += 1;
      max = Math.max(max, Math.round(value));
    },
    summary: () => ({
      p50: percentile(0.5),
      p99: percentile(0.99),
      max: count === 0 ? null : max,
      count,
    }),
  };
}
