/**
 * A process gas chromatograph with the register map that flow computers expect of one ("2251"):
 * a code and a mole percent for each of up to 16 components, then what is computed of them.
 *
 * Which component stands at which place is a setting of the device, so each place says it itself,
 * by its code: 100 methane, 101 ethane, 102 propane, 103 isobutane, 104 n-butane, 105 isopentane,
 * 106 n-pentane, 108 hexane and heavier, 114 nitrogen, 117 carbon dioxide.
 */
import { defineProfile, type ModbusPlace, type PointDefinition } from '../profile.ts';
import type { RawType } from '../reading.ts';

function word(address: number): { readonly modbus: ModbusPlace } {
  const encoding = { type: 'uint16', order: 'ABCD' } as const;
  return { modbus: { table: 'holding', address, encoding } };
}

function wide(address: number, type: RawType): { readonly modbus: ModbusPlace } {
  return {
    modbus: { table: 'holding', address, width: 'enron', encoding: { type, order: 'ABCD' } },
  };
}

/** An analysis takes some minutes; the device repeats its last result meanwhile. */
const ANALYSIS_MS = 240_000;

const status: Readonly<Record<string, PointDefinition>> = {
  stream: {
    summary: 'Number of the stream that was analysed last.',
    type: 'bl:Identifier',
    unit: 'C62',
    quantity: 'state',
    cadenceMs: ANALYSIS_MS,
    range: [1, 255],
    ...word(3034),
  },
  statusOne: {
    summary: 'First status word of the chromatograph, 0 when all is well.',
    type: 'Dimensionless',
    unit: 'C62',
    quantity: 'state',
    cadenceMs: ANALYSIS_MS,
    ...word(3046),
  },
  statusTwo: {
    summary: 'Second status word of the chromatograph, 0 when all is well.',
    type: 'Dimensionless',
    unit: 'C62',
    quantity: 'state',
    cadenceMs: ANALYSIS_MS,
    ...word(3047),
  },
  isAnalysis: {
    summary: 'What the last run was: 1 an analysis, 0 a calibration, whose results are no gas.',
    type: 'Dimensionless',
    unit: 'C62',
    quantity: 'state',
    cadenceMs: ANALYSIS_MS,
    range: [0, 1],
    ...word(3059),
  },
};

const COMPONENTS = 16;

function components(): Record<string, PointDefinition> {
  const points: Record<string, PointDefinition> = {};
  for (let place = 1; place <= COMPONENTS; place += 1) {
    points[`component${place}Code`] = {
      summary: `Which component stands at place ${place}, 0 for none.`,
      type: 'bl:GasComponent',
      unit: 'C62',
      quantity: 'state',
      cadenceMs: ANALYSIS_MS,
      range: [0, 199],
      ...word(3000 + place),
    };
    points[`component${place}MolePercent`] = {
      summary: `Share of the component at place ${place}, percent of the moles.`,
      type: 'bl:MoleFraction',
      unit: 'P1',
      quantity: 'instantaneous',
      cadenceMs: ANALYSIS_MS,
      range: [0, 100],
      ...wide(7000 + place, 'float32'),
    };
  }
  return points;
}

export const gasChromatograph = defineProfile({
  name: 'gas-chromatograph',
  summary: 'Process gas chromatograph with the component map that flow computers read.',
  source:
    'Registers 3001 to 3016, 3034, 3046, 3047, 3059 and 7001 to 7016 with the component codes, as ' +
    'read by the Elster-Instromet Model 2000 flow computer (manual issue 21, appendix 3a: Encal ' +
    '2000, Daniel 2251 and 2551, ABB 8x00). The heating values from 7033 on differ between these ' +
    'makes and are left to a profile of the site.',
  protocol: 'modbus',
  reportsOn: 'gas-flow',
  points: { ...status, ...components() },
});
