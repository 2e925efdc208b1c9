/**
 * Promise: what a sensor that is asked gave while its gateway ran on is signed, or a signed loss
 * counts it. Not looked at is what it gave last before a cut, which was in memory only, and sensors
 * that speak: they say again what a run before did not take, so that runs are not in order.
 */
import type { Facts, SignedBatch } from './facts.ts';

/** What a sensor gave. */
export interface Served {
  /** The number of its last value. */
  readonly count: number;
  /** Gives a value once, to whoever asks. */
  readonly isAsked: boolean;
}

/** At the end, when all that waits is on a disk. */
export function checkServed(facts: Facts, served: (device: string) => Served): string[] {
  const devices = grouped([...facts.signed.values()], ({ device }) => device);
  return [...devices].flatMap(([device, batches]) => checkDevice(batches, served(device)));
}

function checkDevice(batches: readonly SignedBatch[], { count, isAsked }: Served): string[] {
  if (!isAsked) return [];
  const here = new Set(batches.flatMap(valuesOf));
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter(
    (value) => !here.has(value),
  );
  if (missing.length === 0) return [];
  const broken: string[] = [];
  const name = batches[0]?.device.slice(-8);
  // Within one run of the gateway nothing is cut off: what is before a signed value is known.
  for (const run of grouped(batches, ({ counter, nonce }) => `${counter} ${nonce}`).values()) {
    const values = run.flatMap(valuesOf).sort((a, b) => a - b);
    const [from = 0, to = 0] = [values[0], values.at(-1)];
    const within = missing.filter((value) => from < value && value < to);
    const told = run.reduce((sum, { lost }) => sum + lost, 0);
    if (within.length <= told) continue;
    const where = `within epoch ${run[0]?.counter}`;
    broken.push(`${within.length} values of ${name} are missing ${where}, ${told} told as lost`);
  }
  return broken;
}

function grouped(batches: readonly SignedBatch[], by: (batch: SignedBatch) => string) {
  const groups = new Map<string, SignedBatch[]>();
  for (const batch of batches) {
    const group = groups.get(by(batch));
    if (group === undefined) groups.set(by(batch), [batch]);
    else group.push(batch);
  }
  return groups;
}

function valuesOf({ values }: SignedBatch): number[] {
  return values.map(({ value }) => value);
}
