/** A freight container: what its telematics unit says of its air, its doors and its position. */
import type { ElementKeeper, Kind, ObservedElement } from '../kind.ts';
import { excursionPath, toleranceCelsius } from '../kind-minutes.ts';
import { keepPosition, observedPosition } from '../twin-position.ts';

/** At or below this set point cargo is frozen, and the return air tells of it. */
const FROZEN_CELSIUS = -10;

const BIC = /^urn:epc:id:bic:([A-Z]{3}[JUZ]\d{7})$/;

export const container: Kind = {
  name: 'container',
  summary: 'A freight container, by the telematics unit that it carries.',
  isGoods: true,
  identify(uri) {
    const value = BIC.exec(uri)?.[1];
    return value === undefined ? undefined : { scheme: 'bic', scope: '', value };
  },
  label: ({ value }) => `Container ${value}`,
  attributes: {
    supplyAirTemperature: { title: 'Supply air', headline: true },
    returnAirTemperature: { title: 'Return air', headline: true },
    setPoint: { title: 'Set point', headline: true },
    cargoSpaceTemperature: { title: 'Temperature in the container' },
    ambientTemperature: { title: 'Ambient air' },
    usda1: { title: 'Cargo probe USDA 1' },
    usda2: { title: 'Cargo probe USDA 2' },
    usda3: { title: 'Cargo probe USDA 3' },
    doorOpen: { title: 'Door open', headline: true },
    doorEvent: { title: 'Last door event' },
    doorOpenings: { title: 'Door openings' },
    sealIntact: { title: 'Seal intact', headline: true },
    sealNumber: { title: 'Seal number' },
    sealSource: { title: 'Seal put on by' },
    sealType: { title: 'Kind of seal' },
    tamper: { title: 'Sensor tampered with' },
    powered: { title: 'Powered', headline: true },
    connected: { title: 'Plugged in' },
    humidity: { title: 'Relative humidity' },
    oxygen: { title: 'Oxygen' },
    carbonDioxide: { title: 'Carbon dioxide' },
    airExchange: { title: 'Fresh air' },
    humiditySetPoint: { title: 'Set point of humidity' },
    oxygenSetPoint: { title: 'Set point of oxygen' },
    carbonDioxideSetPoint: { title: 'Set point of carbon dioxide' },
    airExchangeSetPoint: { title: 'Set point of fresh air' },
    compressorRunning: { title: 'Compressor running' },
    defrosting: { title: 'Defrosting' },
    supplyVoltage: { title: 'Voltage of the supply' },
    supplyFrequency: { title: 'Frequency of the supply' },
    runHours: { title: 'Hours run' },
    alarmCount: { title: 'Alarms of the unit' },
    latitude: { title: 'Latitude' },
    longitude: { title: 'Longitude' },
    accuracyM: { title: 'Accuracy of the position' },
    speed: { title: 'Speed over ground' },
    heading: { title: 'Course over ground' },
    fixQuality: { title: 'Quality of the fix' },
    satellites: { title: 'Satellites' },
    batteryVoltage: { title: 'Battery of the sensor' },
    containerId: { title: 'Container number' },
    reeferEvent: { title: 'Last reefer event' },
  },
  observe(element, keep) {
    keepPosition(element, keep);
    keepExcursion(element, keep);
  },
  derive: (state) => {
    const place = observedPosition(state);
    return place === undefined ? {} : { place };
  },
};

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
