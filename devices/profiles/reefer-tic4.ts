/**
 * A refrigerated container as a terminal's reefer monitoring system tells of it, in the words of
 * the TIC4.0 message "RMS to TOS": states in `Events`, measurements and set points in
 * `MonitoringData`, each with times of their own. No configuration is needed beyond the topic.
 */
import { defineProfile, type MqttPlace, type PointDefinition } from '../profile.ts';

/**
 * A number of one monitoring record. It stands in `SensorData` or `SetpointData`, which some
 * systems write as an object and some as an array of one: the descendant finds it in both.
 */
function monitored(name: string): { readonly mqtt: MqttPlace } {
  const samples = '$.MonitoringData[*]';
  return {
    mqtt: {
      topic: '',
      samples,
      path: `$..${name}`,
      time: 'MonitoringTime',
      timeFormat: 'any',
      optional: true,
    },
  };
}

function event(name: string): { readonly mqtt: MqttPlace } {
  const samples = '$.Events[*]';
  return {
    mqtt: { topic: '', samples, path: name, time: 'Time', timeFormat: 'any', optional: true },
  };
}

function temperature(summary: string, name: string): PointDefinition {
  return {
    summary,
    type: 'Temperature',
    unit: 'CEL',
    range: [-70, 70],
    accuracy: { absolute: 1 },
    quantity: 'instantaneous',
    cadenceMs: 300_000,
    ...monitored(name),
  };
}

function fraction(summary: string, name: string): PointDefinition {
  return {
    summary,
    type: 'VolumeFraction',
    unit: 'VP',
    range: [0, 25],
    accuracy: { absolute: 1 },
    quantity: 'instantaneous',
    cadenceMs: 300_000,
    ...monitored(name),
  };
}

const measured: Readonly<Record<string, PointDefinition>> = {
  supplyAirTemperature: temperature(
    'Temperature of the air blown into the cargo space.',
    'SupplyTemperature',
  ),
  returnAirTemperature: temperature(
    'Temperature of the air drawn from the cargo space.',
    'ReturnTemperature',
  ),
  ambientTemperature: temperature(
    'Temperature of the air outside the container.',
    'AmbientTemperature',
  ),
  usda1: temperature('Temperature at cargo probe USDA 1.', 'USDA1'),
  usda2: temperature('Temperature at cargo probe USDA 2.', 'USDA2'),
  usda3: temperature('Temperature at cargo probe USDA 3.', 'USDA3'),
  oxygen: fraction('Oxygen in the cargo space, percent by volume.', 'O2'),
  carbonDioxide: fraction('Carbon dioxide in the cargo space, percent by volume.', 'CO2'),
  humidity: {
    summary: 'Relative humidity in the cargo space.',
    type: 'RelativeHumidity',
    unit: 'P1',
    range: [0, 100],
    accuracy: { absolute: 5 },
    quantity: 'instantaneous',
    cadenceMs: 300_000,
    ...monitored('Humidity'),
  },
};

const setPoints: Readonly<Record<string, PointDefinition>> = {
  setPoint: {
    ...temperature('Temperature that the unit is told to hold.', 'TemperatureSetpoint'),
    accuracy: { absolute: 0.1 },
    quantity: 'setpoint',
  },
  oxygenSetPoint: {
    ...fraction('Oxygen that the unit is told to hold.', 'O2Setpoint'),
    accuracy: { absolute: 0.1 },
    quantity: 'setpoint',
  },
  carbonDioxideSetPoint: {
    ...fraction('Carbon dioxide that the unit is told to hold.', 'CO2Setpoint'),
    accuracy: { absolute: 0.1 },
    quantity: 'setpoint',
  },
  humiditySetPoint: {
    summary: 'Relative humidity that the unit is told to hold.',
    type: 'RelativeHumidity',
    unit: 'P1',
    range: [0, 100],
    quantity: 'setpoint',
    cadenceMs: 300_000,
    ...monitored('HumiditySetpoint'),
  },
};

const states: Readonly<Record<string, PointDefinition>> = {
  containerId: {
    summary: 'Number of the container that the message is about.',
    type: 'bl:Identifier',
    unit: '',
    quantity: 'state',
    mqtt: { topic: '', path: 'ContainerID', optional: true },
  },
  connected: {
    summary: 'Whether the container is plugged into a power source.',
    type: 'bl:State',
    unit: '',
    quantity: 'state',
    ...event('ContainerConnected'),
  },
  powered: {
    summary: 'Whether the container receives power.',
    type: 'bl:State',
    unit: '',
    quantity: 'state',
    ...event('ContainerPowered'),
  },
};

export const reeferTic4 = defineProfile({
  name: 'reefer-tic4',
  summary: 'Refrigerated container by TIC4.0 messages of a reefer monitoring system.',
  source:
    'Names: TIC4.0 definitions, "Translation of Reefer Monitoring System to TIC4.0 2024.013", ' +
    'tables RMS to TOS (measurements, states) and TOS to RMS (set points). The page states no ' +
    'units and no form of time: temperatures are degrees Celsius as in its grammar, gases percent ' +
    'by volume; times are taken as RFC 3339 or as a count since 1970, told by its size.',
  protocol: 'mqtt',
  reportsOn: 'container',
  points: { ...measured, ...setPoints, ...states },
});
