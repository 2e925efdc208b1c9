/**
 * A flow computer on a liquid pulse meter (crude oil) with an Enron (Daniel) register map.
 *
 * Addresses: in the Enron dialect the register's number is the address that is sent, with no
 * offset: register 701 travels as 0x02BD and register 5001 as 0x1389, so the protocol addresses
 * below are the documented numbers themselves. Registers 5001 to 5999 and 7001 to 7999 are 4 bytes
 * wide and count as one; those from 3001 to 3999 are 16-bit words. High byte and high word first.
 */
import { type EnronColumn, enronArchives, meanColumn, sumColumn } from '../enron-archive.ts';
import { defineProfile, type ModbusPlace, type PointDefinition } from '../profile.ts';
import type { RawType } from '../reading.ts';

function wide(address: number, type: RawType): { readonly modbus: ModbusPlace } {
  const encoding = { type, order: 'ABCD' } as const;
  return { modbus: { table: 'holding', address, width: 'enron', encoding } };
}

function words(address: number, type: RawType): { readonly modbus: ModbusPlace } {
  return { modbus: { table: 'holding', address, encoding: { type, order: 'ABCD' } } };
}

/** A failed transmitter shows as this number on the wire, as a not-a-number or out of range. */
const FAILED = -9999;

/** Run 0 of the documented map: what every Enron flow computer of this kind has. */
const documentedRun: Readonly<Record<string, PointDefinition>> = {
  runTime: {
    summary: 'Total accumulated run time of the meter run.',
    type: 'Time',
    unit: 'SEC',
    range: [0, 2_147_483_647],
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(5001, 'int32'),
  },
  flowTimeDay: {
    summary: 'Flow time of the current day.',
    type: 'Time',
    unit: 'SEC',
    range: [0, 90_000],
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(5003, 'int32'),
  },
  flowTimeHour: {
    summary: 'Flow time of the current hour.',
    type: 'Time',
    unit: 'SEC',
    range: [0, 3_600],
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(5005, 'int32'),
  },
  massTotal: {
    summary: 'Total accumulated mass, whole tonnes; rolls over at 10^9.',
    type: 'Mass',
    unit: 'TNE',
    range: [0, 2_147_483_647],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(5006, 'int32'),
  },
  baseVolumeTotal: {
    summary:
      'Total accumulated volume at base conditions (GSV), whole barrels; rolls over at 10^9.',
    type: 'Volume',
    unit: 'BLL',
    range: [0, 2_147_483_647],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(5007, 'int32'),
  },
  flowingVolumeTotal: {
    summary: 'Total volume at flowing conditions (IV x MF), whole barrels; rolls over at 10^9.',
    type: 'Volume',
    unit: 'BLL',
    range: [0, 2_147_483_647],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(5008, 'int32'),
  },
  temperature: {
    summary: 'Temperature of the liquid at the meter.',
    type: 'Temperature',
    unit: 'FAH',
    range: [-40, 200],
    sentinels: [FAILED],
    accuracy: { absolute: 0.5 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7001, 'float32'),
  },
  pressure: {
    summary: 'Gauge pressure of the liquid at the meter.',
    type: 'Pressure',
    unit: 'PS',
    range: [0, 2_000],
    sentinels: [FAILED],
    accuracy: { percent: 0.5 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7002, 'float32'),
  },
  flowRate: {
    summary: 'Flow rate at flowing conditions.',
    type: 'VolumeFlowRate',
    unit: 'B1',
    range: [0, 2_000_000],
    sentinels: [FAILED],
    accuracy: { percent: 0.25 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7004, 'float32'),
  },
};

