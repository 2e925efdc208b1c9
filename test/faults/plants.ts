/** The planted faults: one mechanism each, taken out, and the shard that must turn red. */
import type { Plant } from './fault.ts';

export const plants: readonly Plant[] = [
  {
    name: 'sequence-reused',
    promise: 'once',
    summary: 'a start goes on in the epoch before, with the sequences that it had',
    changes: [
      {
        module: 'gateway/outbox-store',
        find: 'epoch: (last?.epoch ?? 0) + 1,',
        replace: 'epoch: 1,',
      },
    ],
    by: { fault: 'sigkill-gateway', count: 3, seed: 1 },
  },
];
