/**
 * One thread of the admission stage as the main thread sees it: what it is judging, and for how
 * long it has worked on the message that it is at.
 */

import { Worker } from 'node:worker_threads';
import { limits } from '../devices/limits.ts';
import type { Handed, Job } from './admit-job.ts';
import {
  type AdmitReply,
  type AdmitRequest,
  type AdmitSettings,
  PROGRESS_BYTES,
  type Progress,
  progressOf,
} from './admit-serve.ts';
import { createHeapGauge } from './heap-gauge.ts';
import type { TrustNews } from './trust.ts';
import { createWorkClock } from './work-clock.ts';

export interface AdmitThread {
  readonly worker: Worker;
  /** In the order in which they were handed over. */
  readonly handed: Handed[];
  /** As the operating system names it. */
  name?: string;
  isReady: boolean;
  /** It tried itself before it was ready. */
  readonly isTried: boolean;
  /** Chunks that it has judged: at first its code is slow. */
  judged: number;
  /** It works on one message for so long that the others are judged elsewhere. */
  isSuspect: boolean;
  /** A message made it throw: it is replaced. */
  isWorn: boolean;
  isClosing: boolean;
  hand(job: Job): void;
  tell(news: TrustNews): void;
  /** It ends when it has judged what it was handed. */
  close(): void;
  /** Where it is, if it is in the midst of a chunk. */
  at(): { readonly handed: Handed; readonly progress: Progress } | undefined;
  /** Milliseconds that it has worked on the message that it is at; looks are `sinceMs` apart. */
  workedMs(sinceMs: number): number;
  /** MiB that its objects take more than before that message, as of when this was asked last. */
  grownMiB(): number;
}

export interface ThreadEvents {
  readonly said: (thread: AdmitThread, reply: AdmitReply) => void;
  /** It ended; `error` where it did so by throwing, or was out of memory. */
  readonly ended: (thread: AdmitThread, error: unknown) => void;
}

export function startThread(
  file: URL,
  settings: Omit<AdmitSettings, 'progress'>,
  events: ThreadEvents,
): AdmitThread {
  const progress = new SharedArrayBuffer(PROGRESS_BYTES);
  const shared = new Int32Array(progress);
  const worker = new Worker(file, {
    workerData: { ...settings, progress } satisfies AdmitSettings,
    resourceLimits: {
      maxOldGenerationSizeMb: limits.admitHeapMiB,
      // What is young when the heap is full has to fit into the little that Node adds then, or
      // else the whole process ends and not the thread alone.
      maxYoungGenerationSizeMb: 3 * limits.youngSemiSpaceMiB,
    },
  });
  const send = (request: AdmitRequest) => worker.postMessage(request);
  let numbers = 0;
  let error: unknown;
  const work = createWorkClock(() => thread.name, limits.admitLookMs);
  const heap = createHeapGauge(worker);
  const stepOf = ({ chunk, isUnpacked, item }: Progress) =>
    chunk === 0 ? '' : `${chunk} ${item} ${isUnpacked}`;
  const thread: AdmitThread = {
    worker,
    handed: [],
    judged: 0,
    isTried: settings.catchUp,
    ...{ isReady: false, isSuspect: false, isWorn: false, isClosing: false },
    hand(job) {
      numbers += 1;
      thread.handed.push({ number: numbers, job });
      // Its bytes are copied, so that they are here if the thread is lost.
      send({ type: 'chunk', number: numbers, chunk: job.chunk });
    },
    tell: (news) => send({ type: 'trust', news }),
    close() {
      if (thread.isClosing) return;
      thread.isClosing = true;
      send({ type: 'close' });
    },
    at() {
      const now = progressOf(shared);
      const [first] = thread.handed;
      return first?.number === now.chunk ? { handed: first, progress: now } : undefined;
    },
    workedMs: (sinceMs) => work.at(stepOf(progressOf(shared)), sinceMs),
    grownMiB() {
      const now = progressOf(shared);
      const usedKiB = heap.at(stepOf(now));
      // Between two chunks there is nothing to compare with.
      return usedKiB === undefined || now.chunk === 0 ? 0 : (usedKiB - now.usedKiB) / 1024;
    },
  };
  worker.on('message', (reply: AdmitReply) => events.said(thread, reply));
  worker.on('error', (cause) => {
    error = cause;
  });
  worker.on('exit', (code) => {
    events.ended(thread, error ?? new Error(`the thread ended with ${code}`));
  });
  return thread;
}

/**
 * Why a thread is given up that has worked `workedMs` on its message: it takes too long or too
 * much. `undefined` while it may go on.
 */
export function excessOf(thread: AdmitThread, workedMs: number): string | undefined {
  const { admitDeadlineMs, admitGrowthMiB } = limits;
  if (thread.isSuspect && thread.grownMiB() >= admitGrowthMiB) {
    return `no verdict before its judge took ${admitGrowthMiB} MiB more memory`;
  }
  return workedMs < admitDeadlineMs ? undefined : `no verdict after ${admitDeadlineMs} ms of work`;
}
