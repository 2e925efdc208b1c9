/** What was sent and has no receipt yet: each is sent again after a wait that doubles. */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { OutboxRow } from './outbox.ts';

/** A credential on its way. */
export interface Sent {
  readonly digest: string;
  readonly token: Uint8Array;
  /** Absent for an enrolment, which is not in the outbox. */
  readonly row?: OutboxRow;
  dueMs: number;
  waitMs: number;
}

export interface InFlight {
  /** Number of batches. */
  rows(): number;
  put(digest: string, token: Uint8Array, row?: OutboxRow): void;
  get(digest: string): Sent | undefined;
  has(digest: string): boolean;
  remove(digest: string): void;
  clear(): void;
  /** Waits longer before the credential is sent again. */
  postpone(sent: Sent): void;
  /** What is due to be sent again; each is due once more after twice its wait. */
  due(): readonly Sent[];
}

export function createInFlight(clock: Clock): InFlight {
  const all = new Map<string, Sent>();
  const postpone = (sent: Sent) => {
    sent.waitMs = Math.min(2 * sent.waitMs, limits.receiptTimeoutMsMax);
    sent.dueMs = clock.monotonicMs() + sent.waitMs;
  };
  return {
    rows() {
      let rows = 0;
      for (const { row } of all.values()) if (row) rows += 1;
      return rows;
    },
    put(digest, token, row) {
      const waitMs = limits.receiptTimeoutMs;
      const dueMs = clock.monotonicMs() + waitMs;
      all.set(digest, { digest, token, dueMs, waitMs, ...(row && { row }) });
    },
    get: (digest) => all.get(digest),
    has: (digest) => all.has(digest),
    remove: (digest) => void all.delete(digest),
    clear: () => all.clear(),
    postpone,
    due() {
      const nowMs = clock.monotonicMs();
      const due = [...all.values()].filter(({ dueMs }) => dueMs <= nowMs);
      for (const sent of due) postpone(sent);
      return due;
    },
  };
}
