/**
 * A refrigeration controller with a Modbus port, the second make beside the telematics unit of
 * reefer.ts: 16-bit registers in tenths, states as bits, and cargo probes of its own.
 */
import { defineProfile, type ModbusPlace, type PointDefinition } from '../profile.ts';

/** What the controller writes where a sensor is not fitted or has failed. */
const NO_SENSOR = 0x7fff;

function register(address: number): { readonly modbus: ModbusPlace } {
  return { modbus: { table: 'input', address, encoding: { type: 'int16' } } };
}

function bit(summary: string, place: number): PointDefinition {
  return {
    summary,
    type: 'bl:State',
    unit: '',
    quantity: 'state',
    cadenceMs: 1_000,
    modbus: { table: 'input', address: 20, encoding: { type: 'bool', bit: place } },
  };
}

function temperature(summary: string, address: number): PointDefinition {
  return {
    summary,
    type: 'Temperature',
    unit: 'CEL',
    range: [-70, 70],
    sentinels: [NO_SENSOR],
    scale: 0.1,
    accuracy: { absolute: 0.3 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...register(address),
  };
}

const air: Readonly<Record<string, PointDefinition>> = {
  setPoint: {
    ...temperature('Temperature that the controller is told to hold.', 0),
    accuracy: { absolute: 0.1 },
    quantity: 'setpoint',
  },
  supplyAirTemperature: temperature('Temperature of the air blown into the cargo space.', 1),
  returnAirTemperature: temperature('Temperature of the air drawn from the cargo space.', 2),
  ambientTemperature: temperature('Temperature of the air outside the container.', 3),
  usda1: temperature('Temperature at cargo probe USDA 1.', 4),
  usda2: temperature('Temperature at cargo probe USDA 2.', 5),
  usda3: temperature('Temperature at cargo probe USDA 3.', 6),
  humidity: {
    summary: 'Relative humidity in the cargo space.',
    type: 'RelativeHumidity',
    unit: 'P1',
    range: [0, 100],
    sentinels: [NO_SENSOR],
    scale: 0.1,
    accuracy: { absolute: 5 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...register(7),
  },
  oxygen: {
    summary: 'Oxygen in the cargo space, percent by volume.',
    type: 'VolumeFraction',
    unit: 'VP',
    range: [0, 25],
    sentinels: [NO_SENSOR],
    scale: 0.1,
    accuracy: { absolute: 0.5 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...register(8),
  },
  carbonDioxide: {
    summary: 'Carbon dioxide in the cargo space, percent by volume.',
    type: 'VolumeFraction',
    unit: 'VP',
    range: [0, 25],
    sentinels: [NO_SENSOR],
    scale: 0.1,
    accuracy: { absolute: 0.5 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...register(9),
  },
};

const power: Readonly<Record<string, PointDefinition>> = {
  supplyVoltage: {
    summary: 'Voltage of the power supply between two phases.',
    type: 'Voltage',
    unit: 'VLT',
    range: [0, 600],
    sentinels: [NO_SENSOR],
    accuracy: { percent: 2 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...register(10),
  },
  supplyFrequency: {
    summary: 'Frequency of the power supply.',
    type: 'Frequency',
    unit: 'HTZ',
    range: [0, 70],
    sentinels: [NO_SENSOR],
    scale: 0.1,
    accuracy: { absolute: 0.1 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...register(11),
  },
  runHours: {
    summary: 'Hours that the compressor has run since it was built in.',
    type: 'Time',
    unit: 'HUR',
    range: [0, 1_000_000],
    quantity: 'total',
    cadenceMs: 3_600_000,
    modbus: { table: 'input', address: 12, encoding: { type: 'uint32' } },
  },
  alarmCount: {
    summary: 'Alarms of the controller that are active.',
    type: 'Count',
    unit: 'C62',
    range: [0, 64],
    quantity: 'state',
    cadenceMs: 1_000,
    urgent: 'rising',
    modbus: { table: 'input', address: 14, encoding: { type: 'uint16' } },
  },
};

const states: Readonly<Record<string, PointDefinition>> = {
  powered: bit('Whether the controller sees a power supply.', 0),
  compressorRunning: bit('Whether the compressor runs.', 1),
  defrosting: bit('Whether the coil is being defrosted; supply air is warm meanwhile.', 2),
  doorOpen: { ...bit('Whether the door contact is open.', 3), urgent: 'change' },
};

export const reeferController = defineProfile({
  name: 'reefer-controller',
  summary: 'Refrigeration controller of a container, Modbus registers in tenths.',
  source:
    'No maker of container refrigeration publishes its register map: addresses, bits and the ' +
    'value for a missing sensor are assigned by this profile. Points and names follow reefer.ts ' +
    'and the probes of the TIC4.0 reefer message.',
  protocol: 'modbus',
  reportsOn: 'container',
  points: { ...air, ...power, ...states },
});
