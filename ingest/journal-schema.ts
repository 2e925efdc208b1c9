/** The journal's tables, oldest version first; version n of the file is the first n scripts. */
export const journalSchema: readonly string[] = [
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
];
