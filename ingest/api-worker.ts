/** The thread that answers the API's questions from read-only connections. */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import { EdgeError, type ErrorCode, explain } from '../devices/errors.ts';
import { Queries, type Query } from './api-queries.ts';
import { foldPlugins } from './apply-plugins.ts';
import { openJournalReader } from './journal-reader.ts';
import { openTwinsStore } from './twins-store.ts';

export interface QuerySettings {
  readonly journalFile: string;
  readonly twinsFile: string;
}

/** Questions are answered in the order in which they came; `close` is the last. */
export type QueryRequest = Query | { readonly ask: 'close' };

export type QueryReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly code?: ErrorCode; readonly message: string };

const port = parentPort;
assert(port !== null, 'api-worker.ts runs as a worker');

function failure(error: unknown): QueryReply {
  const message = explain(error);
  if (error instanceof EdgeError) return { kind: 'failed', code: error.code, message };
  return { kind: 'failed', message };
}

function open(): Queries | undefined {
  const { journalFile, twinsFile } = workerData as QuerySettings;
  try {
    const journal = openJournalReader(journalFile);
    const store = openTwinsStore(twinsFile, { readonly: true });
    return new Queries({ journal, store, plugins: foldPlugins });
  } catch (error) {
    port?.postMessage(failure(error));
    return undefined;
  }
}

const queries = open();
if (queries === undefined) {
  port.close();
} else {
  port.postMessage({ kind: 'ready' } satisfies QueryReply);
  port.on('message', (request: QueryRequest) => {
    if (request.ask === 'close') return port.close();
    try {
      port.postMessage({ kind: 'answer', answer: queries.answer(request) } satisfies QueryReply);
    } catch (error) {
      port.postMessage(failure(error));
    }
  });
}
