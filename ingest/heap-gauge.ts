/** How much memory the objects of a thread take, asked from outside while it works. */
import type { Worker } from 'node:worker_threads';

/** KiB that a thread's objects take in the midst of a step. */
export interface HeapGauge {
  /**
   * What was answered last in this step; `undefined` before the first answer, and always where
   * Node.js is older than 22.16. Asks anew, one question at a time.
   */
  at(step: string): number | undefined;
}

/** The thread answers in the midst of its work, but not while it collects memory. */
export function createHeapGauge(worker: Pick<Worker, 'getHeapStatistics'>): HeapGauge {
  let last = '';
  let usedKiB: number | undefined;
  let isAsked = false;
  const ask = async (step: string) => {
    isAsked = true;
    try {
      const { used_heap_size: used } = await worker.getHeapStatistics();
      if (step === last) usedKiB = used / 1024;
    } catch {
      // It ended meanwhile.
    } finally {
      isAsked = false;
    }
  };
  return {
    at(step) {
      if (step !== last) usedKiB = undefined;
      last = step;
      if (!isAsked && 'getHeapStatistics' in worker) void ask(step);
      return usedKiB;
    },
  };
}
