/** The outbox's schema, its rows, and the hash that shows when a disk changed one of them. */
import { createHash } from 'node:crypto';
import type { LossCause } from '../devices/reading.ts';

/** One script a version (devices/io/sqlite.ts). */
export const outboxSchema = [
  `
  -- Where each device's history stands. A row is written with the batch that moves it.
  CREATE TABLE device (
    did TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    follows TEXT,
    sequence INTEGER NOT NULL,
    last_id TEXT NOT NULL,
    last_digest TEXT NOT NULL,
    last_ms INTEGER NOT NULL
  ) STRICT;

  -- Signed batches without a receipt. AUTOINCREMENT: an id is never used twice.
  CREATE TABLE batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    readings INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    closed_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    hash BLOB NOT NULL,
    token BLOB NOT NULL
  ) STRICT;
  CREATE INDEX batch_device ON batch (device, id);

  -- What was not kept and is not signed yet.
  CREATE TABLE loss (
    device TEXT NOT NULL,
    cause TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (device, cause)
  ) STRICT;

  -- Batches that the ingester refused for good.
  CREATE TABLE refusal (
    device TEXT NOT NULL,
    code TEXT NOT NULL,
    batches INTEGER NOT NULL,
    readings INTEGER NOT NULL,
    PRIMARY KEY (device, code)
  ) STRICT;
  `,
  `
  -- Messages whose samples are durable, so that a copy is known after a restart.
  CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (device, name)
  ) STRICT;

  -- Where a device signed its batch itself: whose key signs the loss if the row is damaged.
  ALTER TABLE batch ADD COLUMN witness TEXT;
  `,
  `
  -- When a row is sent: 0 before all others, 1 in its turn.
  ALTER TABLE batch ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
  CREATE INDEX batch_urgent ON batch (id) WHERE priority = 0;

  -- Where a row is no batch but a party's paper that is only carried: its family. Its device is
  -- then the party that signed it; epoch, sequence and readings are 0.
  ALTER TABLE batch ADD COLUMN paper TEXT;
  `,
  `
  -- The epoch's nonce, so that a place can be named without the token; a hash over the columns
  -- alone, so that they can be believed where only the token is damaged. Older rows have none.
  ALTER TABLE batch ADD COLUMN nonce TEXT;
  ALTER TABLE batch ADD COLUMN head BLOB;

  -- The losses that the token says, as JSON, so that they are not lost with it.
  ALTER TABLE batch ADD COLUMN losses TEXT;

  -- 0: readings as they came; 1: aggregates of such batches; 2: aggregates of those; and so on.
  ALTER TABLE batch ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX batch_level ON batch (level, device, id)
    WHERE priority = 1 AND witness IS NULL AND paper IS NULL;

  ALTER TABLE loss ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;

  -- The place of the batch that an epoch follows.
  ALTER TABLE device ADD COLUMN after_epoch INTEGER;
  ALTER TABLE device ADD COLUMN after_nonce TEXT;
  ALTER TABLE device ADD COLUMN after_sequence INTEGER;

  -- Highest epoch that this database meant to open, where the key store keeps it too: written
  -- before the key store is told, so that a crash between the two is not taken for a restored disk.
  CREATE TABLE opening (
    device TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL
  ) STRICT;

  -- Batches that were signed and left without a receipt, until a batch says so. The interval and
  -- the count are those of their readings.
  CREATE TABLE gone (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    cause TEXT NOT NULL,
    estimated INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    digest TEXT,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    count INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX gone_device ON gone (device, id);
  `,
  `
  -- Up to which number what was written beside the database, while the disk had no room, has been
  -- taken into the table of losses.
  CREATE TABLE beside (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    taken INTEGER NOT NULL
  ) STRICT;
  `,
] as const;

export interface DeviceRow {
  readonly did: string;
  readonly epoch: number;
  readonly nonce: string;
  readonly follows: string | null;
  readonly sequence: number;
  readonly last_id: string;
  readonly last_digest: string;
  readonly last_ms: number;
  /** Place of the batch that `follows` names; none in the first epoch and in those from before. */
  readonly after_epoch: number | null;
  readonly after_nonce: string | null;
  readonly after_sequence: number | null;
}

export interface BatchRow {
  readonly id: number;
  readonly device: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly digest: string;
  readonly readings: number;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly closed_ms: number;
  readonly bytes: number;
  readonly hash: Uint8Array;
  readonly token: Uint8Array;
  readonly witness?: string | null;
  /** 0: urgent; 1: not. Outside the hash: a batch is not given up for the order it goes in. */
  readonly priority: number;
  /** Family of a party's credential that is carried (`custody`, `ticket`, …); none for a batch. */
  readonly paper?: string | null;
  readonly nonce?: string | null;
  /** The losses that the token says, as JSON; none where it says none. */
  readonly losses?: string | null;
  /** `hashOfHead` of the row. */
  readonly head?: Uint8Array | null;
  /** 0: readings as they came; above: aggregates. Outside the hash, like the priority. */
  readonly level: number;
}

/** Batches that left without a receipt, of one epoch and without a hole between them. */
export interface GoneRow {
  readonly id: number;
  /** Whose next batch says so. */
  readonly device: string;
  readonly cause: LossCause;
  readonly estimated: number;
  readonly epoch: number;
  readonly nonce: string;
  readonly first: number;
  readonly last: number;
  readonly digest: string | null;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly count: number;
}

/**
 * SHA-256 over all that a row says. SQLite returns a flipped bit without a word, so a row is
 * compared with this before it is believed.
 */
export function hashRow(row: Omit<BatchRow, 'id' | 'hash'>): Uint8Array {
  return createHash('sha256').update(headOf(row)).update(row.token).digest();
}

/** SHA-256 over the columns alone. */
export function hashOfHead(row: Omit<BatchRow, 'id' | 'hash' | 'token'>): Uint8Array {
  return createHash('sha256').update(headOf(row)).digest();
}

function headOf(row: Omit<BatchRow, 'id' | 'hash' | 'token'>): string {
  const { device, epoch, sequence, digest, readings, from_ms, to_ms, closed_ms, bytes } = row;
  const said = [device, epoch, sequence, digest, readings, from_ms, to_ms, closed_ms, bytes];
  for (const more of [row.witness, row.paper, row.nonce, row.losses]) if (more) said.push(more);
  return `${said.join('\n')}\n`;
}

export function isIntact(row: BatchRow): boolean {
  return Buffer.compare(hashRow(row), row.hash) === 0;
}
