/**
 * The outbox in this process: lets one call after the other at the store, and commits batches that
 * come close together in one transaction. The worker runs exactly this; so does the simulation.
 */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { Appended, DeviceSigned, Draft, Outbox } from './outbox.ts';
import type { OutboxStore } from './outbox-store.ts';

interface Waiting {
  readonly draft: Draft | DeviceSigned;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

export function createLocalOutbox(options: { store: OutboxStore; clock: Clock }): Outbox {
  const { store, clock } = options;
  let tail: Promise<unknown> = Promise.resolve();
  let waiting: Waiting[] = [];
  let cancelTimer: (() => void) | undefined;
  let failure: { error: unknown } | undefined;

  /** Runs after everything that was asked before. A store that failed once is not asked again. */
  function inTurn<T>(action: () => T | Promise<T>): Promise<T> {
    const run = tail.then(() => {
      if (failure) throw failure.error;
      return action();
    });
    tail = run.catch((error: unknown) => {
      failure ??= { error };
    });
    return run;
  }

  function commit(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    while (waiting.length > 0) {
      const group = waiting.slice(0, limits.outboxCommitBatchesMax);
      waiting = waiting.slice(group.length);
      inTurn(() => store.append(group.map(({ draft }) => draft))).then(
        (results) => {
          for (const [index, appended] of results.entries()) group[index]?.resolve(appended);
        },
        (error) => {
          for (const { reject } of group) reject(error);
        },
      );
    }
  }

  function append(draft: Draft | DeviceSigned): Promise<Appended> {
    return new Promise((resolve, reject) => {
      waiting.push({ draft, resolve, reject });
      if (waiting.length >= limits.outboxCommitBatchesMax) commit();
      else cancelTimer ??= clock.after(limits.outboxCommitMs, commit);
    });
  }

  return {
    append,
    keep: append,
    forget: (request) => inTurn(() => store.forget(request)),
    peek: (request) => inTurn(() => store.peek(request)),
    settle: (settlements) => inTurn(() => store.settle(settlements)),
    stats: () => inTurn(() => store.stats()),
    marks: () => inTurn(() => store.marks()),
    async close() {
      commit();
      await inTurn(() => undefined).catch(() => undefined);
      store.close();
    },
  };
}
