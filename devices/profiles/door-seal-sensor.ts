/**
 * A sensor on a container's door with an electronic seal: it speaks when something happens, and
 * once an hour to say that nothing did. One JSON message, all values of one instant.
 */
import { defineProfile, type MqttPlace, type PointDefinition } from '../profile.ts';

function at(path: string, optional = false): { readonly mqtt: MqttPlace } {
  return { mqtt: { topic: 'events', path, ...(optional && { optional }) } };
}

function state(summary: string, path: string): PointDefinition {
  return {
    summary,
    type: 'bl:State',
    unit: '',
    quantity: 'state',
    cadenceMs: 3_600_000,
    urgent: 'change',
    ...at(path),
  };
}

export const doorSealSensor = defineProfile({
  name: 'door-seal-sensor',
  summary: 'Door contact and electronic seal of a container, JSON over MQTT.',
  source:
    'No published message covers both: topic and members are assigned by this profile. The seal ' +
    'is named by its number; sources (CAR, SHI, PHY, VET, CUS) and types (KLP, BLT, WIR) are those ' +
    'of the traceability vocabulary (w3c-ccg/traceability-vocab, Seal), classes those of ISO 17712.',
  protocol: 'mqtt',
  reportsOn: 'container',
  points: {
    doorOpen: state('Whether a door of the container is open.', 'door.open'),
    sealIntact: state('Whether the seal is closed and its loop unbroken.', 'seal.intact'),
    tamper: state('Whether the sensor was opened, moved or shielded.', 'tamper'),
    sealNumber: {
      summary: 'Number of the seal that the sensor holds.',
      type: 'bl:Text',
      unit: '',
      quantity: 'state',
      urgent: 'change',
      ...at('seal.number'),
    },
    sealSource: {
      summary: 'Who put the seal on: CAR, SHI, PHY, VET or CUS.',
      type: 'bl:Text',
      unit: '',
      quantity: 'state',
      ...at('seal.source', true),
    },
    sealType: {
      summary: 'Kind of the seal: KLP, BLT or WIR.',
      type: 'bl:Text',
      unit: '',
      quantity: 'state',
      ...at('seal.type', true),
    },
    doorOpenings: {
      summary: 'Openings of the door since the sensor was fitted.',
      type: 'Count',
      unit: 'C62',
      range: [0, 4_294_967_295],
      quantity: 'total',
      ...at('door.openings', true),
    },
    batteryVoltage: {
      summary: 'Voltage of the battery of the sensor.',
      type: 'Voltage',
      unit: 'VLT',
      range: [0, 5],
      accuracy: { absolute: 0.05 },
      quantity: 'instantaneous',
      cadenceMs: 3_600_000,
      ...at('battery', true),
    },
  },
});
