/** What gateways were heard to keep, of at most so many of them. */
import type { Statement } from '../devices/credential/checkpoint.ts';
import { fingerprintOfDid } from '../devices/envelope.ts';
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { LogHead } from './store.ts';

/** What can be seen of checkpoints. */
export interface CheckpointState {
  /** Entries under the newest checkpoint, and when it was signed; absent before the first. */
  readonly size?: number;
  readonly issuedMs?: number;
  /** Enrolled gateways that keep one which this journal continues, */
  readonly witnesses: number;
  /** and those that keep one which it does not. */
  readonly contradicted: readonly string[];
}

/** What one gateway keeps, as it said last. */
export interface Heard extends LogHead {
  /** Whether it is of this journal. */
  readonly isOurs: boolean;
  /** Whether an enrolment names the gateway. */
  readonly isEnrolled: boolean;
}

export function createHeard(clock: Clock, before: readonly Statement[]) {
  const known = new Map<string, Heard>();
  /** The greatest size that each kept of this journal. */
  const furthest = new Map<string, number>();
  const lastMs = new Map<string, number>();
  const put = <T>(map: Map<string, T>, gateway: string, value: T) => {
    map.delete(gateway);
    map.set(gateway, value);
    const [oldest] = map.keys();
    if (map.size > limits.sitesMax && oldest !== undefined) map.delete(oldest);
  };
  for (const { checkpoint, gateway: did } of before) {
    const { root, size } = checkpoint;
    put(known, fingerprintOfDid(did), { size, root, isOurs: true, isEnrolled: true });
    put(furthest, fingerprintOfDid(did), size);
  }
  return {
    of: (gateway: string) => known.get(gateway),
    /**
     * Notes what one keeps. Returns whether that is news, and `further` where it never kept more:
     * an old statement may come late, and a gateway whose disk was put back keeps less.
     */
    note(gateway: string, what: Heard): 'further' | 'other' | undefined {
      const last = known.get(gateway);
      put(known, gateway, what);
      if (last?.size === what.size && last.root === what.root && last.isOurs === what.isOurs) {
        return undefined;
      }
      if (!what.isOurs || what.size < (furthest.get(gateway) ?? 0)) return 'other';
      put(furthest, gateway, what.size);
      return 'further';
    },
    /** Whether a statement of this gateway may be looked at again. */
    isDue(gateway: string): boolean {
      const nowMs = clock.monotonicMs();
      if (nowMs - (lastMs.get(gateway) ?? Number.NEGATIVE_INFINITY) < limits.witnessMs)
        return false;
      put(lastMs, gateway, nowMs);
      return true;
    },
    state() {
      const all = [...known].filter(([, { isEnrolled }]) => isEnrolled);
      const contradicted = all.filter(([, { isOurs }]) => !isOurs).map(([gateway]) => gateway);
      return { witnesses: all.length - contradicted.length, contradicted };
    },
  };
}
