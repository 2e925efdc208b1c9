/** A thread that judges chunks of credentials: a thin shell around `createChunkJudge`. */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import { type Chunk, createChunkJudge } from './admitter.ts';
import type { JournalEntry } from './store.ts';

/** To the worker. */
export type AdmitRequest =
  | { readonly type: 'chunk'; readonly chunk: Chunk }
  | { readonly type: 'trust'; readonly entries: readonly JournalEntry[] };

assert(parentPort !== null, 'admit-worker is started as a worker thread');
const port = parentPort;
const { tenant } = workerData as { tenant: string };
const judge = createChunkJudge(tenant);

port.on('message', (request: AdmitRequest) => {
  if (request.type === 'trust') {
    judge.trust(request.entries);
    return;
  }
  // Chunks are answered in the order in which they came, so an answer needs no number.
  const judged = judge.judge(request.chunk);
  port.postMessage(judged, [judged.buffer]);
});
