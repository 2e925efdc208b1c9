/** Admission in worker threads: verification and JSON never run on the main thread. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { EdgeError } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import type { AdmitRequest, AdmitSettings } from './admit-worker.ts';
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
export function startAdmitPool({
  workers,
  ...settings
}: AdmitSettings & { readonly workers: number }): Admitter {
  assert(workers >= 1, 'admission needs a worker');
  let closing = false;
  const threads = Array.from({ length: workers }, (): Thread => {
    const worker = new Worker(workerUrl('./admit-worker', import.meta.url), {
      workerData: settings satisfies AdmitSettings,
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
    trust(news) {
      for (const thread of threads) send(thread, { type: 'trust', news });
    },
    async close() {
      closing = true;
      // They end by themselves, so that none is stopped in the middle of a look into the journal.
      const ended = threads.map(({ worker }) => once(worker, 'exit'));
      for (const thread of threads) if (thread.lost === undefined) send(thread, { type: 'close' });
      await Promise.all(ended.filter((_, at) => threads[at]?.lost === undefined));
    },
  };
}
