/**
 * A flow computer on a gas meter run with the Enron (Daniel) register map that its maker
 * publishes: totals, present values, forced inputs, hourly and daily archive of meter run 0.
 *
 * Which units a register has is a setting of the device. This profile is for one that is set to
 * SI units with base conditions of 101.325 kPa and 15 degC, as Canadian gas is sold; a site with
 * other settings writes the profile into its configuration.
 */
import { type EnronColumn, enronArchives, meanColumn, sumColumn } from '../enron-archive.ts';
import { defineProfile, type ModbusPlace, type PointDefinition } from '../profile.ts';
import type { RawType } from '../reading.ts';

function wide(address: number, type: RawType): { readonly modbus: ModbusPlace } {
  return {
    modbus: { table: 'holding', address, width: 'enron', encoding: { type, order: 'ABCD' } },
  };
}

const totals: Readonly<Record<string, PointDefinition>> = {
  runTime: {
    summary: 'Total accumulated run time of the meter run.',
    type: 'Time',
    unit: 'SEC',
    quantity: 'total',
    cadenceMs: 1_000,
    range: [0, 2_147_483_647],
    ...wide(5001, 'int32'),
  },
  flowTimePreviousDay: {
    summary: 'Flow time of the previous day.',
    type: 'Time',
    unit: 'SEC',
    quantity: 'total',
    cadenceMs: 86_400_000,
    range: [0, 90_000],
    ...wide(5002, 'int32'),
  },
  flowTimeDay: {
    summary: 'Flow time of the current day.',
    type: 'Time',
    unit: 'SEC',
    quantity: 'total',
    cadenceMs: 1_000,
    range: [0, 90_000],
    ...wide(5003, 'int32'),
  },
  flowTimePreviousHour: {
    summary: 'Flow time of the previous hour.',
    type: 'Time',
    unit: 'SEC',
    quantity: 'total',
    cadenceMs: 3_600_000,
    range: [0, 3_600],
    ...wide(5004, 'int32'),
  },
  flowTimeHour: {
    summary: 'Flow time of the current hour.',
    type: 'Time',
    unit: 'SEC',
    quantity: 'total',
    cadenceMs: 1_000,
    range: [0, 3_600],
    ...wide(5005, 'int32'),
  },
  massTotal: {
    summary: 'Total accumulated mass, whole kilograms.',
    type: 'Mass',
    unit: 'KGM',
    quantity: 'total',
    cadenceMs: 1_000,
    range: [0, 2_147_483_647],
    ...wide(5006, 'int32'),
  },
  baseVolumeTotal: {
    summary: 'Total accumulated volume at base conditions, whole cubic metres.',
    type: 'Volume',
    unit: 'MTQ',
    quantity: 'total',
    cadenceMs: 1_000,
    range: [0, 2_147_483_647],
    ...wide(5007, 'int32'),
  },
  flowingVolumeTotal: {
    summary: 'Total accumulated volume at flowing conditions, whole cubic metres.',
    type: 'Volume',
    unit: 'MTQ',
    quantity: 'total',
    cadenceMs: 1_000,
    range: [0, 2_147_483_647],
    ...wide(5008, 'int32'),
  },
};

const present: Readonly<Record<string, PointDefinition>> = {
  temperature: {
    summary: 'Temperature of the gas at the meter.',
    type: 'Temperature',
    unit: 'CEL',
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    accuracy: { absolute: 0.3 },
    range: [-50, 90],
    ...wide(7001, 'float32'),
  },
  staticPressure: {
    summary: 'Static pressure at the meter, absolute.',
    type: 'Pressure',
    unit: 'KPA',
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    accuracy: { percent: 0.1 },
    range: [0, 20_000],
    ...wide(7002, 'float32'),
  },
  differentialPressure: {
    summary: 'Differential pressure over the orifice plate (AGA 3); 0 on a pulse meter.',
    type: 'Pressure',
    unit: 'KPA',
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    accuracy: { percent: 0.1 },
    range: [0, 250],
    ...wide(7003, 'float32'),
  },
  volumeFlowRate: {
    summary: 'Volume flow rate.',
    type: 'VolumeFlowRate',
    unit: 'MQH',
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    accuracy: { percent: 1 },
    range: [0, 5_000_000],
    ...wide(7004, 'float32'),
  },
  extensionHour: {
    summary: 'Mean of the flow extension over the hour (AGA 3, 1990).',
    type: 'Dimensionless',
    unit: 'C62',
    quantity: 'average',
    cadenceMs: 1_000,
    range: [0, 1e9],
    ...wide(7006, 'float32'),
  },
  uncorrectedFlowHour: {
    summary: 'Mean uncorrected volume flow over the hour (AGA 7).',
    type: 'VolumeFlowRate',
    unit: 'MQH',
    quantity: 'average',
    cadenceMs: 1_000,
    range: [0, 5_000_000],
    ...wide(7007, 'float32'),
  },
};

