/**
 * A vibrating-fork density transmitter on a liquid line. Its registers hold 32 bits each and count
 * as one (its "register size" setting is 32 bit, as it leaves the works).
 */
import { defineProfile, type ModbusPlace } from '../profile.ts';

function wide(address: number): { readonly modbus: ModbusPlace } {
  const encoding = { type: 'float32', order: 'ABCD' } as const;
  return { modbus: { table: 'holding', address, width: 'enron', encoding } };
}

const CADENCE_MS = 1_000;

export const densitometer = defineProfile({
  name: 'densitometer',
  summary: 'Density transmitter (vibrating fork) on a liquid line, 32-bit registers.',
  source:
    'Register 257 and its example frame: Solartron Mobrey 7828 Technical Manual 78285000 section ' +
    'D.7.2; registers 263 to 265, 288 and 294: Micro Motion 7829 manual table D-1 (same family). ' +
    'The unit of density is a setting of the device (register 3): this profile is for kg/m3.',
  protocol: 'modbus',
  reportsOn: 'pipeline-batch',
  points: {
    lineDensity: {
      summary: 'Density of the liquid in the line.',
      type: 'Density',
      unit: 'KMQ',
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      accuracy: { absolute: 1 },
      range: [300, 1_500],
      ...wide(257),
    },
    sensorResistance: {
      summary: 'Resistance of the temperature sensor in the fork (Pt100).',
      type: 'Resistance',
      unit: 'OHM',
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      range: [80, 180],
      ...wide(263),
    },
    pickupLevel: {
      summary: 'Level of the pick-up coil; a weak one says that the fork is fouled.',
      type: 'Voltage',
      unit: 'VLT',
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      range: [0, 10],
      ...wide(264),
    },
    resonanceQuality: {
      summary: 'Q of the resonance.',
      type: 'Dimensionless',
      unit: 'C62',
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      range: [0, 10_000],
      ...wide(265),
    },
    referredDensity: {
      summary: 'Density referred to the second reference temperature.',
      type: 'Density',
      unit: 'KMQ',
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      range: [300, 1_500],
      ...wide(288),
    },
    baseDensity: {
      summary: 'Density at 15 degC by the API tables.',
      type: 'Density',
      unit: 'KMQ',
      quantity: 'instantaneous',
      cadenceMs: CADENCE_MS,
      range: [300, 1_500],
      ...wide(294),
    },
  },
});
