/** Promise: omission shows. A missing batch is a gap of its device's twin, or a loss names it. */
import type { TwinState } from '../../ingest/fold-state.ts';
import type { Gap, Twin } from '../../ingest/twin.ts';
import { type AppliedDevice, type AppliedWorld, missingOf } from './applied.ts';
import { type Facts, nameOf, type Place } from './facts.ts';

/** After each transaction of the twins; `view` is the twin that people see. */
export function checkGaps(
  facts: Facts,
  applied: AppliedWorld,
  changed: readonly TwinState[],
  view: (state: TwinState) => Twin,
): string[] {
  return changed.flatMap((state) => {
    const device = applied.devices.get(state.uri);
    if (state.kind !== 'device' || device === undefined || isCut(state, device)) return [];
    const missing = missingPlaces(facts, state.uri, device);
    if (missing.length === 0) return [];
    const { gaps = [] } = view(state);
    return missing
      .filter((place) => !gaps.some((gap) => shows(gap, place)))
      .map((place) => `${nameOf(place)} is missing and no gap says so`);
  });
}

/** At the end: a device is alerted of a gap exactly if it has one. */
export function checkGapAlerts(
  facts: Facts,
  applied: AppliedWorld,
  alerts: (device: string) => readonly string[],
): string[] {
  return [...applied.devices].flatMap(([did, device]) => {
    const isMissing = missingPlaces(facts, did, device).length > 0;
    const isAlerted = alerts(did).includes('GAP');
    if (isMissing === isAlerted) return [];
    return [`${did.slice(-8)} is ${isAlerted ? '' : 'not '}alerted of a gap`];
  });
}

/** Bounds of a history that is very long: what it lists is exact no more. */
function isCut({ history }: TwinState, device: AppliedDevice): boolean {
  const epochs = history?.epochs ?? [];
  return epochs.length < device.epochs.size || epochs.some(({ coarse }) => coarse);
}

/** Places that are not here, although others show that they are taken, and that no loss names. */
function missingPlaces({ given, signed }: Facts, did: string, device: AppliedDevice): Place[] {
  const places: Place[] = [];
  for (const epoch of device.epochs.values()) {
    for (const sequence of missingOf(epoch)) places.push({ ...epoch, device: did, sequence });
    // The end of the epoch before shows by the batch that this one follows.
    const before = signed.get(epoch.follows ?? '');
    const known = before && device.epochs.get(`${before.counter} ${before.nonce}`);
    if (before && (known?.last ?? 0) < before.sequence) places.push(before);
  }
  return places.filter((place) => !given.has(nameOf(place)));
}

function shows({ epoch, from, to }: Gap, { counter, sequence }: Place): boolean {
  if (from === undefined || to === undefined) return epoch <= counter;
  return epoch === counter && from <= sequence && sequence <= to;
}
