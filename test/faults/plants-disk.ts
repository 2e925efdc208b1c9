/** Plants that break what a disk keeps: syncs, the moment of the answer, hashes, the end. */
import type { Plant } from './fault.ts';

export const diskPlants: readonly Plant[] = [
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
    by: { fault: 'failing-calls-journal', count: 6, seed: 1 },
  },
  {
    name: 'sync-off',
    promise: 'durable',
    summary: 'nothing is ever synced',
    changes: [
      {
        module: 'devices/io/sqlite',
        find: "db.pragma('foreign_keys = ON');",
        replace: "db.pragma('foreign_keys = ON'); db.pragma('synchronous = OFF');",
      },
      { module: 'devices/io/sqlite', find: 'const FULL = 2;', replace: 'const FULL = 0;' },
    ],
    by: { fault: 'failing-calls-outbox', count: 6, seed: 1 },
  },
  {
    name: 'sync-believed',
    promise: 'durable',
    summary:
      'a sync that says it succeeded is believed, though the file system is read-only by now',
    changes: [{ module: 'devices/io/prove-disk', find: 'change();', replace: '' }],
    by: { fault: 'lying-syncs-journal', count: 6, seed: 1 },
  },
  {
    name: 'unsettled-forgotten',
    promise: 'durable',
    summary: 'a batch that the full disk could not let go is not sent again on this uplink',
    changes: [
      {
        module: 'gateway/forward',
        find: 'if (settled.undone) return this.#keepInFlight(settlements);',
        replace: '',
      },
    ],
    by: { fault: 'forwarding', count: 120, seed: 1 },
  },
  {
    name: 'receipt-before-commit',
    promise: 'durable',
    summary: 'the journal answers before its transaction is committed',
    changes: [
      {
        module: 'ingest/journal-store',
        find: 'appendAll.immediate(entries)',
        replace: `(db.inTransaction || (db.exec('BEGIN IMMEDIATE'),
          setTimeout(() => db.open && db.exec('COMMIT'), 50)), appendAll(entries))`,
      },
      // Nothing can be moved while a transaction is open.
      { module: 'ingest/journal-store', find: 'afterCommit(db);', replace: '' },
    ],
    by: { fault: 'failing-calls-journal', count: 3, seed: 1 },
  },
  {
    name: 'leaf-unchecked',
    promise: 'rot',
    summary: 'what is read from the journal is not compared with its leaf',
    changes: [
      {
        module: 'ingest/journal-reader',
        find: '!leafOf(header, bytes).equals(leaf)',
        replace: 'false',
      },
    ],
    by: { fault: 'bit-flips-journal', count: 100, seed: 1 },
  },
  {
    name: 'rotten-wal-unnoticed',
    promise: 'rot',
    summary: 'a journal goes on without the transactions behind a damaged frame of its WAL',
    changes: [{ module: 'ingest/journal-store', find: 'if (rotten)', replace: 'if (!file)' }],
    by: { fault: 'bit-flips-journal', count: 100, seed: 1 },
  },
  {
    name: 'failed-sync-tried-again',
    promise: 'fail-safe',
    summary: 'a process whose disk failed closes its databases in order, which syncs them again',
    changes: [
      {
        module: 'gateway/commands/run',
        find: 'if (!leaveAlone(',
        replace: 'if (!(() => true)(',
      },
    ],
    by: { fault: 'failing-syncs-gateway', count: 1, seed: 1 },
  },
];
