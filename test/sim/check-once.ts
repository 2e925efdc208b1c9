/**
 * Promise: each place of a device's history is taken once, by one content, and each value takes
 * effect once, for ever.
 */
import type { TwinState } from '../../ingest/fold-state.ts';
import type { AppliedWorld } from './applied.ts';
import { type Facts, type Moved, nameOf, type Stored } from './facts.ts';

/** After each commit of an outbox. */
export function checkPlaces(facts: Facts, { added }: Moved): string[] {
  const broken: string[] = [];
  for (const batch of added) {
    const name = nameOf(batch);
    const other = facts.places.get(name) ?? batch.digest;
    facts.places.set(name, batch.digest);
    if (other !== batch.digest) broken.push(`${name} was signed with two contents`);
  }
  return broken;
}

/** What the journal holds of batches, by place and by value. */
export interface Held {
  readonly places: Set<string>;
  /** Numbers of each sensor's count that are in the journal. */
  readonly values: Map<string, Set<number>>;
}

export function nothingHeld(): Held {
  return { places: new Set(), values: new Map() };
}

/** After each commit of the journal. `served`: how many values the device's sensor gave. */
export function checkStored(
  facts: Facts,
  held: Held,
  entries: readonly Stored[],
  served: (device: string) => number,
): string[] {
  const broken: string[] = [];
  for (const { digest, kind } of entries) {
    if (kind !== 'batch' && kind !== 'doubtful') continue;
    const batch = facts.signed.get(digest);
    if (batch === undefined) {
      broken.push(`the journal took ${digest}, which no outbox ever held`);
      continue;
    }
    const name = nameOf(batch);
    if (held.places.has(name)) broken.push(`${name} is in the journal twice`);
    held.places.add(name);
    const values = held.values.get(batch.device) ?? new Set();
    held.values.set(batch.device, values);
    for (const { point, value } of batch.values) {
      if (values.has(value)) broken.push(`${point} ${value} of ${name} came twice`);
      if (!(value <= served(batch.device))) broken.push(`${point} ${value} was never served`);
      values.add(value);
    }
  }
  return broken;
}

/** After each transaction of the twins: they count what the journal has, and no more. */
export function checkCounts(applied: AppliedWorld, changed: readonly TwinState[]): string[] {
  const broken = applied.doubled.splice(0);
  for (const { history, kind, uri } of changed) {
    if (kind !== 'device') continue;
    const { batches = 0, readings = 0 } = history ?? {};
    const expected = applied.devices.get(uri) ?? { batches: 0, readings: 0 };
    if (batches === expected.batches && readings === expected.readings) continue;
    const [is, must] = [history ?? expected, expected].map((c) => `${c.batches}/${c.readings}`);
    broken.push(`the twin of ${uri.slice(-8)} counts ${is} batches/readings, not ${must}`);
  }
  return broken;
}
