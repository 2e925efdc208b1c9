/**
 * Keeps the highest epoch of each device in the key store, where that outlives the disk: a disk
 * that was put back is then seen at the start, even if nothing signed since ever arrived. Where
 * each place is counted there, a process that was resumed from a snapshot is seen as well.
 */
import { strict as assert } from 'node:assert';
import { EdgeError } from '../devices/errors.ts';
import type { CountedPlace, KeyCounters } from '../devices/io/key-store.ts';
import type { Log } from '../devices/runtime.ts';
import type { Counting, EpochGuard } from './outbox-counting.ts';
import { type Patience, patiently } from './patient-signer.ts';

/** @param labelOf The label of a device's key, by the device's DID. */
export function createEpochGuard(
  counters: KeyCounters,
  options: {
    readonly labelOf: (did: string) => string | undefined;
    /** Each place is counted before it is signed for, not only each epoch; `false` where absent. */
    readonly countsPlaces?: boolean;
    readonly patience: Patience;
    readonly log: Log;
  },
): EpochGuard {
  const { countsPlaces = false, labelOf, log, patience } = options;
  let isSaid = false;
  return {
    async read(did) {
      const label = labelOf(did);
      if (label === undefined) return undefined;
      const place = await patiently(did, () => counters.read(nameOf(label, did)), patience);
      if (place !== undefined) return place;
      if (countsPlaces) throw new EdgeError('KEY_COUNTER_MISSING', `counting with "${label}"`);
      if (!isSaid) {
        isSaid = true;
        log.warn('the token keeps no data objects, so a restored disk may stay unseen', { label });
      }
      return undefined;
    },
    async raise(did, epoch, from) {
      const label = labelOf(did);
      if (label === undefined) return true;
      const name = nameOf(label, did);
      if (countsPlaces) {
        const step = { from, to: { epoch, sequence: 0 } };
        return patiently(did, () => counters.advance(name, step), patience);
      }
      await patiently(did, () => counters.raise(name, epoch), patience);
      return true;
    },
    ...(countsPlaces && {
      async count(did: string, place: CountedPlace): Promise<Counting> {
        const label = labelOf(did);
        assert(label !== undefined, `there is no key for ${did}`);
        return countPlace(counters, { did, name: nameOf(label, did), place, patience });
      },
    }),
  };
}

/** From the place before it, which this run has counted or opened the epoch with. */
async function countPlace(
  counters: KeyCounters,
  {
    did,
    name,
    patience,
    place,
  }: {
    readonly did: string;
    readonly name: string;
    readonly place: CountedPlace;
    readonly patience: Patience;
  },
): Promise<Counting> {
  const { epoch, sequence } = place;
  const step = { from: { epoch, sequence: sequence - 1 }, to: place };
  let tries = 0;
  return patiently(
    did,
    async () => {
      tries += 1;
      if (await counters.advance(name, step)) return 'counted';
      if (tries === 1) return 'moved';
      // The first try may have arrived all the same: then the token stands where it led.
      const now = await counters.read(name);
      return now?.epoch === epoch && now.sequence === sequence ? 'unsure' : 'moved';
    },
    patience,
  );
}

/** A key that replaces another under one label counts anew. */
function nameOf(label: string, did: string): string {
  return `epoch ${label} ${did}`;
}