/** What an engineer put in the place of a transmitter; a reading of it is never a measurement. */
const forced: Readonly<Record<string, PointDefinition>> = {
  forcedTemperature: {
    summary: 'Temperature that the computer uses while its input is forced.',
    type: 'Temperature',
    unit: 'CEL',
    quantity: 'setpoint',
    nature: 'forced',
    range: [-50, 90],
    ...wide(7008, 'float32'),
  },
  forcedStaticPressure: {
    summary: 'Static pressure that the computer uses while its input is forced.',
    type: 'Pressure',
    unit: 'KPA',
    quantity: 'setpoint',
    nature: 'forced',
    range: [0, 20_000],
    ...wide(7009, 'float32'),
  },
  forcedDifferentialPressure: {
    summary: 'Differential pressure that the computer uses while its input is forced.',
    type: 'Pressure',
    unit: 'KPA',
    quantity: 'setpoint',
    nature: 'forced',
    range: [0, 250],
    ...wide(7010, 'float32'),
  },
};

/** A record's numbers after date and time, as page 337 of the manual lists them. */
const record: readonly EnronColumn[] = [
  meanColumn(
    'Pressure',
    { summary: 'Mean static pressure, while gas was flowing,', type: 'Pressure', unit: 'KPA' },
    [0, 20_000],
  ),
  meanColumn(
    'Temperature',
    { summary: 'Mean temperature, while gas was flowing,', type: 'Temperature', unit: 'CEL' },
    [-50, 90],
  ),
  {
    name: 'DifferentialPressureOrPulses',
    summary: 'Mean differential pressure, or pulses of a pulse meter,',
    type: 'bl:DifferentialPressureOrPulses',
    unit: '',
    quantity: 'average',
  },
  meanColumn(
    'RelativeDensity',
    { summary: 'Relative density of the gas', type: 'Dimensionless', unit: 'C62' },
    [0.5, 2],
  ),
  sumColumn(
    'FlowTime',
    { summary: 'Flow time', type: 'Time', unit: 'SEC', increaseOf: 'runTime' },
    90_000,
  ),
  sumColumn(
    'BaseVolume',
    {
      summary: 'Volume at base conditions',
      type: 'Volume',
      unit: 'MTQ',
      increaseOf: 'baseVolumeTotal',
    },
    200_000_000,
  ),
  sumColumn(
    'FlowingVolume',
    {
      summary: 'Volume at flowing conditions',
      type: 'Volume',
      unit: 'MTQ',
      increaseOf: 'flowingVolumeTotal',
    },
    200_000_000,
  ),
  sumColumn(
    'Mass',
    { summary: 'Mass', type: 'Mass', unit: 'KGM', increaseOf: 'massTotal' },
    200_000_000,
  ),
  {
    name: 'ExtensionOrUncorrectedVolume',
    summary: 'Flow extension, or uncorrected volume of a pulse meter,',
    type: 'bl:ExtensionOrUncorrectedVolume',
    unit: '',
    quantity: 'total',
  },
  sumColumn('Energy', { summary: 'Energy', type: 'Energy', unit: 'GV' }, 10_000_000),
];

export const gasFlowComputer = defineProfile({
  name: 'gas-flow-computer',
  summary: 'Flow computer on a gas meter run with an Enron (Daniel) register map, SI units.',
  source:
    'Registers 5001 to 5008, 7001 to 7010, archives 701 and 702 and the order of a record: ' +
    'Rockwell Automation 1758-UM002D-EN-P (October 2010) pages 324, 329, 330, 337. Units, the ' +
    'size of the archives and the end of the period as its stamp are settings of the device.',
  protocol: 'modbus',
  reportsOn: 'gas-flow',
  points: { ...totals, ...present, ...forced },
  archives: enronArchives({
    hourly: { address: 701, records: 840 },
    daily: { address: 702, records: 35 },
    columns: record,
  }),
});
