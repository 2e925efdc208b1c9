/** Plants that let one message stop all others, or twins fall behind their cursor. */
import type { Plant } from './fault.ts';

const by = { fault: 'poison', count: 4, seed: 1 };

export const poisonPlants: readonly Plant[] = [
  {
    name: 'poison-ends-the-process',
    promise: 'poison',
    summary: 'a worker that is lost is not replaced, and the ingester stops',
    changes: [
      {
        module: 'ingest/admit-pool',
        find: 'if (this.losses > limits.admitLossesMax) {',
        replace: 'if (this.losses >= 0) {',
      },
    ],
    by: { ...by, says: 'the ingester stopped' },
  },
  {
    name: 'poison-forgotten',
    promise: 'poison',
    summary: 'a message that no worker could judge is held, and not kept',
    changes: [
      {
        module: 'ingest/poison',
        find: "header: { version: 1, tenant, kind: 'refusal', receivedMs, digest, gateway, code, reason },",
        replace: '',
      },
    ],
    by: { ...by, says: 'is undefined' },
  },
  {
    name: 'cursor-before-twins',
    promise: 'once',
    summary: 'the cursor of the twins is stored at once, and the twins with the next group',
    changes: [
      {
        module: 'ingest/twins-store',
        find: 'commit.immediate(change);',
        replace:
          'commit.immediate({ ...change, rows: globalThis.rows ?? [] }); globalThis.rows = change.rows;',
      },
    ],
    by: { fault: 'simulation', count: 3, seed: 1 },
  },
];
