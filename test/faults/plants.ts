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

  // The way to the ingester.
  {
    name: 'backlog-fills-the-window',
    promise: 'fresh',
    summary: 'a backlog may fill all of the window, however slow the line is',
    changes: [
      {
        module: 'gateway/forward',
        find: 'bytes: Math.min(bytes - all.bytes, credit - own.bytes)',
        replace: 'bytes: forwardWindowBytes - all.bytes',
      },
    ],
    by: { fault: 'forwarding', count: 30, seed: 1 },
  },
  {
    name: 'urgent-lane-ignored',
    promise: 'custody',
    summary: 'what is urgent goes in its turn, behind the backlog',
    changes: [{ module: 'gateway/lanes', find: 'if (mayBeUrgent) {', replace: 'if (!isOpen) {' }],
    by: { fault: 'forwarding', count: 30, seed: 1 },
  },
  {
    name: 'puback-trusted',
    promise: 'durable',
    summary: 'a batch leaves the outbox when the transport took it',
    changes: [
      {
        module: 'gateway/forward',
        find: 'this.#transmit(sent);',
        replace:
          "this.#transmit(sent); this.#options.outbox.settle([{ digest, outcome: 'accepted' }]);",
      },
    ],
    by: { fault: 'forwarding', count: 30, seed: 1 },
  },
  {
    name: 'receipt-not-verified',
    promise: 'durable',
    summary: 'a receipt is believed whoever signed it',
    changes: [
      {
        module: 'devices/credential/receipt-wire',
        find: 'if (!verifyToken(opened, key))',
        replace: 'if (opened === undefined)',
      },
    ],
    by: { fault: 'forwarding', count: 30, seed: 1 },
  },
];
