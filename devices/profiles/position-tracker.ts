/**
 * A satellite position tracker: it collects fixes while it has no network and sends them together,
 * each with its own time. Both coordinates of a fix make the place of the container's twin.
 */
import { defineProfile, type MqttPlace } from '../profile.ts';

function fix(path: string, optional = false): { readonly mqtt: MqttPlace } {
  return {
    mqtt: {
      topic: 'fixes',
      samples: '$.fixes[*]',
      path,
      time: 't',
      timeFormat: 'ms',
      ...(optional && { optional }),
    },
  };
}

/** A fix comes this often while the tracker moves. */
const CADENCE_MS = 60_000;

export const positionTracker = defineProfile({
  name: 'position-tracker',
  summary: 'Satellite position tracker, arrays of fixes in JSON over MQTT.',
  source:
    'Members are assigned by this profile. Values and their meaning follow NMEA 0183: quality is ' +
    'the indicator of sentence GGA (0 none, 1 GNSS, 2 differential, 4 RTK fixed, 5 RTK float, 6 ' +
    'estimated), speed and course over ground those of RMC, with the speed in km/h.',
  protocol: 'mqtt',
  reportsOn: 'container',
  points: {
    latitude: {
      summary: 'Latitude, WGS 84, north positive; null without a fix.',
      type: 'Angle',
      unit: 'DD',
      range: [-90, 90],
      accuracy: { absolute: 0.0001 },
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      ...fix('lat'),
    },
    longitude: {
      summary: 'Longitude, WGS 84, east positive; null without a fix.',
      type: 'Angle',
      unit: 'DD',
      range: [-180, 180],
      accuracy: { absolute: 0.0001 },
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      ...fix('lon'),
    },
    accuracyM: {
      summary: 'Radius around the position that holds the true one with 95 % confidence.',
      type: 'Length',
      unit: 'MTR',
      range: [0, 100_000],
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      ...fix('acc', true),
    },
    speed: {
      summary: 'Speed over ground.',
      type: 'Speed',
      unit: 'KMH',
      range: [0, 160],
      accuracy: { absolute: 1 },
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      ...fix('spd', true),
    },
    heading: {
      summary: 'Course over ground, degrees clockwise from true north.',
      type: 'Angle',
      unit: 'DD',
      range: [0, 360],
      accuracy: { absolute: 5 },
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      ...fix('hdg', true),
    },
    fixQuality: {
      summary: 'Quality of the fix: 0 none, 1 GNSS, 2 differential, 4 and 5 RTK, 6 estimated.',
      type: 'Dimensionless',
      unit: 'C62',
      range: [0, 8],
      quantity: 'state',
      cadenceMs: CADENCE_MS,
      ...fix('q'),
    },
    satellites: {
      summary: 'Satellites that the fix was computed from.',
      type: 'Count',
      unit: 'C62',
      range: [0, 64],
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      ...fix('sat', true),
    },
  },
});
