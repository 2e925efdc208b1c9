/**
 * The apply stage seen from the main thread: a worker folds the journal into twins, this shell
 * wakes it, hands on what changed and measures how long a sample took to become visible.
 */
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import { type Deferred, deferred } from './apply-deferred.ts';
import { createLatency, type LatencyBook } from './apply-latency.ts';
import { startApplyThread } from './apply-thread.ts';
import type { ApplyNews } from './apply-worker.ts';
import type { Unapplied } from './twins-store.ts';

/** A twin that changed, as JSON text made once for all subscribers. */
export interface TwinChange {
  readonly id: string;
  /** Journal position of the last entry that touched it. */
  readonly position: number;
  readonly json: string;
}

/** What became visible together. */
export interface Changes {
  /** All entries before this position are in the twins. */
  readonly cursor: number;
  readonly twins: readonly TwinChange[];
}

export interface Apply {
  /** Tells that the journal has `size` entries now. Cheap; call it after every commit. */
  wake(size: number): void;
  /** Resolves with the cursor once the twins have at least `size` entries. */
  applied(size: number): Promise<number>;
  /** Next position to be applied. */
  cursor(): number;
  /** Entries that the fold could not take: they have no effect. */
  unapplied(): number;
  readonly latency: LatencyBook;
  /**
   * Says whether anybody looks at changes; `onChange` names twins only while somebody does.
   * Resolves when it holds: what changed before is stored, what changes after is told.
   */
  watch(on: boolean): Promise<void>;
  /**
   * Applies what the journal has, for as long as `limits.applyCloseMs`, and ends; what is left then
   * is applied at the next start.
   */
  close(): Promise<void>;
}

export interface ApplyOptions {
  readonly journalFile: string;
  readonly twinsFile: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears of changes after they are stored and before the next ones. Must not throw. */
  readonly onChange: (changes: Changes) => void;
  /** Told once when application failed; twins stand still from then on. */
  readonly failed: (error: unknown) => void;
}

interface Waiter {
  readonly size: number;
  readonly resolve: (cursor: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Starts the worker and resolves when twins.db is open. Twins that lag behind the journal catch up
 * by themselves.
 *
 * @throws EdgeError as `openDatabase` does
 */
export async function startApply(options: ApplyOptions): Promise<Apply> {
  const { clock } = options;
  const latency = createLatency(clock.nowMs());
  const waiters = new Set<Waiter>();
  const watching: Deferred<void>[] = [];
  const state = { cursor: 0, unapplied: 0, size: 0, watched: false, closing: false };
  const [ready, ended] = [deferred<void>(), deferred<void>()];

  const fail = (error: unknown) => {
    for (const waiter of [...waiters, ...watching.splice(0), ready]) waiter.reject(error);
    waiters.clear();
    if (!state.closing) options.failed(error);
    state.closing = true;
  };
  const hear = (news: ApplyNews) => {
    switch (news.kind) {
      case 'failed':
        return fail(failureOf(news));
      case 'watched':
        return watching.shift()?.resolve();
      case 'unapplied':
        state.unapplied += 1;
        return sayUnapplied(options.log, news.entry);
      case 'ready':
        state.cursor = news.cursor;
        state.unapplied = news.unapplied;
        return ready.resolve();
      case 'applied':
        state.cursor = news.cursor;
        options.onChange({ cursor: news.cursor, twins: news.twins });
        latency.seen(news.batches, clock.nowMs());
        return resolveUpTo(news.cursor, waiters);
    }
  };
  const thread = startApplyThread({
    ...{ journalFile: options.journalFile, twinsFile: options.twinsFile, clock },
    hear,
    replaced(why) {
      options.log.error('the thread that applies the journal is replaced', { why });
      // What it was told is told again, and once more where nobody waits for the answer.
      const orders = Math.max(watching.length, state.watched ? 1 : 0);
      for (let at = 0; at < orders; at += 1) tell({ kind: 'watch', on: state.watched });
      tell(state.closing ? { kind: 'close' } : { kind: 'wake', size: state.size });
    },
    ended(error) {
      if (!state.closing) fail(error);
      ended.resolve();
    },
  });
  const { tell } = thread;
  await ready.promise;
  return {
    wake(size) {
      state.size = Math.max(state.size, size);
      tell({ kind: 'wake', size });
    },
    applied(size) {
      if (state.cursor >= size) return Promise.resolve(state.cursor);
      if (state.closing) return Promise.reject(new Error('the apply stage is closed'));
      const { promise, resolve, reject } = deferred<number>();
      waiters.add({ size, resolve, reject });
      tell({ kind: 'wake', size });
      return promise;
    },
    cursor: () => state.cursor,
    unapplied: () => state.unapplied,
    latency,
    watch(on) {
      if (state.closing) return Promise.reject(new Error('the apply stage is closed'));
      const waiter = deferred<void>();
      watching.push(waiter);
      state.watched = on;
      tell({ kind: 'watch', on });
      return waiter.promise;
    },
    async close() {
      state.closing = true;
      tell({ kind: 'close', end: state.size });
      const cancel = clock.after(limits.applyCloseMs, () => tell({ kind: 'close' }));
      await ended.promise;
      cancel();
      fail(new Error('the apply stage is closed'));
    },
  };
}

function failureOf({ code, message }: Extract<ApplyNews, { kind: 'failed' }>): Error {
  return code === undefined ? new Error(message) : new EdgeError(code, message);
}

function sayUnapplied(log: Log, { position, reason }: Unapplied): void {
  const code = 'IN_UNAPPLIED';
  log.error('an entry of the journal has no effect on twins', { code, position, reason });
}

function resolveUpTo(cursor: number, waiters: Set<Waiter>): void {
  for (const waiter of waiters) {
    if (cursor < waiter.size) continue;
    waiters.delete(waiter);
    waiter.resolve(cursor);
  }
}
