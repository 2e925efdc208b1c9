/**
 * A coil scale with a Modbus port: a weighing names its piece, and counts only while the load
 * stands still. The weighing instrument writes all registers of one weighing together.
 */
import { defineProfile, type ModbusPlace, type PointDefinition } from '../profile.ts';
import type { RawType } from '../reading.ts';

function register(
  address: number,
  type: RawType,
  more: Partial<ModbusPlace> = {},
): { readonly modbus: ModbusPlace } {
  return { modbus: { table: 'holding', address, encoding: { type }, ...more } };
}

function mass(summary: string, address: number): PointDefinition {
  return {
    summary,
    type: 'Mass',
    unit: 'KGM',
    range: [-100, 60_000],
    scale: 0.1,
    // Class III, division 10 kg: half a division below 500 divisions, one and a half at the top.
    accuracy: { absolute: 15 },
    quantity: 'instantaneous',
    cadenceMs: 500,
    ...register(address, 'int32'),
  };
}

function bit(summary: string, place: number): PointDefinition {
  return {
    summary,
    type: 'bl:State',
    unit: '',
    quantity: 'state',
    cadenceMs: 500,
    modbus: { table: 'holding', address: 106, encoding: { type: 'bool', bit: place } },
  };
}

export const coilScale = defineProfile({
  name: 'coil-scale',
  summary: 'Scale for coils and slabs behind a Modbus weighing instrument.',
  source:
    'Makers of weighing instruments each have a map of their own: addresses and bits are assigned ' +
    'by this profile. Errors are those of OIML R 76-1 (2006) table 6 for class III with a division ' +
    'of 10 kg, in service twice as large as on verification.',
  protocol: 'modbus',
  reportsOn: 'steel-piece',
  points: {
    pieceId: {
      summary: 'Number of the piece on the scale, blank for none; names the goods.',
      type: 'bl:Identifier',
      unit: '',
      quantity: 'state',
      cadenceMs: 500,
      identifies: 'steel-piece',
      ...register(108, 'string', { registers: 16 }),
    },
    grossMass: mass('Mass on the scale, with saddle and packing.', 100),
    tareMass: mass('Mass of saddle and packing, taken off.', 102),
    pieceWeight: mass('Net mass of the piece.', 104),
    massStable: bit('Whether the load stands still: only then does a mass count.', 0),
    scaleOverloaded: bit('Whether the load is beyond the capacity of the scale.', 1),
    scaleZeroed: bit('Whether the empty scale shows zero within a quarter of a division.', 2),
    weighingNumber: {
      summary: 'Weighings printed since the scale was verified.',
      type: 'Count',
      unit: 'C62',
      range: [0, 65_535],
      quantity: 'total',
      cadenceMs: 500,
      ...register(107, 'uint16'),
    },
  },
});
