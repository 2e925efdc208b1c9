/** A thread that judges chunks of credentials: a thin shell around `createChunkJudge`. */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import { type Chunk, createChunkJudge } from './admitter.ts';
import { openJournalReader } from './journal-reader.ts';
import type { TrustNews } from './trust.ts';

/** To the worker. */
export type AdmitRequest =
  | { readonly type: 'close' }
  | { readonly type: 'chunk'; readonly chunk: Chunk }
  | { readonly type: 'trust'; readonly news: TrustNews };

/** What a worker is started with. */
export interface AdmitSettings {
  readonly tenant: string;
  /** The journal, in which enrolments are looked up. */
  readonly journalFile: string;
}

assert(parentPort !== null, 'admit-worker is started as a worker thread');
const port = parentPort;
const { tenant, journalFile } = workerData as AdmitSettings;
const journal = openJournalReader(journalFile);
const judge = createChunkJudge(tenant, journal);

port.on('message', (request: AdmitRequest) => {
  if (request.type === 'close') {
    journal.close();
    port.close();
    return;
  }
  if (request.type === 'trust') {
    judge.trust(request.news);
    return;
  }
  // Chunks are answered in the order in which they came, so an answer needs no number.
  const judged = judge.judge(request.chunk);
  port.postMessage(judged, [judged.buffer]);
});
