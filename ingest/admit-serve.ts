/**
 * What a thread of the admission stage does: judges chunk after chunk, and notes at which message
 * it is where the main thread can see it, so that a message that ends or holds the thread is known.
 */
import { getHeapStatistics } from 'node:v8';
import type { MessagePort } from 'node:worker_threads';
import { EdgeError, type ErrorCode, explain } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import type { Admission, admit } from './admit.ts';
import { type Chunk, type ChunkJudge, chunkOf, createChunkJudge } from './admitter.ts';
import { openJournalReader } from './journal-reader.ts';
import type { JournalEntry } from './store.ts';
import type { TrustNews } from './trust.ts';
import { threadNumber } from './work-clock.ts';

/** To the worker. */
export type AdmitRequest =
  | { readonly type: 'close' }
  | { readonly type: 'chunk'; readonly number: number; readonly chunk: Chunk }
  | { readonly type: 'trust'; readonly news: TrustNews };

/** From the worker; chunks are answered in the order in which they came. */
export type AdmitReply =
  /** It can judge; `thread` is the operating system's number for it, where there is one. */
  | { readonly type: 'ready'; readonly thread?: string }
  | {
      readonly type: 'judged';
      readonly admissions: readonly Admission[];
      readonly trustPosition: number;
      /** The chunk anew, where messages of it came packed. */
      readonly unpacked?: Chunk;
      /** A message made the judge throw, so that this thread is to be replaced. */
      readonly threw: boolean;
    }
  /** It cannot go on, and no message is at fault. */
  | { readonly type: 'failed'; readonly code?: ErrorCode; readonly message: string };

/** What a worker is started with. */
export interface AdmitSettings {
  readonly tenant: string;
  /** The journal, in which enrolments are looked up. */
  readonly journalFile: string;
  /** Learn from the journal whom to trust: it takes the place of one that had learnt it. */
  readonly catchUp: boolean;
  /** `Int32`s that it writes: see `progressOf`. */
  readonly progress: SharedArrayBuffer;
}

/** Where a thread is. */
export interface Progress {
  /** Number of the chunk that is judged; 0 between chunks. */
  readonly chunk: number;
  /** Message in the chunk. */
  readonly item: number;
  /** It was taken out of the packed form, or had none. */
  readonly isUnpacked: boolean;
  /** What its objects took before the message, KiB. */
  readonly usedKiB: number;
}

export const PROGRESS_BYTES = 4 * Int32Array.BYTES_PER_ELEMENT;

export function progressOf(shared: Int32Array): Progress {
  return {
    chunk: Atomics.load(shared, 0),
    item: Atomics.load(shared, 1),
    isUnpacked: Atomics.load(shared, 2) === 1,
    usedKiB: Atomics.load(shared, 3),
  };
}

/** Serves on `port` until it is told to close, judging by `judgeOne`. */
export function serveAdmission(
  port: MessagePort,
  settings: AdmitSettings,
  judgeOne: typeof admit,
): void {
  const { catchUp, journalFile, tenant } = settings;
  const shared = new Int32Array(settings.progress);
  const say = (reply: AdmitReply, give: readonly ArrayBuffer[] = []) =>
    port.postMessage(reply, [...give]);
  const guarded = (action: () => void) => {
    try {
      action();
    } catch (error) {
      const code = error instanceof EdgeError ? error.code : undefined;
      say({ type: 'failed', message: explain(error), ...(code && { code }) });
      port.close();
    }
  };
  guarded(() => {
    const journal = openJournalReader(journalFile);
    const judge = createChunkJudge(tenant, journal, {
      judgeOne,
      at(item, isUnpacked) {
        Atomics.store(shared, 1, item);
        Atomics.store(shared, 2, isUnpacked ? 1 : 0);
        if (!isUnpacked) Atomics.store(shared, 3, getHeapStatistics().used_heap_size / 1024);
      },
    });
    if (catchUp) {
      // What is stored while it is read is told as news too, and learnt twice without harm.
      const position = journal.size();
      const entries = [...journal.readKinds(['organisation']), ...journal.statusLists()];
      entries.sort((a, b) => a.position - b.position);
      // When lists were found is told by the main thread, which knows whether they are looked for.
      judge.trust({ entries, position });
      tryOut(judge, journal.read(Math.max(0, position - limits.admitTrials), limits.admitTrials));
    }
    const answer = ({ chunk, number }: Extract<AdmitRequest, { type: 'chunk' }>) => {
      Atomics.store(shared, 1, 0);
      Atomics.store(shared, 2, 0);
      Atomics.store(shared, 0, number);
      const { admissions, threw, trustPosition, ...judged } = judge.judge(chunk);
      const isAnew = judged.buffer !== chunk.buffer;
      say(
        { type: 'judged', admissions, threw, trustPosition, ...(isAnew && { unpacked: judged }) },
        isAnew ? [judged.buffer] : [],
      );
      Atomics.store(shared, 0, 0);
    };
    port.on('message', (request: AdmitRequest) => {
      if (request.type === 'close') {
        journal.close();
        port.close();
      } else if (request.type === 'trust') guarded(() => judge.trust(request.news));
      else guarded(() => answer(request));
    });
    const thread = threadNumber();
    say({ type: 'ready', ...(thread !== undefined && { thread }) });
  });
}

/** Makes the judge's code fast before anybody waits for it. */
function tryOut(judge: ChunkJudge, entries: readonly JournalEntry[]): void {
  const batches = entries.filter(({ header }) => header.kind === 'batch');
  const messages = batches.map(({ bytes, header }) => {
    const { gateway = '', receivedMs } = header;
    return { bytes, gateway, receivedMs };
  });
  for (const message of messages) judge.judge(chunkOf([message]));
}
