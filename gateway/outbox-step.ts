/** What one commit of the outbox will change: made while keys sign, written in one transaction. */
import type { Loss } from '../devices/reading.ts';
import type { Appended } from './outbox.ts';
import type { Taken } from './outbox-losses.ts';
import type { BatchRow, DeviceRow } from './outbox-tables.ts';

/** What one commit will change; nobody sees a token of it before. */
export interface Working {
  /** Each device's history behind the batches signed here, and in the database before them. */
  readonly devices: Map<string, History>;
  /** In the order of the drafts. */
  readonly steps: Step[];
  /** Batches of aggregates, with the rows that they take the place of. */
  readonly thinned: Thinned[];
  /** What others with this key did meanwhile, as it was written down while these were signed. */
  readonly rolledBack: RolledBack[];
  /** Bytes of all batches signed here, less those of rows that go. */
  bytes: number;
}

/** Where the history of a device stands. */
export interface History {
  /** In the database. */
  readonly before: DeviceRow | undefined;
  readonly row: DeviceRow;
}

/** A time in which somebody else may have signed with the key of a device. */
export interface RolledBack {
  readonly device: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What one draft does to the database. */
export interface Step {
  /** Whose messages are remembered with it. */
  readonly device: string;
  readonly messages: readonly string[];
  /** Losses that it takes from the database into its batch, and those that it puts there. */
  readonly taken: readonly Taken[];
  readonly lost: readonly Loss[];
  readonly rows: readonly NewRow[];
  readonly appended: Appended;
}

/** Rows that became aggregates. */
export interface Thinned {
  readonly device: string;
  readonly rows: readonly NewRow[];
  /** Ids of the rows that go. */
  readonly removed: readonly number[];
  /** What those would have said was lost, and the places that the new batch could not name. */
  readonly lost: readonly Loss[];
}

export type NewRow = Omit<BatchRow, 'id' | 'hash' | 'head'>;

/** A commit that changes nothing yet. */
export function nothingYet(): Working {
  return { devices: new Map(), steps: [], thinned: [], rolledBack: [], bytes: 0 };
}
