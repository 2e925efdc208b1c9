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

  // What a disk keeps.
  {
    name: 'sync-normal',
    promise: 'durable',
    summary: 'commits are written and not synced, as better-sqlite3 does by default',
    changes: [
      {
        module: 'devices/io/sqlite',
        find: "db.pragma('foreign_keys = ON');",
        replace: "db.pragma('foreign_keys = ON'); db.pragma('synchronous = NORMAL');",
      },
      { module: 'devices/io/sqlite', find: 'const FULL = 2;', replace: 'const FULL = 1;' },
    ],
    by: { fault: 'power-cut-gateway', count: 2, seed: 1 },
  },
];
