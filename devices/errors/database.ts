/** Codes of the databases that both halves keep (devices/io/sqlite.ts). */
import type { ErrorEntry } from '../errors.ts';

export const databaseErrors = {
  DB_NEWER: {
    meaning: 'The database was written by a newer version of this program.',
    hint: 'Install that version again, or name another data directory. Nothing was changed.',
    retryable: false,
  },
  DB_DAMAGED: {
    meaning: 'The file is not a database, or it is damaged beyond what SQLite can read.',
    hint: 'Keep the file for examination, then restore a copy or name another data directory.',
    retryable: false,
  },
  DB_UNUSABLE: {
    meaning: 'The database cannot be opened or written.',
    hint: 'Check that the disk has room, is not read-only, and that this account may write there.',
    retryable: true,
  },
  DB_IN_USE: {
    meaning: 'Another process uses this data directory.',
    hint: 'Stop the other process, or name another data directory.',
    retryable: true,
  },
  DB_NOT_DURABLE: {
    meaning: 'The connection does not sync each commit to the disk, so nothing is written.',
    hint: 'This is a fault of the program or of its SQLite build: report it.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
