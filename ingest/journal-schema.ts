/** The journal's tables, oldest version first; version n of the file is the first n steps. */
import type { SchemaStep } from '../devices/io/sqlite.ts';
import { doubtSchema, quarantineStored } from './journal-doubt.ts';
import { indexStoredEntries } from './journal-index.ts';
import { indexStoredParties, partySchema } from './journal-party.ts';
import { poisonSchema } from './journal-poison.ts';
import { refusalSchema } from './journal-refusals.ts';
import { runSchema } from './journal-runs.ts';
import { treeOfStored, treeSchema } from './journal-tree.ts';

export const journalSchema: readonly SchemaStep[] = [
  `
  -- The record itself. Position counts from 0 without holes; nothing is ever changed or removed.
  CREATE TABLE entry (
    position INTEGER PRIMARY KEY,
    header TEXT NOT NULL,
    leaf BLOB NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    did TEXT NOT NULL UNIQUE
  ) STRICT;

  -- One row for each batch that took effect, for ever: the replay key and what stands there.
  CREATE TABLE replay (
    device INTEGER NOT NULL REFERENCES device,
    epoch_counter INTEGER NOT NULL,
    epoch_nonce TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    digest BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (device, epoch_counter, epoch_nonce, sequence)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE high_water (
    device INTEGER NOT NULL REFERENCES device,
    epoch_counter INTEGER NOT NULL,
    epoch_nonce TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (device, epoch_counter, epoch_nonce)
  ) STRICT, WITHOUT ROWID;

  -- Everything but batches, found by kind and by digest. Batches are found by their replay key,
  -- which grows at its end; an index over random digests would be rewritten all over.
  CREATE TABLE rare (
    kind TEXT NOT NULL,
    position INTEGER NOT NULL,
    digest BLOB,
    PRIMARY KEY (kind, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX rare_digest ON rare (digest) WHERE digest IS NOT NULL;
  `,
  `
  -- Enrolments found by their device: a million of them are looked up, never listed in memory.
  CREATE TABLE enrolment (
    device TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (device, position)
  ) STRICT, WITHOUT ROWID;

  -- DIDs that enrolments name as gateways: a key is of a gateway or of a device, never of both.
  CREATE TABLE enrolled_gateway (did TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

  -- Status lists that credentials name, with the issuer that has to sign them.
  CREATE TABLE named_list (
    list TEXT NOT NULL,
    organisation TEXT NOT NULL,
    PRIMARY KEY (list, organisation)
  ) STRICT, WITHOUT ROWID;

  -- The newest entry of each status list.
  CREATE TABLE status_list (
    list TEXT PRIMARY KEY,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- When a status list was last said to be found at its address, and unchanged.
  CREATE TABLE checked_list (
    list TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  indexStoredEntries,
  doubtSchema,
  quarantineStored,
  partySchema,
  indexStoredParties,
  refusalSchema,
  poisonSchema,
  runSchema,
  treeSchema,
  treeOfStored,
];
