/**
 * The outbox in this process: lets one draft after the other at the keys, and commits batches that
 * come close together in one transaction. While a key signs, everything else is answered at once.
 * The worker runs exactly this; so does the simulation.
 */
import { EdgeError } from '../devices/errors.ts';
import { isDiskFailure, sqliteCode } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import { countReadings } from './draft.ts';
import type { Appended, DeviceSigned, Draft, ForgetRequest, Outbox } from './outbox.ts';
import type { OutboxStore } from './outbox-store.ts';

interface Waiting<T> {
  readonly item: T;
  /** It is urgent, or something urgent of its device waits behind it. */
  isHurried: boolean;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

const NOTHING: Appended = { batches: 0, readings: 0, lossesSigned: 0, dropped: 0 };

export function createLocalOutbox(options: { store: OutboxStore; clock: Clock }): Outbox {
  const { store, clock } = options;
  let failure: { error: unknown } | undefined;

  /** A store that failed once is not asked again. */
  async function ask<T>(action: () => T | Promise<T>): Promise<T> {
    if (failure) throw failure.error;
    try {
      return await action();
    } catch (cause) {
      failure ??= { error: namedFailure(cause) };
      throw failure.error;
    }
  }

  /** Signs and commits the first of them; forgetting keeps its place among them. */
  async function commit(items: readonly (Draft | ForgetRequest)[]): Promise<readonly Appended[]> {
    const [first] = items;
    if (first !== undefined && isForget(first)) {
      store.forget(first);
      return [NOTHING];
    }
    const end = items.findIndex(isForget);
    const drafts = (end < 0 ? items : items.slice(0, end)) as readonly Draft[];
    const untilMs = clock.monotonicMs() + limits.outboxCommitMs;
    return store.append(drafts, () => clock.monotonicMs() >= untilMs);
  }

  const toSign = createLine<Draft | ForgetRequest>(clock, {
    readings: (item) => (isForget(item) ? 0 : countReadings(item)),
    commit: (items) => ask(() => commit(items)),
    isUrgent: (item) => !isForget(item) && item.priority === 'urgent',
    isBefore: (first, then) => first.device === then.device,
  });
  // Needs no key, so that it must not wait for one. How many readings it has is known when it is
  // opened; it counts as full.
  const toKeep = createLine<DeviceSigned>(clock, {
    readings: () => limits.batchReadingsMax,
    commit: (items) => ask(() => store.append(items)),
    isUrgent: ({ priority }) => priority === 'urgent',
    isBefore: (first, then) => first.witness === then.witness,
  });

  return {
    append: (draft) => toSign.push(draft),
    keep: (signed) => toKeep.push(signed),
    forget: async (request) => void (await toSign.push(request)),
    carry: (paper) => ask(() => store.carry(paper, clock.nowMs())),
    peek: (request) => ask(() => store.peek(request)),
    settle: (settlements) => ask(() => store.settle(settlements)),
    stats: () => ask(() => store.stats()),
    marks: () => ask(() => store.marks()),
    async close() {
      await Promise.all([toSign.empty(), toKeep.empty()]);
      store.close();
    },
  };
}

/**
 * What waits for a commit, in order; what is urgent goes past all that it need not come after.
 * `commit` is given what came close together, one call at a time, and answers for the first of
 * them at least.
 */
function createLine<T>(
  clock: Clock,
  {
    commit,
    isBefore,
    isUrgent,
    readings,
  }: {
    readonly readings: (item: T) => number;
    readonly isUrgent: (item: T) => boolean;
    /** Whether one that came first stays before the other, also where that is urgent. */
    readonly isBefore: (first: T, then: T) => boolean;
    readonly commit: (items: readonly T[]) => Promise<readonly Appended[]>;
  },
) {
  let waiting: Waiting<T>[] = [];
  let isRunning = false;
  let done: Promise<void> = Promise.resolve();
  let cancelTimer: (() => void) | undefined;

  /** How many of those that wait belong in one transaction, and whether it is full with them. */
  function nextGroup(): { readonly length: number; readonly isFull: boolean } {
    let sum = 0;
    for (const [index, { item }] of waiting.entries()) {
      sum += readings(item);
      if (sum > limits.outboxCommitReadingsMax) return { length: index || 1, isFull: true };
      if (index + 1 === limits.outboxCommitBatchesMax) return { length: index + 1, isFull: true };
    }
    return { length: waiting.length, isFull: sum === limits.outboxCommitReadingsMax };
  }

  /** By what they are: something urgent may have come before them meanwhile. */
  function remove(group: readonly Waiting<T>[]): void {
    const gone = new Set(group);
    waiting = waiting.filter((one) => !gone.has(one));
  }

  function add(entry: Waiting<T>): void {
    waiting.push(entry);
    if (!isUrgent(entry.item)) return;
    for (const one of waiting) one.isHurried ||= isBefore(one.item, entry.item);
    const [hurried, others] = [true, false].map((is) =>
      waiting.filter(({ isHurried }) => isHurried === is),
    );
    waiting = [...(hurried ?? []), ...(others ?? [])];
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const group = waiting.slice(0, nextGroup().length);
      try {
        const done = await commit(group.map(({ item }) => item));
        remove(group.slice(0, done.length));
        for (const [index, appended] of done.entries()) group[index]?.resolve(appended);
      } catch (error) {
        remove(group);
        for (const { reject } of group) reject(error);
      }
    }
    isRunning = false;
  }

  function start(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    if (!isRunning) done = run();
  }

  return {
    push: (item: T): Promise<Appended> =>
      new Promise((resolve, reject) => {
        add({ item, resolve, reject, isHurried: false });
        if (isRunning) return;
        if (nextGroup().isFull) start();
        else cancelTimer ??= clock.after(limits.outboxCommitMs, start);
      }),
    /** Resolves when nothing waits any more. */
    async empty(): Promise<void> {
      start();
      await done;
    },
  };
}

/** A database that cannot be read stops the gateway, with a word on what helps. */
export function namedFailure(cause: unknown): unknown {
  if (isDiskFailure(cause)) return new EdgeError('DB_DISK_FAILED', 'keeping batches', { cause });
  const isDamaged = /^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(cause));
  return isDamaged ? new EdgeError('GW_OUTBOX_DAMAGED', 'reading the outbox', { cause }) : cause;
}

function isForget(item: Draft | ForgetRequest): item is ForgetRequest {
  return !('groups' in item);
}
