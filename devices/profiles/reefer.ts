/**
 * The telematics unit of a refrigerated container: one JSON message a sample, all values of one
 * instant. Names follow the TIC4.0 reefer vocabulary where it has one (supply, return and ambient
 * temperature, humidity, O2, CO2, powered); the position travels in the same message.
 */
import { defineProfile, type MqttPlace, type PointDefinition } from '../profile.ts';

function at(path: string): { readonly mqtt: MqttPlace } {
  return { mqtt: { topic: 'telemetry', path } };
}

/** A sensor that is not fitted or has failed shows as this number. */
const NO_SENSOR = -999;

const air: Readonly<Record<string, PointDefinition>> = {
  setPoint: {
    summary: 'Temperature that the unit is told to hold.',
    type: 'Temperature',
    unit: 'CEL',
    range: [-70, 40],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 0.1 },
    quantity: 'setpoint',
    cadenceMs: 10_000,
    ...at('reefer.setPoint'),
  },
  supplyAirTemperature: {
    summary: 'Temperature of the air blown into the cargo space; rules for chilled cargo use it.',
    type: 'Temperature',
    unit: 'CEL',
    range: [-70, 60],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 0.5 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('reefer.supplyTemperature'),
  },
  returnAirTemperature: {
    summary: 'Temperature of the air drawn from the cargo space; rules for frozen cargo use it.',
    type: 'Temperature',
    unit: 'CEL',
    range: [-70, 60],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 0.5 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('reefer.returnTemperature'),
  },
  ambientTemperature: {
    summary: 'Temperature of the air outside the container.',
    type: 'Temperature',
    unit: 'CEL',
    range: [-60, 70],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 1 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('reefer.ambientTemperature'),
  },
  humidity: {
    summary: 'Relative humidity in the cargo space.',
    type: 'RelativeHumidity',
    unit: 'P1',
    range: [0, 100],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 5 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('reefer.humidity'),
  },
  oxygen: {
    summary: 'Oxygen in the cargo space, percent by volume.',
    type: 'VolumeFraction',
    unit: 'VP',
    range: [0, 25],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 0.5 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('reefer.o2'),
  },
  carbonDioxide: {
    summary: 'Carbon dioxide in the cargo space, percent by volume.',
    type: 'VolumeFraction',
    unit: 'VP',
    range: [0, 25],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 0.5 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('reefer.co2'),
  },
};

const states: Readonly<Record<string, PointDefinition>> = {
  doorOpen: {
    summary: 'Whether a door of the container is open.',
    type: 'bl:State',
    unit: '',
    quantity: 'state',
    cadenceMs: 10_000,
    urgent: 'change',
    ...at('reefer.doorOpen'),
  },
  powered: {
    summary: 'Whether the unit has power.',
    type: 'bl:State',
    unit: '',
    quantity: 'state',
    cadenceMs: 10_000,
    ...at('reefer.powered'),
  },
};

const position: Readonly<Record<string, PointDefinition>> = {
  latitude: {
    summary: 'Latitude, WGS 84, north positive.',
    type: 'Angle',
    unit: 'DD',
    range: [-90, 90],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 0.0001 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('position.latitude'),
  },
  longitude: {
    summary: 'Longitude, WGS 84, east positive.',
    type: 'Angle',
    unit: 'DD',
    range: [-180, 180],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 0.0001 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('position.longitude'),
  },
  accuracyM: {
    summary: 'Radius around the position that holds the true one with 95 % confidence.',
    type: 'Length',
    unit: 'MTR',
    range: [0, 100_000],
    sentinels: [NO_SENSOR],
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('position.accuracy'),
  },
  speed: {
    summary: 'Speed over ground.',
    type: 'Speed',
    unit: 'KMH',
    range: [0, 160],
    sentinels: [NO_SENSOR],
    accuracy: { absolute: 1 },
    quantity: 'instantaneous',
    cadenceMs: 10_000,
    ...at('position.speed'),
  },
};

export const reefer = defineProfile({
  name: 'reefer',
  summary: 'Telematics unit of a refrigerated container, JSON over MQTT.',
  source:
    'Vocabulary after the TIC4.0 reefer message (ContainerPowered, Supply-, Return- and ' +
    'AmbientTemperature, O2, CO2, Humidity) and DCSA reefer set points; the layout of the JSON ' +
    'message, its topic and the position block are assigned by this profile.',
  protocol: 'mqtt',
  reportsOn: 'container',
  points: { ...air, ...states, ...position },
});
