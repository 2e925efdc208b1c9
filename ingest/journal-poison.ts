/** Which refusals of the journal are poison (poison.ts): found without reading all refusals. */
import type { Database } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { Poison } from './poison.ts';
import type { EntryHeader } from './store.ts';

export const poisonSchema = `
  -- Messages that no worker could judge, by the digest of the bytes that are kept.
  CREATE TABLE poison (
    position INTEGER PRIMARY KEY,
    length INTEGER NOT NULL,
    digest TEXT NOT NULL
  ) STRICT;
  `;

/** Notes an entry that is poison. */
export function createPoisonIndex(
  db: Database,
): (header: EntryHeader, position: number, bytes: Uint8Array) => void {
  const insert = db.prepare<[number, number, string]>(
    'INSERT INTO poison (position, length, digest) VALUES (?, ?, ?)',
  );
  return ({ code, kind }, position, bytes) => {
    if (kind !== 'refusal' || code !== 'IN_POISON') return;
    insert.run(position, bytes.length, digestMultibase(bytes));
  };
}

/** The newest poisons, oldest first. */
export function readPoisons(db: Database): Poison[] {
  return db
    .prepare<[number], Poison>('SELECT length, digest FROM poison ORDER BY position DESC LIMIT ?')
    .all(limits.poisonsKnownMax)
    .reverse();
}
