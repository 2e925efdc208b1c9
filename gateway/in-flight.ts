/** What was sent and has no receipt yet: each is sent again after a wait that doubles. */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { Lane } from './lanes.ts';
import type { OutboxRow } from './outbox.ts';

/** A credential on its way. */
export interface Sent {
  readonly digest: string;
  readonly token: Uint8Array;
  /** Absent for an enrolment, which is not in the outbox. */
  readonly row?: OutboxRow;
  readonly lane?: Lane;
  /** Bytes that went over the line. */
  readonly bytes: number;
  /** Monotonic time. */
  readonly sentMs: number;
  /** Whether it was sent again: then nobody knows which of them a receipt answers. */
  isRepeated: boolean;
  dueMs: number;
  waitMs: number;
}

/** Batches on their way, and their bytes. */
export interface Load {
  readonly rows: number;
  readonly bytes: number;
}

export interface InFlight {
  /** All batches on their way, or those of one lane; enrolments are none. */
  load(lane?: Lane): Load;
  put(sent: Pick<Sent, 'digest' | 'token' | 'row' | 'lane' | 'bytes'>): void;
  get(digest: string): Sent | undefined;
  has(digest: string): boolean;
  remove(digest: string): void;
  clear(): void;
  /** It has arrived, but stays until it is answered once more: it is not on the line any more. */
  arrived(digest: string): void;
  /** Waits longer before the credential is sent again. */
  postpone(sent: Sent): void;
  /** What is due to be sent again; each is due once more after twice its wait. */
  due(): readonly Sent[];
}

export function createInFlight(clock: Clock): InFlight {
  const all = new Map<string, Sent>();
  const loads = { urgent: nothing(), live: nothing(), backlog: nothing() };
  const postpone = (sent: Sent) => {
    sent.waitMs = Math.min(2 * sent.waitMs, limits.receiptTimeoutMsMax);
    sent.dueMs = clock.monotonicMs() + sent.waitMs;
  };
  const count = ({ bytes, lane }: Sent, sign: 1 | -1) => {
    if (lane === undefined) return;
    loads[lane].rows += sign;
    loads[lane].bytes += sign * bytes;
  };
  const remove = (digest: string) => {
    const sent = all.get(digest);
    if (sent && all.delete(digest)) count(sent, -1);
  };
  return {
    load(lane) {
      if (lane !== undefined) return loads[lane];
      const { backlog, live, urgent } = loads;
      return {
        rows: urgent.rows + live.rows + backlog.rows,
        bytes: urgent.bytes + live.bytes + backlog.bytes,
      };
    },
    put(given) {
      remove(given.digest);
      const sentMs = clock.monotonicMs();
      const waitMs = limits.receiptTimeoutMs;
      const sent = { ...given, sentMs, isRepeated: false, dueMs: sentMs + waitMs, waitMs };
      all.set(given.digest, sent);
      count(sent, 1);
    },
    get: (digest) => all.get(digest),
    has: (digest) => all.has(digest),
    remove,
    clear() {
      for (const digest of [...all.keys()]) remove(digest);
    },
    arrived(digest) {
      const sent = all.get(digest);
      if (!sent) return;
      // Its row still counts, so that what is held here is bounded.
      if (sent.lane !== undefined) loads[sent.lane].bytes -= sent.bytes;
      all.set(digest, { ...sent, bytes: 0, isRepeated: true });
    },
    postpone,
    due() {
      const nowMs = clock.monotonicMs();
      const due = [...all.values()].filter(({ dueMs }) => dueMs <= nowMs);
      for (const sent of due) {
        postpone(sent);
        sent.isRepeated = true;
      }
      return due;
    },
  };
}

function nothing(): { rows: number; bytes: number } {
  return { rows: 0, bytes: 0 };
}
