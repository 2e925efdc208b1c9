/** Codes of the databases that both halves keep (devices/io/sqlite.ts). */
import type { ErrorEntry } from '../errors.ts';

export const databaseErrors = {
  DB_NEWER: {
    meaning: 'The database was written by a newer version of this program.',
    hint: 'Install that version again, or name another data directory. Nothing was changed.',
    retryable: false,
  },
  DB_BACKUP_FAILED: {
    meaning: 'The copy that is made before an older database is brought up to date cannot be made.',
    hint: 'Make room on the disk for a second copy of the database; nothing was changed.',
    retryable: true,
  },
  DB_DAMAGED: {
    meaning: 'The file is not a database, is damaged beyond what SQLite can read, or is encrypted.',
    hint: 'Configure encryption if it is encrypted. Else keep the file for examination, then restore a copy or name another data directory.',
    retryable: false,
  },
  DB_KEY_WRONG: {
    meaning: 'The database is encrypted with another key, or its first page is damaged.',
    hint: 'Name the key with which it was made; without that key nobody can read it.',
    retryable: false,
  },
  DB_KEY_UNREADABLE: {
    meaning: 'The key of the databases cannot be read, or is none.',
    hint: 'Check encryption.key; bondline-gateway store CONFIG keygen and bondline-ingest store CONFIG keygen make one.',
    retryable: false,
  },
  DB_NOT_ENCRYPTED: {
    meaning: 'Encryption is configured, but the database that is there is plain.',
    hint: 'Stop the program and run its command: store CONFIG encrypt.',
    retryable: false,
  },
  DB_CIPHER_MISSING: {
    meaning: 'Encryption is configured, but the package that does it is not installed.',
    hint: 'Install it with: npm install better-sqlite3-multiple-ciphers',
    retryable: false,
  },
  DB_DISK_FAILED: {
    meaning: 'The disk failed to write or to keep something, so the process ends at once.',
    hint: 'Check its room, the disk and the kernel’s log, then start again; what was committed is there.',
    retryable: true,
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
