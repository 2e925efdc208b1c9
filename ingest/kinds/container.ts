/** A freight container: what its telematics unit says of its air, its doors and its position. */
import { chosen, type TwinState } from '../fold-state.ts';
import type { ElementKeeper, Kind, ObservedElement } from '../kind.ts';
import { excursionPath, toleranceCelsius } from '../kind-minutes.ts';
import type { Place } from '../twin.ts';
import { sourceOf } from '../twin-statement.ts';

/** Latitude, longitude and, where it is known, the accuracy in metres. */
const POSITION = '@position';

/** At or below this set point cargo is frozen, and the return air tells of it. */
const FROZEN_CELSIUS = -10;

const BIC = /^urn:epc:id:bic:([A-Z]{3}[JUZ]\d{7})$/;

export const container: Kind = {
  name: 'container',
  summary: 'A freight container, by the telematics unit that it carries.',
  identify(uri) {
    const value = BIC.exec(uri)?.[1];
    return value === undefined ? undefined : { scheme: 'bic', scope: '', value };
  },
  label: ({ value }) => `Container ${value}`,
  attributes: {
    supplyAirTemperature: { title: 'Supply air', headline: true },
    returnAirTemperature: { title: 'Return air', headline: true },
    setPoint: { title: 'Set point', headline: true },
    ambientTemperature: { title: 'Ambient air' },
    doorOpen: { title: 'Door open', headline: true },
    powered: { title: 'Powered', headline: true },
    humidity: { title: 'Relative humidity' },
    oxygen: { title: 'Oxygen' },
    carbonDioxide: { title: 'Carbon dioxide' },
    latitude: { title: 'Latitude' },
    longitude: { title: 'Longitude' },
    accuracyM: { title: 'Accuracy of the position' },
    speed: { title: 'Speed over ground' },
  },
  observe(element, keep) {
    keepPosition(element, keep);
    keepExcursion(element, keep);
  },
  derive: (state) => {
    const place = placeOf(state);
    return place === undefined ? {} : { place };
  },
};

/** Both coordinates of one sample, or nothing: halves of two positions make a third. */
function keepPosition(element: ObservedElement, keep: ElementKeeper): void {
  const latitude = element.number('latitude');
  const longitude = element.number('longitude');
  if (latitude === undefined || longitude === undefined) return;
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return;
  const accuracyM = element.number('accuracyM');
  const accurate = accuracyM !== undefined && accuracyM >= 0;
  keep.newest(POSITION, accurate ? [latitude, longitude, accuracyM] : [latitude, longitude]);
}

/** Chilled cargo is judged by the supply air, frozen cargo by the return air. */
function keepExcursion(element: ObservedElement, keep: ElementKeeper): void {
  const setPoint = element.number('setPoint');
  if (setPoint === undefined) return;
  const frozen = setPoint <= FROZEN_CELSIUS;
  const air = element.number(frozen ? 'returnAirTemperature' : 'supplyAirTemperature');
  if (air === undefined) return;
  // Colder than asked harms chilled cargo only.
  const beyond = frozen ? air - setPoint : Math.abs(air - setPoint);
  keep.minute(excursionPath, { holds: beyond > toleranceCelsius });
}

/** The last fix, with its own time: an old one is shown old and never moved on. */
function placeOf(state: TwinState): Place | undefined {
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
