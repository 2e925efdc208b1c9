/** Plants that break an ingester's end in order, and what it makes of a key in two places. */
import type { Plant } from './fault.ts';

export const ingesterPlants: readonly Plant[] = [
  {
    name: 'stop-drops-the-taken',
    promise: 'fail-safe',
    summary: 'an ingester that is told to stop does not wait until what it took is stored',
    changes: [
      { module: 'ingest/ingest', find: 'await receive.drain();', replace: 'void receive.drain();' },
    ],
    by: { fault: 'orderly-stop', count: 3, seed: 1, says: 'acknowledged and is nowhere' },
  },
  {
    name: 'stop-leaves-unanswered',
    promise: 'fail-safe',
    summary: 'an ingester that is told to stop does not wait until its receipts are out',
    changes: [
      { module: 'ingest/ingest', find: 'await receipts.drain();', replace: '' },
      // It takes the time in which receipts would go out all the same.
      { module: 'ingest/ingest', find: 'checkpoints.stop()', replace: 'Promise.resolve()' },
    ],
    by: { fault: 'orderly-stop', count: 3, seed: 1, says: 'never answered' },
  },
  {
    name: 'stop-waits-for-the-untaken',
    promise: 'fail-safe',
    summary: 'a stopped ingester reads no further than the first message that it does not take',
    changes: [{ module: 'ingest/ingest', find: 'ways.rest();', replace: '' }],
    by: { fault: 'orderly-stop-mosquitto', count: 3, seed: 1, says: 'not all that was taken' },
  },
  {
    name: 'fork-dropped',
    promise: 'once',
    summary:
      'a batch of other content for a place that is taken is taken for the one that is there',
    changes: [
      {
        module: 'ingest/journal-place',
        find: 'return log.put(header, entry.bytes);',
        replace: 'return log.known(other);',
      },
    ],
    by: { fault: 'two-histories', count: 3, seed: 1 },
  },
  {
    name: 'fork-not-seen',
    promise: 'once',
    summary: 'nobody looks whether the place of a batch is taken by another',
    changes: [
      {
        module: 'ingest/journal-place',
        find: 'if (other !== undefined) {',
        replace: 'if (other === null) {',
      },
    ],
    by: { fault: 'two-histories', count: 3, seed: 1 },
  },
  {
    name: 'fork-not-told',
    promise: 'once',
    summary: 'a device whose key signs two histories raises no alert',
    changes: [
      {
        module: 'ingest/rules/fork',
        find: "incidents.get('FORK')",
        replace: "incidents.get('NONE')",
      },
    ],
    by: { fault: 'two-histories', count: 3, seed: 1 },
  },
];
