/**
 * A refrigerated container as a carrier's events tell of it: DCSA reefer events (measurements and
 * set points) and IoT events (a door was opened). Both specifications are Beta, so their names may
 * still change. One event or an array of them may stand in a message; only what did happen (`ACT`)
 * is read. No configuration is needed beyond the topic.
 */
import { defineProfile, type MqttPlace, type PointDefinition } from '../profile.ts';

const BETA = 'Name of a Beta specification (DCSA reefer 1.0.0-Beta-1).';
const BETA_IOT = 'Name of a Beta specification (DCSA IoT 1.0.0-Beta-1).';

function reeferEvent(path: string, unit?: string): { readonly mqtt: MqttPlace } {
  return {
    mqtt: {
      topic: '',
      samples: "$..[?@.eventClassifierCode=='ACT' && @.reeferEventTypeCode]",
      path,
      time: 'eventDateTime',
      ...(unit !== undefined && { unit }),
      optional: true,
    },
  };
}

function iotEvent(path: string): { readonly mqtt: MqttPlace } {
  const samples = "$..[?@.eventClassifierCode=='ACT' && @.iotEventCode]";
  return { mqtt: { topic: '', samples, path, time: 'eventDateTime', optional: true } };
}

function temperature(summary: string, path: string): PointDefinition {
  const [block] = path.split('.');
  return {
    summary: `${summary} ${BETA}`,
    type: 'Temperature',
    unit: 'CEL',
    range: [-70, 70],
    accuracy: { absolute: 1 },
    quantity: 'instantaneous',
    cadenceMs: 3_600_000,
    ...reeferEvent(path, `${block}.temperatureUnit`),
  };
}

function fraction(summary: string, path: string): PointDefinition {
  return {
    summary: `${summary} ${BETA}`,
    type: 'VolumeFraction',
    unit: 'VP',
    range: [0, 25],
    accuracy: { absolute: 1 },
    quantity: 'instantaneous',
    cadenceMs: 3_600_000,
    ...reeferEvent(path),
  };
}

function humidity(summary: string, path: string): PointDefinition {
  return {
    summary: `${summary} ${BETA}`,
    type: 'RelativeHumidity',
    unit: 'P1',
    range: [0, 100],
    accuracy: { absolute: 5 },
    quantity: 'instantaneous',
    cadenceMs: 3_600_000,
    ...reeferEvent(path),
  };
}

function airExchange(summary: string, block: string): PointDefinition {
  return {
    summary: `${summary} ${BETA}`,
    type: 'VolumeFlowRate',
    unit: 'MQH',
    range: [0, 500],
    quantity: 'instantaneous',
    cadenceMs: 3_600_000,
    ...reeferEvent(`${block}.airExchange`, `${block}.airExchangeUnit`),
  };
}

const measurements: Readonly<Record<string, PointDefinition>> = {
  cargoSpaceTemperature: temperature(
    'Temperature in the container; the event does not say whether of supply or return air.',
    'measurements.temperature',
  ),
  ambientTemperature: temperature(
    'Temperature of the air outside the container.',
    'measurements.ambientTemperature',
  ),
  oxygen: fraction('Oxygen in the cargo space, percent by volume.', 'measurements.o2'),
  carbonDioxide: fraction('Carbon dioxide in the cargo space.', 'measurements.co2'),
  humidity: humidity('Relative humidity in the cargo space.', 'measurements.humidity'),
  airExchange: airExchange('Fresh air let into the cargo space.', 'measurements'),
};

const setPoints: Readonly<Record<string, PointDefinition>> = {
  setPoint: {
    ...temperature('Temperature that the unit is told to hold.', 'setpoints.temperature'),
    accuracy: { absolute: 0.1 },
    quantity: 'setpoint',
  },
  oxygenSetPoint: {
    ...fraction('Oxygen that the unit is told to hold.', 'setpoints.o2'),
    quantity: 'setpoint',
  },
  carbonDioxideSetPoint: {
    ...fraction('Carbon dioxide that the unit is told to hold.', 'setpoints.co2'),
    quantity: 'setpoint',
  },
  humiditySetPoint: {
    ...humidity('Relative humidity that the unit is told to hold.', 'setpoints.humidity'),
    quantity: 'setpoint',
  },
  airExchangeSetPoint: {
    ...airExchange('Fresh air that the unit is told to let in.', 'setpoints'),
    quantity: 'setpoint',
  },
};

const position: Readonly<Record<string, PointDefinition>> = {
  latitude: {
    summary: `Latitude, WGS 84, north positive. ${BETA}`,
    type: 'Angle',
    unit: 'DD',
    range: [-90, 90],
    quantity: 'instantaneous',
    cadenceMs: 3_600_000,
    ...reeferEvent('geoLocation.latitude'),
  },
  longitude: {
    summary: `Longitude, WGS 84, east positive. ${BETA}`,
    type: 'Angle',
    unit: 'DD',
    range: [-180, 180],
    quantity: 'instantaneous',
    cadenceMs: 3_600_000,
    ...reeferEvent('geoLocation.longitude'),
  },
};

const events: Readonly<Record<string, PointDefinition>> = {
  containerId: {
    summary: `Number of the container that the event is about. ${BETA}`,
    type: 'bl:Identifier',
    unit: '',
    quantity: 'state',
    ...reeferEvent('equipmentReference'),
  },
  reeferEvent: {
    summary: `MEAS: measured; ADJU: set points were adjusted. ${BETA}`,
    type: 'bl:Text',
    unit: '',
    quantity: 'state',
    ...reeferEvent('reeferEventTypeCode'),
  },
  doorEvent: {
    summary: `DRO: a door was opened, detected (DETC) at the time of the event. ${BETA_IOT}`,
    type: 'bl:Text',
    unit: '',
    quantity: 'state',
    urgent: 'event',
    ...iotEvent('iotEventCode'),
  },
};

export const reeferDcsa = defineProfile({
  name: 'reefer-dcsa',
  summary: 'Refrigerated container by DCSA reefer and IoT events of its carrier (Beta).',
  source:
    'dcsaorg/DCSA-OpenAPI, reefer/v1/reefer_v1.0.0-Beta-1.yaml and iot/v1/iot_v1.0.0-Beta-1.yaml. ' +
    'Both are Beta and name no supply or return air, no power and no probes. A temperature in ' +
    'another unit than CEL is kept without a value.',
  protocol: 'mqtt',
  reportsOn: 'container',
  points: { ...measurements, ...setPoints, ...position, ...events },
});
