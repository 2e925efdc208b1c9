/** What one commit of the outbox will change: made while keys sign, written in one transaction. */
import type { Loss } from '../devices/reading.ts';
import type { Appended } from './outbox.ts';
import type { BatchRow, DeviceRow } from './outbox-tables.ts';

/** What one commit will change; nobody sees a token of it before. */
export interface Working {
  /** Each device's history behind the batches signed here, and in the database before them. */
  readonly devices: Map<
    string,
    { readonly before: DeviceRow | undefined; readonly row: DeviceRow }
  >;
  /** In the order of the drafts. */
  readonly steps: Step[];
  /** Bytes of all batches signed here. */
  bytes: number;
  /** Devices whose remembered losses are signed here. */
  readonly lossesOf: Set<string>;
  /** Keys of `unrecorded` that are in a batch now. */
  readonly recorded: Set<string>;
}

/** What one draft does to the database. */
export interface Step {
  /** Whose messages are remembered with it. */
  readonly device: string;
  readonly messages: readonly string[];
  /** Losses that it takes from the database into its batch, and those that it puts there. */
  readonly taken: readonly Loss[];
  readonly lost: readonly Loss[];
  readonly rows: readonly NewRow[];
  readonly appended: Appended;
}

export type NewRow = Omit<BatchRow, 'id' | 'hash'>;

/** A commit that changes nothing yet. */
export function nothingYet(): Working {
  const [lossesOf, recorded] = [new Set<string>(), new Set<string>()];
  return { devices: new Map(), steps: [], bytes: 0, lossesOf, recorded };
}
