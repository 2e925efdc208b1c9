/**
 * The admission worker as it is shipped, but for batches whose read point is poison: they make it
 * throw, spin, end, or take all memory, as a fault of ours in reading them would.
 */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import type { AdmitSettings } from '../../ingest/admit-serve.ts';
import type { Inbound } from '../../ingest/source.ts';
import { poisonOf } from './poison.ts';

/** The build, which starts in half the time of the source. */
const shipped = <Module>(name: string): Promise<Module> =>
  import(new URL(`../../dist/ingest/${name}.js`, import.meta.url).href);

const { admit } = await shipped<typeof import('../../ingest/admit.ts')>('admit');
const { serveAdmission } =
  await shipped<typeof import('../../ingest/admit-serve.ts')>('admit-serve');

const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

assert(parentPort !== null, 'poison-worker is started as a worker thread');
serveAdmission(parentPort, workerData as AdmitSettings, (message, book, tenant) => {
  swallow(message);
  return admit(message, book, tenant);
});

function swallow({ bytes }: Inbound): void {
  switch (poisonOf(bytes)) {
    case undefined:
      return;
    case 'throw':
      throw new TypeError('the judge fell over it');
    case 'spin':
      for (;;);
    case 'exit':
      process.exit(3);
      break;
    case 'hoard':
      for (const all: unknown[] = []; ; ) all.push(objects(10_000));
    case 'keep':
      // So little work that the deadline is far away.
      for (const all: unknown[] = []; ; Atomics.wait(pause, 0, 0, 2)) {
        if (all.length < 2_000) all.push(objects(1_000));
      }
  }
}

function objects(length: number): unknown[] {
  return Array.from({ length }, () => ({}));
}
