/**
 * A dimensioning, weighing and scanning station on a parcel belt: one JSON message a parcel. The
 * tracking number names the goods.
 */
import { defineProfile, type MqttPlace, type PointDefinition } from '../profile.ts';

function at(path: string, optional = false): { readonly mqtt: MqttPlace } {
  return { mqtt: { topic: 'scans', path, ...(optional && { optional }) } };
}

function text(summary: string, path: string, optional = false): PointDefinition {
  return { summary, type: 'bl:Text', unit: '', quantity: 'state', ...at(path, optional) };
}

function edge(summary: string, path: string): PointDefinition {
  return {
    summary,
    type: 'Length',
    unit: 'CMT',
    range: [0, 300],
    accuracy: { absolute: 0.5 },
    quantity: 'instantaneous',
    ...at(path, true),
  };
}

export const parcelScanner = defineProfile({
  name: 'parcel-scanner',
  summary: 'Dimensioning, weighing and scanning station for parcels, JSON over MQTT.',
  source:
    'No published message covers such stations: topic and members are assigned by this profile. ' +
    'Scan events are words of the site; entry types are those of the entry summary (01 and 11 for ' +
    'parcels), an SSCC is that of GS1 (application identifier 00).',
  protocol: 'mqtt',
  reportsOn: 'parcel',
  points: {
    trackingNumber: {
      summary: 'Tracking number on the label; names the goods.',
      type: 'bl:Identifier',
      unit: '',
      quantity: 'state',
      identifies: 'parcel',
      ...at('tracking'),
    },
    scanEvent: text('What happened to the parcel, e.g. inducted, sorted or held.', 'event'),
    scanFacility: text('Code of the facility where it was scanned.', 'facility'),
    scanLane: text('Belt or chute of the scan.', 'lane', true),
    parcelMass: {
      summary: 'Mass of the parcel on the in-motion scale.',
      type: 'Mass',
      unit: 'KGM',
      range: [0, 100],
      accuracy: { absolute: 0.02 },
      quantity: 'instantaneous',
      ...at('mass', true),
    },
    parcelLength: edge('Longest edge of the parcel.', 'size.length'),
    parcelWidth: edge('Second edge of the parcel.', 'size.width'),
    parcelHeight: edge('Height of the parcel on the belt.', 'size.height'),
    labelSscc: text('Serial shipping container code of the bag or pallet it is in.', 'sscc', true),
    entryType: text('Type of the customs entry on the label.', 'entryType', true),
  },
});
