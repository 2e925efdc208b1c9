/** The thread that owns the journal's file: a thin shell around the journal store. */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import { EdgeError } from '../devices/errors.ts';
import {
  type JournalAnswer,
  type JournalRequest,
  type JournalSettings,
  startOf,
} from './journal-protocol.ts';
import { type JournalStore, openJournalStore } from './journal-store.ts';

assert(parentPort !== null, 'journal-worker is started as a worker thread');
const port = parentPort;
const { file, refusals } = workerData as JournalSettings;
let store: JournalStore | undefined;
let copy: string | undefined;

port.on('message', (request: JournalRequest) => {
  let answer: JournalAnswer;
  try {
    answer = { ok: true, value: handle(request) };
  } catch (error) {
    answer = describe(error);
  }
  port.postMessage(answer);
  if (request.type === 'close') port.close();
});

function handle(request: JournalRequest): unknown {
  store ??= openJournalStore(file, refusals, (made) => {
    copy = made;
  });
  switch (request.type) {
    case 'start':
      return { ...startOf(store), ...(copy !== undefined && { copy }) };
    case 'append':
      return store.append(request.entries);
    case 'read':
      return store.read(request.from, request.count);
    case 'size':
      return store.size();
    case 'head':
      return store.head();
    case 'rootOf':
      return store.rootOf(request.size);
    case 'prove':
      return store.prove(request.from, request.size);
    case 'mend':
      return store.mend();
    case 'keep':
      return store.keep(request.checkpoint, request.statements);
    case 'close':
      return store.close();
  }
}

function describe(error: unknown): JournalAnswer {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof EdgeError ? error.code : undefined;
  return {
    ok: false,
    message,
    ...(code !== undefined && { code }),
    ...(cause instanceof Error && { cause: cause.message }),
  };
}
