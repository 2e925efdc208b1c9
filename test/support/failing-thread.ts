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

/** Falls over the last entry, or comes to no end with it (`size` 9), until it may leave it out. */
function apply(at: BigInt64Array): void {
  port.postMessage({ kind: 'ready', cursor: 0, unapplied: 0 });
  port.on('message', (order: ApplyOrder) => {
    if (order.kind === 'close') return port.close();
    if (order.kind !== 'wake') return;
    const last = order.size - 1;
    const noted = held?.find(({ position }) => position === last);
    if (noted !== undefined) {
      port.postMessage({ kind: 'unapplied', entry: noted });
      return;
    }
    Atomics.store(at, 0, BigInt(last));
    if (order.size < 9) process.exit(1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}