/** The batch, the factors and the meter's own count, placed above the documented run blocks. */
const liquidBlock: Readonly<Record<string, PointDefinition>> = {
  batchNumber: {
    summary: 'Number of the batch that passes the meter, 0 for none; names the goods.',
    type: 'bl:Identifier',
    unit: '',
    range: [1, 2_147_483_647],
    sentinels: [0],
    identifies: 'pipeline-batch',
    quantity: 'state',
    cadenceMs: 1_000,
    ...wide(5101, 'int32'),
  },
  pulsesTotal: {
    summary: 'Pulses of the meter since commissioning; rolls over at 2^32.',
    type: 'Count',
    unit: 'C62',
    range: [0, 4_294_967_295],
    accuracy: { absolute: 1 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(5102, 'uint32'),
  },
  batchStartPulses: {
    summary: 'Value of the pulse count when the batch started.',
    type: 'Count',
    unit: 'C62',
    range: [0, 4_294_967_295],
    quantity: 'state',
    cadenceMs: 1_000,
    ...wide(5103, 'uint32'),
  },
  meterFactor: {
    summary: 'Meter factor in force (MF), from the last proving.',
    type: 'Dimensionless',
    unit: 'C62',
    range: [0.95, 1.05],
    accuracy: { percent: 0.02 },
    quantity: 'setpoint',
    cadenceMs: 1_000,
    ...wide(7801, 'float32'),
  },
  kFactor: {
    summary: 'Nominal K factor in force, pulses per barrel.',
    type: 'Dimensionless',
    unit: '',
    range: [0.1, 100_000],
    quantity: 'setpoint',
    cadenceMs: 1_000,
    ...wide(7802, 'float32'),
  },
  observedDensity: {
    summary: 'Density of the liquid at flowing conditions.',
    type: 'Density',
    unit: 'KMQ',
    range: [470, 1_202],
    sentinels: [FAILED],
    accuracy: { absolute: 1 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7803, 'float32'),
  },
  baseDensity: {
    summary: 'Density at 60 degF and 0 psig.',
    type: 'Density',
    unit: 'KMQ',
    range: [610.6, 1_163.5],
    sentinels: [FAILED],
    accuracy: { absolute: 1 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7804, 'float32'),
  },
  apiGravity: {
    summary: 'API gravity at 60 degF.',
    type: 'Density',
    unit: 'J13',
    range: [-10, 100],
    sentinels: [FAILED],
    accuracy: { absolute: 0.3 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7805, 'float32'),
  },
  sedimentAndWater: {
    summary: 'Sediment and water, percent by volume.',
    type: 'VolumeFraction',
    unit: 'VP',
    range: [0, 10],
    sentinels: [FAILED],
    accuracy: { absolute: 0.1 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7806, 'float32'),
  },
  ctl: {
    summary: 'Correction for the effect of temperature on the liquid, as applied.',
    type: 'Dimensionless',
    unit: 'C62',
    range: [0.8, 1.2],
    accuracy: { absolute: 0.00005 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7807, 'float32'),
  },
  cpl: {
    summary: 'Correction for the effect of pressure on the liquid, as applied.',
    type: 'Dimensionless',
    unit: 'C62',
    range: [1, 1.2],
    accuracy: { absolute: 0.00005 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...wide(7808, 'float32'),
  },
  batchIndicatedVolume: {
    summary: 'Indicated volume (pulses / K) of the batch so far.',
    type: 'Volume',
    unit: 'BLL',
    range: [0, 16_777_216],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(7809, 'float32'),
  },
  batchGrossStandardVolume: {
    summary: 'Gross standard volume (IV x MF x CTL x CPL) of the batch so far.',
    type: 'Volume',
    unit: 'BLL',
    range: [0, 16_777_216],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(7810, 'float32'),
  },
  batchNetStandardVolume: {
    summary: 'Net standard volume (GSV less sediment and water) of the batch so far.',
    type: 'Volume',
    unit: 'BLL',
    range: [0, 16_777_216],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...wide(7811, 'float32'),
  },
};

/** Run 0's block of 16-bit words: states, then totals as 64-bit floats in four words each. */
const wordBlock: Readonly<Record<string, PointDefinition>> = {
  runStatus: {
    summary: 'State of the meter run: 0 shut in, 1 flowing.',
    type: 'Dimensionless',
    unit: 'C62',
    range: [0, 1],
    quantity: 'state',
    cadenceMs: 1_000,
    ...words(3051, 'uint16'),
  },
  inputStatus: {
    summary: 'Bits of the inputs: 0 temperature forced, 1 pressure forced, 2 density failed.',
    type: 'Dimensionless',
    unit: 'C62',
    range: [0, 7],
    quantity: 'state',
    cadenceMs: 1_000,
    ...words(3052, 'uint16'),
  },
  indicatedVolumeTotal: {
    summary: 'Indicated volume (pulses / K) since commissioning.',
    type: 'Volume',
    unit: 'BLL',
    range: [0, 1e12],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...words(3053, 'float64'),
  },
  grossStandardVolumeTotal: {
    summary: 'Gross standard volume (IV x MF x CTL x CPL) since commissioning.',
    type: 'Volume',
    unit: 'BLL',
    range: [0, 1e12],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...words(3057, 'float64'),
  },
  netStandardVolumeTotal: {
    summary: 'Net standard volume (GSV less sediment and water) since commissioning.',
    type: 'Volume',
    unit: 'BLL',
    range: [0, 1e12],
    accuracy: { percent: 0.25 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...words(3061, 'float64'),
  },
};

function volume(name: string, summary: string, increaseOf: string): EnronColumn {
  return sumColumn(name, { summary, type: 'Volume', unit: 'BLL', increaseOf }, 5_000_000);
}

/**
 * A record of the archives, as page 337 lists it for gas; crude has no energy there, and net
 * standard volume in the user variable.
 */
const record: readonly EnronColumn[] = [
  meanColumn(
    'Pressure',
    { summary: 'Mean gauge pressure, while oil was flowing,', type: 'Pressure', unit: 'PS' },
    [0, 2_000],
  ),
  meanColumn(
    'Temperature',
    { summary: 'Mean temperature, while oil was flowing,', type: 'Temperature', unit: 'FAH' },
    [-40, 200],
  ),
  sumColumn('Pulses', { summary: 'Pulses', type: 'Count', unit: 'C62' }, 1e9),
  meanColumn(
    'RelativeDensity',
    { summary: 'Mean relative density', type: 'Dimensionless', unit: 'C62' },
    [0.5, 1.2],
  ),
  sumColumn(
    'FlowTime',
    { summary: 'Flow time', type: 'Time', unit: 'SEC', increaseOf: 'runTime' },
    90_000,
  ),
  volume('GrossStandardVolume', 'Gross standard volume', 'grossStandardVolumeTotal'),
  volume('FlowingVolume', 'Volume at flowing conditions (IV x MF)', 'flowingVolumeTotal'),
  sumColumn(
    'Mass',
    { summary: 'Mass', type: 'Mass', unit: 'TNE', increaseOf: 'massTotal' },
    1_000_000,
  ),
  volume('IndicatedVolume', 'Indicated volume (pulses / K)', 'indicatedVolumeTotal'),
  sumColumn('Energy', { summary: 'Energy, 0 for crude,', type: 'Energy', unit: 'GV' }, 10_000_000),
  volume('NetStandardVolume', 'Net standard volume', 'netStandardVolumeTotal'),
];

export const liquidFlowComputer = defineProfile({
  name: 'liquid-flow-computer',
  summary: 'Flow computer on a liquid pulse meter with an Enron (Daniel) register map.',
  source:
    'Register ranges, widths, byte order, run 0 (5001 to 5008, 7001 to 7004) and archives 701 and ' +
    '702: Rockwell Automation 1758-UM002D-EN-P (October 2010) pages 324, 329, 330, 337; units are ' +
    'a setting of the device there. That manual is for gas: the liquid points 3051 to 3064, 5101 ' +
    'to 5103 and 7801 to 7811 are assigned by this profile in ranges that the manual leaves free.',
  protocol: 'modbus',
  reportsOn: 'pipeline-batch',
  points: { ...wordBlock, ...documentedRun, ...liquidBlock },
  archives: enronArchives({
    hourly: { address: 701, records: 840 },
    daily: { address: 702, records: 35 },
    columns: record,
  }),
});
