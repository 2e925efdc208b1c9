/**
 * The query worker as the API uses it: a bounded queue of questions, each with its answer. A
 * question that ends the worker, or that it comes to no end with, fails alone.
 */
import { Worker } from 'node:worker_threads';
import { EdgeError } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { Query, QueryAnswers } from './api-queries.ts';
import type { QueryReply, QueryRequest, QuerySettings } from './api-worker.ts';
import { type Deferred, deferred } from './apply-deferred.ts';

export interface Asker {
  /**
   * @throws EdgeError IN_API_BUSY when too many wait; IN_WORKER_LOST when this question ended the
   *   thread, or no thread can be had
   */
  ask<A extends Query['ask']>(query: Query & { readonly ask: A }): Promise<QueryAnswers[A]>;
  close(): Promise<void>;
}

export interface AskerOptions extends QuerySettings {
  readonly clock: Clock;
  /** The module that the thread runs; it speaks as api-worker.ts does. */
  readonly module?: URL;
}

interface Asked {
  readonly query: Query;
  readonly answer: Deferred<never>;
}

/** Starts the worker; both databases must exist. @throws EdgeError as `openDatabase` does */
export async function startAsker(options: AskerOptions): Promise<Asker> {
  const { clock, journalFile, twinsFile } = options;
  const file = options.module ?? workerUrl('./api-worker', import.meta.url);
  const waiting: Asked[] = [];
  const ready = deferred<void>();
  const ended = deferred<void>();
  let closing = false;
  /** Threads that were lost before they were ready, one after the other. */
  let failures = 0;
  let lost: EdgeError | undefined;
  let thread = start();

  function start(): { readonly tell: (request: QueryRequest) => void } {
    const worker = new Worker(file, {
      workerData: { journalFile, twinsFile } satisfies QuerySettings,
      resourceLimits: { maxOldGenerationSizeMb: limits.apiHeapMiB },
    });
    let isReady = false;
    let error: unknown;
    let cancel: (() => void) | undefined;
    /** Counts from the last answer, or from the first question after a pause. */
    const watch = (isAnswered: boolean) => {
      if (!isAnswered && cancel !== undefined) return;
      cancel?.();
      const isIdle = waiting.length === 0;
      cancel = isIdle ? undefined : clock.after(limits.apiAnswerMs, () => void worker.terminate());
    };
    worker.on('message', (reply: QueryReply) => {
      if (reply.kind === 'ready') {
        isReady = true;
        failures = 0;
        return ready.resolve();
      }
      if (!isReady) return ready.reject(failureOf(reply));
      const asked = waiting.shift();
      watch(true);
      if (reply.kind === 'answer') asked?.answer.resolve(reply.answer as never);
      else asked?.answer.reject(failureOf(reply));
    });
    worker.on('error', (cause) => {
      error = cause;
    });
    worker.on('exit', () => {
      cancel?.();
      if (closing) return ended.resolve();
      const cause = error ?? new Error('the thread ended');
      const loss = new EdgeError('IN_WORKER_LOST', 'asking the query worker', { cause });
      ready.reject(loss);
      // The question that it was at is the reason.
      if (isReady) waiting.shift()?.answer.reject(loss);
      else failures += 1;
      if (failures < limits.apiStartsMax) thread = start();
      else {
        lost = loss;
        for (const { answer } of waiting.splice(0)) answer.reject(loss);
      }
    });
    const tell = (request: QueryRequest) => {
      worker.postMessage(request);
      watch(false);
    };
    for (const { query } of waiting) tell(query);
    return { tell };
  }

  await ready.promise;
  return {
    ask(query) {
      if (lost !== undefined) return Promise.reject(lost);
      if (waiting.length >= limits.apiQueueMax) {
        return Promise.reject(new EdgeError('IN_API_BUSY', 'taking one more question'));
      }
      const answer = deferred<never>();
      waiting.push({ query, answer });
      thread.tell(query);
      return answer.promise;
    },
    async close() {
      closing = true;
      if (lost !== undefined) return;
      thread.tell({ ask: 'close' });
      await ended.promise;
    },
  };
}

function failureOf(reply: Exclude<QueryReply, { kind: 'ready' }>): Error {
  if (reply.kind === 'answer') return new Error('an answer before the thread was ready');
  const { code, message } = reply;
  return code === undefined ? new Error(message) : new EdgeError(code, message);
}
