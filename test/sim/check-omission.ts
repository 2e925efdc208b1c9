/** Promise: omission shows. A missing batch is a gap of its device's twin, or a loss names it. */
import { limits } from '../../devices/limits.ts';
import type { TwinState } from '../../ingest/fold-state.ts';
import type { Gap, Twin } from '../../ingest/twin.ts';
import { type AppliedDevice, type AppliedWorld, missingOf } from './applied.ts';
import { type Facts, nameOf, type Place } from './facts.ts';

/** How often a history was looked at that is very long, so that it does not list everything. */
export interface Bounded {
  /** Holes of an epoch were joined: one gap spans them, and what was between them. */
  coarseHistories: number;
  /** The oldest epochs were dropped. */
  shortHistories: number;
}

export function nothingBounded(): Bounded {
  return { coarseHistories: 0, shortHistories: 0 };
}

/** After each transaction of the twins; `view` is the twin that people see. */
export function checkGaps(
  facts: Facts,
  applied: AppliedWorld,
  {
    bounded,
    changed,
    view,
  }: {
    readonly changed: readonly TwinState[];
    readonly view: (state: TwinState) => Twin;
    readonly bounded: Bounded;
  },
): string[] {
  return changed.flatMap((state) => {
    const device = applied.devices.get(state.uri);
    if (state.kind !== 'device' || device === undefined) return [];
    const epochs = state.history?.epochs ?? [];
    if (epochs.some(({ coarse }) => coarse)) bounded.coarseHistories += 1;
    const isShort = epochs.length >= limits.historyEpochsMax;
    if (isShort) bounded.shortHistories += 1;
    const missing = missingPlaces(facts, state.uri, isShort ? listed(device, state) : device);
    if (missing.length === 0) return [];
    const { gaps = [] } = view(state);
    return missing
      .filter((place) => !gaps.some((gap) => shows(gap, place)))
      .map((place) => `${nameOf(place)} is missing and no gap says so`);
  });
}

/** What a history lists that dropped epochs: nobody knows what the oldest one left follows. */
function listed(device: AppliedDevice, { history }: TwinState): AppliedDevice {
  const keys = (history?.epochs ?? []).map(({ counter, nonce }) => `${counter} ${nonce}`);
  const epochs = keys.flatMap((key, index) => {
    const epoch = device.epochs.get(key);
    if (epoch === undefined) return [];
    return [[key, index === 0 ? { ...epoch, follows: undefined } : epoch] as const];
  });
  return { ...device, epochs: new Map(epochs) };
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
