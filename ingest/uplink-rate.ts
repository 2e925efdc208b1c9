/** Token buckets before the costly part of a request: one for each address, one for all. */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A function that says whether one more request from `address` may be looked at. */
export function createRateLimit(clock: Clock): (address: string) => boolean {
  const buckets = new Map<string, Bucket>();
  const all: Bucket = { tokens: limits.certificateBurstAll, atMs: clock.monotonicMs() };

  return (address) => {
    const nowMs = clock.monotonicMs();
    const own = buckets.get(address) ?? { tokens: limits.certificateBurst, atMs: nowMs };
    buckets.delete(address);
    buckets.set(address, own);
    const [oldest] = buckets.keys();
    if (buckets.size > limits.sitesMax && oldest !== undefined) buckets.delete(oldest);
    // An address that asks too often takes nothing from the others.
    if (!take(own, nowMs, limits.certificatePerSecond, limits.certificateBurst)) return false;
    return take(all, nowMs, limits.certificatePerSecondAll, limits.certificateBurstAll);
  };
}

function take(bucket: Bucket, nowMs: number, perSecond: number, burst: number): boolean {
  const gained = ((nowMs - bucket.atMs) / 1_000) * perSecond;
  bucket.tokens = Math.min(burst, bucket.tokens + gained);
  bucket.atMs = nowMs;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}
