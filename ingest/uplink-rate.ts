/** Token buckets before the costly part of a request: one for each address, one for all. */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';

interface Bucket {
  tokens: number;
  atMs: number;
}

/** How much may come at once, and each second. */
interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/** A function that says whether one more request from `address` may be looked at. */
export function createRateLimit(
  clock: Clock,
  allowed: { readonly own: Allowance; readonly all: Allowance },
): (address: string) => boolean {
  const buckets = new Map<string, Bucket>();
  const all: Bucket = { tokens: allowed.all.burst, atMs: clock.monotonicMs() };

  return (address) => {
    const nowMs = clock.monotonicMs();
    const own = buckets.get(address) ?? { tokens: allowed.own.burst, atMs: nowMs };
    buckets.delete(address);
    buckets.set(address, own);
    const [oldest] = buckets.keys();
    if (buckets.size > limits.sitesMax && oldest !== undefined) buckets.delete(oldest);
    // An address that asks too often takes nothing from the others.
    return take(own, nowMs, allowed.own) && take(all, nowMs, allowed.all);
  };
}

function take(bucket: Bucket, nowMs: number, { burst, perSecond }: Allowance): boolean {
  const gained = ((nowMs - bucket.atMs) / 1_000) * perSecond;
  bucket.tokens = Math.min(burst, bucket.tokens + gained);
  bucket.atMs = nowMs;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}
