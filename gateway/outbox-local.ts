/**
 * The outbox in this process: lets one draft after the other at the keys, and commits batches that
 * come close together in one transaction. While a key signs, everything else is answered at once.
 * The worker runs exactly this; so does the simulation.
 */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { Appended, DeviceSigned, Draft, ForgetRequest, Outbox } from './outbox.ts';
import type { OutboxStore } from './outbox-store.ts';

interface Waiting<T> {
  readonly item: T;
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
    } catch (error) {
      failure ??= { error };
      throw error;
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

  const toSign = createLine(clock, (items: readonly (Draft | ForgetRequest)[]) =>
    ask(() => commit(items)),
  );
  // Needs no key, so that it must not wait for one.
  const toKeep = createLine(clock, (items: readonly DeviceSigned[]) =>
    ask(() => store.append(items)),
  );

  return {
    append: (draft) => toSign.push(draft),
    keep: (signed) => toKeep.push(signed),
    forget: async (request) => void (await toSign.push(request)),
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
 * What waits for a commit, in order. `commit` is given what came close together, one call at a
 * time, and answers for the first of them at least.
 */
function createLine<T>(
  clock: Clock,
  commit: (items: readonly T[]) => Promise<readonly Appended[]>,
) {
  let waiting: Waiting<T>[] = [];
  let isRunning = false;
  let done: Promise<void> = Promise.resolve();
  let cancelTimer: (() => void) | undefined;

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const group = waiting.slice(0, limits.outboxCommitBatchesMax);
      try {
        const done = await commit(group.map(({ item }) => item));
        waiting = waiting.slice(done.length);
        for (const [index, appended] of done.entries()) group[index]?.resolve(appended);
      } catch (error) {
        waiting = waiting.slice(group.length);
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
        waiting.push({ item, resolve, reject });
        if (isRunning) return;
        if (waiting.length >= limits.outboxCommitBatchesMax) start();
        else cancelTimer ??= clock.after(limits.outboxCommitMs, start);
      }),
    /** Resolves when nothing waits any more. */
    async empty(): Promise<void> {
      start();
      await done;
    },
  };
}

function isForget(item: Draft | ForgetRequest): item is ForgetRequest {
  return !('groups' in item);
}
