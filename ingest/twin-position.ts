/** Positions that a device observes of itself, and the place that follows from the last one. */
import { chosen, type TwinState } from './fold-state.ts';
import type { ElementKeeper, ObservedElement } from './kind.ts';
import type { Place } from './twin.ts';
import { sourceOf } from './twin-statement.ts';

/** Latitude, longitude and, where it is known, the accuracy in metres. */
const POSITION = '@position';

/** Both coordinates of one sample, or nothing: halves of two positions make a third. */
export function keepPosition(element: ObservedElement, keep: ElementKeeper): void {
  const latitude = element.number('latitude');
  const longitude = element.number('longitude');
  if (latitude === undefined || longitude === undefined) return;
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return;
  const accuracyM = element.number('accuracyM');
  const accurate = accuracyM !== undefined && accuracyM >= 0;
  keep.newest(POSITION, accurate ? [latitude, longitude, accuracyM] : [latitude, longitude]);
}

/** The last fix, with its own time: an old one is shown old and never moved on. */
export function observedPosition(state: TwinState): Place | undefined {
  const cell = chosen(state.newest.get(POSITION));
  if (cell === undefined || !Array.isArray(cell.value)) return undefined;
  const [latitude, longitude, accuracyM] = cell.value;
  if (latitude === undefined || longitude === undefined) return undefined;
  return {
    kind: 'point',
    latitude,
    longitude,
    ...(accuracyM === undefined ? {} : { accuracyM }),
    basis: 'observed',
    observedMs: cell.observedMs,
    source: sourceOf(cell),
  };
}
