/** The query worker as the API uses it: a bounded queue of questions, each with its answer. */
import { Worker } from 'node:worker_threads';
import { EdgeError } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import { limits } from '../devices/limits.ts';
import type { Query, QueryAnswers } from './api-queries.ts';
import type { QueryReply, QueryRequest, QuerySettings } from './api-worker.ts';
import { type Deferred, deferred } from './apply-deferred.ts';

export interface Asker {
  /** @throws EdgeError IN_API_BUSY when too many wait; IN_WORKER_LOST when the thread is gone */
  ask<A extends Query['ask']>(query: Query & { readonly ask: A }): Promise<QueryAnswers[A]>;
  close(): Promise<void>;
}

/** Starts the worker; both databases must exist. @throws EdgeError as `openDatabase` does */
export async function startAsker(settings: QuerySettings): Promise<Asker> {
  const worker = new Worker(workerUrl('./api-worker', import.meta.url), { workerData: settings });
  const waiting: Deferred<never>[] = [];
  const ready = deferred<void>();
  const ended = deferred<void>();
  let lost: EdgeError | undefined;

  const lose = (cause?: unknown) => {
    lost ??= new EdgeError('IN_WORKER_LOST', 'asking the query worker', { cause });
    ready.reject(lost);
    for (const waiter of waiting.splice(0)) waiter.reject(lost);
  };
  worker.on('message', (reply: QueryReply) => {
    if (reply.kind === 'ready') return ready.resolve();
    const waiter = waiting.shift();
    if (reply.kind === 'answer') return waiter?.resolve(reply.answer as never);
    const { code, message } = reply;
    const error = code === undefined ? new Error(message) : new EdgeError(code, message);
    if (waiter === undefined) ready.reject(error);
    else waiter.reject(error);
  });
  worker.on('error', lose);
  worker.on('exit', () => {
    lose();
    ended.resolve();
  });
  const tell = (request: QueryRequest) => worker.postMessage(request);
  await ready.promise;
  return {
    ask(query) {
      if (lost !== undefined) return Promise.reject(lost);
      if (waiting.length >= limits.apiQueueMax) {
        return Promise.reject(new EdgeError('IN_API_BUSY', 'taking one more question'));
      }
      const waiter = deferred<never>();
      waiting.push(waiter);
      tell(query);
      return waiter.promise;
    },
    async close() {
      tell({ ask: 'close' });
      await ended.promise;
    },
  };
}
