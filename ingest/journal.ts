/** The journal as the main thread uses it: in a worker thread, or in place for a simulation. */
import { Worker } from 'node:worker_threads';
import { EdgeError, type ErrorCode } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import type { DoubtReader } from './journal-doubt-reader.ts';
import type { EnrolmentIndex } from './journal-index.ts';
import type { PartyIndex } from './journal-party.ts';
import {
  type JournalAnswer,
  type JournalRequest,
  type JournalSettings,
  type JournalStart,
  startOf,
} from './journal-protocol.ts';
import { openJournalReader } from './journal-reader.ts';
import type { RefusalBounds } from './journal-refusals.ts';
import type { JournalStore } from './journal-store.ts';
import type { Appended, Journal, JournalEntry, JournalLog, LogHead } from './store.ts';

/** A journal with what its start found. */
export interface OpenJournal extends Journal {
  readonly found: JournalStart;
  /** Enrolments as they are on disk, looked up on the caller's thread. */
  readonly enrolments: EnrolmentIndex;
  /** What parties said that later credentials rest on, likewise. */
  readonly parties: PartyIndex;
  /** What is in doubt as it is on disk. */
  readonly doubts: DoubtReader;
  /** The journal as a tree of hashes, of which checkpoints are signed. */
  readonly log: JournalLog;
}

/** A journal on the caller's own thread, over a store that it closes. */
export function createLocalJournal(store: JournalStore): OpenJournal {
  return {
    found: startOf(store),
    enrolments: store,
    parties: store,
    doubts: store,
    log: {
      head: async () => store.head(),
      rootOf: async (size) => store.rootOf(size),
      prove: async (from, size) => store.prove(from, size),
      mend: async () => store.mend(),
      keep: async (checkpoint, statements) => store.keep(checkpoint, statements),
    },
    append: async (entries) => store.append(entries),
    read: async (from, count) => store.read(from, count),
    size: async () => store.size(),
    close: async () => store.close(),
  };
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens the journal at `file` in a thread of its own.
 *
 * @throws EdgeError as `openDatabase` does; IN_WORKER_LOST when the thread ends by itself
 */
export async function startJournal(file: string, refusals?: RefusalBounds): Promise<OpenJournal> {
  const worker = new Worker(workerUrl('./journal-worker', import.meta.url), {
    workerData: { file, refusals } satisfies JournalSettings,
  });
  // Requests are answered in the order in which they came, so an answer needs no number.
  const waiting: Waiting[] = [];
  let lost: EdgeError | undefined;
  const ask = <T>(request: JournalRequest, give: readonly ArrayBuffer[] = []): Promise<T> => {
    if (lost !== undefined) return Promise.reject(lost);
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      worker.postMessage(request, [...give]);
    });
  };
  const end = (cause?: unknown) => {
    lost ??= new EdgeError('IN_WORKER_LOST', 'writing the journal', { cause });
    for (const { reject } of waiting.splice(0)) reject(lost);
  };
  worker.on('message', (answer: JournalAnswer) => {
    const next = waiting.shift();
    if (answer.ok) next?.resolve(answer.value as never);
    else next?.reject(failureOf(answer));
  });
  worker.on('error', end);
  worker.on('exit', () => end());
  const found = await ask<JournalStart>({ type: 'start' });
  const reader = openJournalReader(file);
  return {
    found,
    enrolments: reader,
    parties: reader,
    doubts: reader,
    log: {
      head: () => ask<LogHead>({ type: 'head' }),
      rootOf: (size) => ask<string>({ type: 'rootOf', size }),
      prove: (from, size) => ask<Uint8Array[]>({ type: 'prove', from, size }),
      mend: () => ask<void>({ type: 'mend' }),
      keep: (checkpoint, statements) => ask<void>({ type: 'keep', checkpoint, statements }),
    },
    append: (entries, give) => ask<Appended[]>({ type: 'append', entries }, give),
    read: (from, count) => ask<JournalEntry[]>({ type: 'read', from, count }),
    size: () => ask<number>({ type: 'size' }),
    async close() {
      reader.close();
      await ask<void>({ type: 'close' });
    },
  };
}

/** Errors lose their class between threads; code and message travel. */
function failureOf(answer: Extract<JournalAnswer, { ok: false }>): Error {
  const { code, message, cause } = answer;
  const inner = cause === undefined ? undefined : { cause: new Error(cause) };
  return code === undefined
    ? new Error(message, inner)
    : new EdgeError(code as ErrorCode, message, inner);
}
