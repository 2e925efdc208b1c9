/**
 * Keeps the highest epoch of each device in the key store, where that outlives the disk: a disk
 * that was put back is then seen at the start, even if nothing signed since ever arrived.
 */
import type { KeyCounters } from '../devices/io/key-store.ts';
import type { Log } from '../devices/runtime.ts';
import type { EpochGuard } from './outbox-places.ts';
import { type Patience, patiently } from './patient-signer.ts';

/** @param labelOf The label of a device's key, by the device's DID. */
export function createEpochGuard(
  counters: KeyCounters,
  options: {
    readonly labelOf: (did: string) => string | undefined;
    readonly patience: Patience;
    readonly log: Log;
  },
): EpochGuard {
  const { labelOf, log, patience } = options;
  let isSaid = false;
  return {
    async read(did) {
      const label = labelOf(did);
      if (label === undefined) return undefined;
      const epoch = await patiently(did, () => counters.read(nameOf(label, did)), patience);
      if (epoch === undefined && !isSaid) {
        isSaid = true;
        log.warn('the token keeps no data objects, so a restored disk may stay unseen', { label });
      }
      return epoch;
    },
    async raise(did, epoch) {
      const label = labelOf(did);
      if (label === undefined) return;
      await patiently(did, () => counters.raise(nameOf(label, did), epoch), patience);
    },
  };
}

/** A key that replaces another under one label counts anew. */
function nameOf(label: string, did: string): string {
  return `epoch ${label} ${did}`;
}
