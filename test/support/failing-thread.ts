/**
 * A thread that fails as it is told to by what it is asked: the queries' (api-worker.ts) and the
 * one that applies (apply-worker.ts), as the main thread sees them.
 */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import type { QueryRequest } from '../../ingest/api-worker.ts';
import type { ApplyOrder, ApplySettings } from '../../ingest/apply-worker.ts';

assert(parentPort !== null, 'failing-thread is started as a worker thread');
const port = parentPort;
const { held, progress } = workerData as Partial<ApplySettings>;

if (progress === undefined) answer();
else apply(new BigInt64Array(progress));

function answer(): void {
  port.postMessage({ kind: 'ready' });
  port.on('message', (request: QueryRequest) => {
    if (request.ask === 'close') return port.close();
    const id = 'id' in request ? request.id : '';
    if (id === 'end') process.exit(1);
    port.postMessage({ kind: 'answer', answer: { id } });
  });
}

/** Falls over the entry at position 7, until it is told to leave it out. */
function apply(at: BigInt64Array): void {
  port.postMessage({ kind: 'ready', cursor: 0, unapplied: 0 });
  port.on('message', (order: ApplyOrder) => {
    if (order.kind === 'close') return port.close();
    if (held?.some(({ position }) => position === 7)) {
      port.postMessage({ kind: 'unapplied', entry: held[0] });
      return;
    }
    Atomics.store(at, 0, 7n);
    process.exit(1);
  });
}
