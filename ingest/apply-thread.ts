/**
 * The thread that applies the journal, and the one that takes its place: an entry that holds up a
 * thread is passed by, and one that ends two, since it would stop each start that follows.
 */
import { Worker } from 'node:worker_threads';
import { explain } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { ApplyNews, ApplyOrder, ApplySettings } from './apply-worker.ts';
import type { Unapplied } from './twins-store.ts';
import { createWorkClock } from './work-clock.ts';

export interface ApplyThread {
  tell(order: ApplyOrder): void;
}

export interface ApplyThreadOptions {
  readonly journalFile: string;
  readonly twinsFile: string;
  readonly clock: Clock;
  /** The module that each thread runs; it speaks as apply-worker.ts does. */
  readonly module?: URL;
  readonly hear: (news: ApplyNews) => void;
  /** Another thread has been started; it has to be told again what holds. */
  readonly replaced: (why: string) => void;
  /** It has ended, and no entry is the reason. */
  readonly ended: (error: unknown) => void;
}

export function startApplyThread(options: ApplyThreadOptions): ApplyThread {
  const { clock, journalFile, twinsFile } = options;
  const held: Unapplied[] = [];
  /** The position at which the last thread was lost. */
  let suspect = -1;
  let worker: Worker;
  let cancelLook = () => {};

  const start = () => {
    const progress = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
    const shared = new BigInt64Array(progress).fill(-1n);
    const positionNow = () => Number(Atomics.load(shared, 0));
    const settings: ApplySettings = { journalFile, twinsFile, progress, held: [...held] };
    const own = new Worker(options.module ?? workerUrl('./apply-worker', import.meta.url), {
      workerData: settings,
      resourceLimits: { maxOldGenerationSizeMb: limits.applyHeapMiB },
    });
    let name: string | undefined;
    let error: unknown;
    let isOver = false;
    const work = createWorkClock(() => name, limits.applyLookMs);
    const lose = (why: unknown, { isHeldUp = false } = {}) => {
      if (isOver) return;
      isOver = true;
      cancelLook();
      const position = positionNow();
      if (position < 0) return options.ended(why);
      // A thread may end for what went before, as where its memory is full: tried once more.
      if (isHeldUp || position === suspect)
        held.push({ position, how: 'held', reason: explain(why) });
      suspect = position;
      start();
      options.replaced(explain(why));
    };
    own.on('message', (news: ApplyNews) => {
      if (isOver) return;
      if (news.kind === 'ready') name = news.thread;
      options.hear(news);
    });
    own.on('error', (cause) => {
      error = cause;
    });
    own.on('exit', () => lose(error ?? new Error('the apply worker ended by itself')));
    worker = own;
    let lookedMs = clock.monotonicMs();
    const look = () => {
      const nowMs = clock.monotonicMs();
      const position = positionNow();
      const workedMs = work.at(position < 0 ? '' : String(position), nowMs - lookedMs);
      lookedMs = nowMs;
      if (workedMs >= limits.applyDeadlineMs) {
        const why = `no end after ${limits.applyDeadlineMs} ms of work on entry ${position}`;
        lose(new Error(why), { isHeldUp: true });
        void own.terminate();
      } else cancelLook = clock.after(limits.applyLookMs, look);
    };
    cancelLook = clock.after(limits.applyLookMs, look);
  };
  start();
  return { tell: (order) => worker.postMessage(order) };
}
