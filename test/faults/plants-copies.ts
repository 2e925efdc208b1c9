/** Plants that break copies: before a schema changes, of an ingester, and carried in files. */
import type { Plant } from './fault.ts';

export const copyPlants: readonly Plant[] = [
  {
    name: 'migration-without-copy',
    promise: 'restore',
    summary: 'a schema moves forward and no copy of the database is made',
    changes: [
      {
        module: 'devices/io/sqlite',
        find: 'if (isOld && !options.readonly && !options.isDerived)',
        replace: 'if (isOld && options.readonly === null)',
      },
    ],
    by: { fault: 'restore', count: 1, seed: 1 },
  },
  {
    name: 'restored-unproven',
    promise: 'restore',
    summary: 'a backup is put in its place without being read and folded again',
    changes: [
      {
        module: 'ingest/backup',
        find: 'const proven = proveBackup(made, key, onProgress);',
        replace: 'const proven = { page: readPage(made), twins: Number(key ?? onProgress ?? 0) };',
      },
    ],
    by: { fault: 'restore', count: 1, seed: 1 },
  },
  {
    name: 'carried-receipt-not-verified',
    promise: 'durable',
    summary: 'a receipt that a person carries is believed whoever signed it',
    changes: [
      {
        module: 'gateway/receipt-file',
        find: 'openReceipt(Buffer.from(text), ingester)',
        replace: `(() => { try {
          return JSON.parse(String(Buffer.from(text.split('.')[1] ?? '', 'base64url')));
        } catch { return openReceipt(Buffer.from(text), ingester); } })()`,
      },
    ],
    by: { fault: 'import', count: 2, seed: 1 },
  },
  {
    name: 'exported-unproven',
    promise: 'rot',
    summary: 'an evidence file takes rows as the disk gives them back',
    changes: [
      {
        module: 'gateway/outbox-evidence',
        find: 'if (judged.fault !== undefined) {',
        replace: "if (judged.fault === '') {",
      },
    ],
    by: { fault: 'import', count: 4, seed: 1 },
  },
  {
    name: 'newer-schema-taken',
    promise: 'restore',
    summary: 'a database that a newer version wrote is opened as if it were of this one',
    changes: [
      {
        module: 'devices/io/sqlite',
        find: 'if (found <= known) return found;',
        replace: 'if (found <= known || found > known) return found;',
      },
    ],
    by: { fault: 'restore', count: 1, seed: 1, says: 'newer' },
  },
];
