/**
 * The keys of one device, one after the other: the first has the device's name as its label, its
 * successors are numbered. Which of them signs follows from what the organisation enrolled.
 */
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';

/** Labels that keys of a device may have, oldest first: `meter-1`, `meter-1~2`, `meter-1~3`, … */
export function keyLabelsOf(device: string): string[] {
  const later = Array.from({ length: limits.keyGenerationsMax - 1 }, (_, at) => at + 2);
  // No device can be called like that: its name has no tilde.
  return [device, ...later.map((number) => `${device}~${number}`)];
}

/** The device whose key has this label. */
export function deviceOfLabel(label: string): string {
  return label.split('~', 1)[0] ?? label;
}

/**
 * The label of a device's next key. @throws EdgeError KEY_LABEL_TAKEN when there are too many.
 */
export function nextLabelOf(device: string, taken: readonly string[]): string {
  const free = keyLabelsOf(device).find((label) => !taken.includes(label));
  if (free) return free;
  throw new EdgeError('KEY_LABEL_TAKEN', `making one more key of ${device}`);
}

/** A key that is at hand. */
export interface KeyAtHand {
  readonly label: string;
  readonly did: string;
}

/**
 * The DID under which a device signs: that of the enrolment that is at hand; without one, of the
 * newest key that has signed before; and at first, of its first key. `undefined` without a key.
 */
export function signingDidOf(
  device: string,
  at: {
    readonly keys: readonly KeyAtHand[];
    /** DID that the device's enrolment file names. */
    readonly enrolledDid: string | undefined;
    /** DIDs that have signed batches. */
    readonly signed: ReadonlySet<string>;
  },
): string | undefined {
  const order = keyLabelsOf(device);
  const own = at.keys
    .filter(({ label }) => order.includes(label))
    .sort((a, b) => order.indexOf(a.label) - order.indexOf(b.label));
  const enrolled = own.find(({ did }) => did === at.enrolledDid);
  const used = own.findLast(({ did }) => at.signed.has(did));
  return (enrolled ?? used ?? own[0])?.did;
}
