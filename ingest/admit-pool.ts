/** Admission in worker threads: verification and JSON never run on the main thread. */
import { strict as assert } from 'node:assert';
import { Worker } from 'node:worker_threads';
import { EdgeError } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import type { AdmitRequest } from './admit-worker.ts';
import type { Admitter, JudgedChunk } from './admitter.ts';

/** Chunks that wait in or before one worker, so that it never waits for the main thread. */
const CHUNKS_EACH = 2;

interface Waiting {
  readonly resolve: (judged: JudgedChunk) => void;
  readonly reject: (error: EdgeError) => void;
}

interface Thread {
  readonly worker: Worker;
  /** In the order in which the chunks were handed over. */
  readonly waiting: Waiting[];
  lost?: EdgeError;
}

/**
 * Starts `workers` threads. A thread that ends by itself rejects what it was judging.
 */
export function startAdmitPool(options: {
  readonly workers: number;
  readonly tenant: string;
}): Admitter {
  assert(options.workers >= 1, 'admission needs a worker');
  let closing = false;
  const threads = Array.from({ length: options.workers }, (): Thread => {
    const worker = new Worker(workerUrl('./admit-worker', import.meta.url), {
      workerData: { tenant: options.tenant },
    });
    const thread: Thread = { worker, waiting: [] };
    worker.on('message', (judged: JudgedChunk) => thread.waiting.shift()?.resolve(judged));
    const lost = (cause?: unknown) => {
      if (closing) return;
      thread.lost ??= new EdgeError('IN_WORKER_LOST', 'judging credentials', { cause });
      for (const { reject } of thread.waiting.splice(0)) reject(thread.lost);
    };
    worker.on('error', lost);
    worker.on('exit', () => lost());
    return thread;
  });
  const send = ({ worker }: Thread, request: AdmitRequest, give: ArrayBuffer[] = []) =>
    worker.postMessage(request, give);
  return {
    capacity: threads.length * CHUNKS_EACH,
    admit(chunk) {
      const thread = threads.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a));
      if (thread.lost !== undefined) return Promise.reject(thread.lost);
      return new Promise((resolve, reject) => {
        thread.waiting.push({ resolve, reject });
        send(thread, { type: 'chunk', chunk }, [chunk.buffer]);
      });
    },
    trust(entries) {
      for (const thread of threads) send(thread, { type: 'trust', entries });
    },
    async close() {
      closing = true;
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}
