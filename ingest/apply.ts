/**
 * The apply stage seen from the main thread: a worker folds the journal into twins, this shell
 * wakes it, hands on what changed and measures how long a sample took to become visible.
 */
import { Worker } from 'node:worker_threads';
import { EdgeError } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import type { Clock } from '../devices/runtime.ts';
import { type Deferred, deferred } from './apply-deferred.ts';
import { createLatency, type LatencyBook } from './apply-latency.ts';
import type { ApplyNews, ApplyOrder, ApplySettings } from './apply-worker.ts';

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
  readonly latency: LatencyBook;
  /**
   * Says whether anybody looks at changes; `onChange` names twins only while somebody does.
   * Resolves when it holds: what changed before is stored, what changes after is told.
   */
  watch(on: boolean): Promise<void>;
  /** Ends after the group in work; what is left is applied at the next start. */
  close(): Promise<void>;
}

export interface ApplyOptions {
  readonly journalFile: string;
  readonly twinsFile: string;
  readonly clock: Clock;
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
  const settings: ApplySettings = {
    journalFile: options.journalFile,
    twinsFile: options.twinsFile,
  };
  const worker = new Worker(workerUrl('./apply-worker', import.meta.url), { workerData: settings });
  const latency = createLatency(options.clock.nowMs());
  const waiters = new Set<Waiter>();
  const watching: Deferred<void>[] = [];
  const state = { cursor: 0, closing: false };
  const ready = deferred<void>();
  const ended = deferred<void>();

  const fail = (error: unknown) => {
    for (const waiter of waiters) waiter.reject(error);
    waiters.clear();
    for (const waiter of watching.splice(0)) waiter.reject(error);
    ready.reject(error);
    if (!state.closing) options.failed(error);
    state.closing = true;
  };
  const hear = (news: ApplyNews) => {
    if (news.kind === 'failed') {
      const { code, message } = news;
      return fail(code === undefined ? new Error(message) : new EdgeError(code, message));
    }
    if (news.kind === 'watched') return watching.shift()?.resolve();
    state.cursor = news.cursor;
    if (news.kind === 'ready') return ready.resolve();
    options.onChange({ cursor: news.cursor, twins: news.twins });
    latency.seen(news.batches, options.clock.nowMs());
    for (const waiter of waiters) {
      if (news.cursor < waiter.size) continue;
      waiters.delete(waiter);
      waiter.resolve(news.cursor);
    }
  };
  worker.on('message', hear);
  worker.on('error', fail);
  worker.on('exit', () => {
    if (!state.closing) fail(new Error('the apply worker ended by itself'));
    ended.resolve();
  });
  const tell = (order: ApplyOrder) => worker.postMessage(order);
  await ready.promise;
  return {
    wake: (size) => tell({ kind: 'wake', size }),
    applied(size) {
      if (state.cursor >= size) return Promise.resolve(state.cursor);
      if (state.closing) return Promise.reject(new Error('the apply stage is closed'));
      const { promise, resolve, reject } = deferred<number>();
      waiters.add({ size, resolve, reject });
      tell({ kind: 'wake', size });
      return promise;
    },
    cursor: () => state.cursor,
    latency,
    watch(on) {
      if (state.closing) return Promise.reject(new Error('the apply stage is closed'));
      const waiter = deferred<void>();
      watching.push(waiter);
      tell({ kind: 'watch', on });
      return waiter.promise;
    },
    async close() {
      state.closing = true;
      tell({ kind: 'close' });
      await ended.promise;
      for (const waiter of waiters) waiter.reject(new Error('the apply stage is closed'));
      waiters.clear();
    },
  };
}
