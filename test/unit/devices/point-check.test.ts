/** Contradictions in a point, each at the member where it stands. */
import { describe, expect, it } from 'vitest';
import { pointMistakes } from '../../../devices/point-check.ts';
import type { ModbusPlace, PointDefinition } from '../../../devices/profile.ts';

const base: PointDefinition = { summary: '', type: 'Volume', unit: 'MTQ', range: [0, 10] };

function placed(more: Partial<ModbusPlace>): PointDefinition {
  const encoding = { type: 'uint16', order: 'ABCD' } as const;
  return { ...base, modbus: { table: 'holding', address: 0, encoding, ...more } };
}

const wrong: readonly (readonly [string, PointDefinition, string, RegExp])[] = [
  [
    'scale beside a table',
    {
      ...base,
      scale: 2,
      table: [
        [0, 0],
        [1, 1],
      ],
    },
    'table',
    /beside "scale"/,
  ],
  [
    'a line beside a table',
    {
      ...base,
      linear: [0, 1, 0, 1],
      table: [
        [0, 0],
        [1, 1],
      ],
    },
    'table',
    /beside "linear"/,
  ],
  [
    'an offset beside a line',
    { ...base, offset: 1, linear: [0, 1, 0, 1] },
    'linear',
    /beside "offset"/,
  ],
  ['a line between equal ends', { ...base, linear: [5, 5, 0, 1] }, 'linear', /both 5/],
  [
    'a table that falls',
    {
      ...base,
      table: [
        [0, 0],
        [2, 1],
        [1, 2],
      ],
    },
    'table.2',
    /1 follows 2/,
  ],
  [
    'a table that stands',
    {
      ...base,
      table: [
        [0, 0],
        [0, 1],
      ],
    },
    'table.1',
    /0 follows 0/,
  ],
  ['an empty range', { ...base, range: [1, 0] }, 'range', /lower bound first/],
  [
    'percent of no range',
    { summary: '', type: 'V', unit: '', deadband: { percent: 1 } },
    'deadband.percent',
    /add "range"/,
  ],
  ['silence without a deadband', { ...base, maxSilenceMs: 1 }, 'maxSilenceMs', /add "deadband"/],
  [
    'a bit of a number',
    placed({ encoding: { type: 'uint16', bit: 1 } }),
    'modbus.encoding.bit',
    /write type: bool/,
  ],
  [
    'a bit beyond the register',
    placed({ encoding: { type: 'bool', bit: 16 } }),
    'modbus.encoding.bit',
    /0 to 15/,
  ],
  [
    'a bit beyond 32',
    placed({ registers: 2, encoding: { type: 'bool', bit: 32 } }),
    'modbus.encoding.bit',
    /0 to 31/,
  ],
  [
    'a bit of a coil',
    placed({ table: 'coil', encoding: { type: 'bool', bit: 0 } }),
    'modbus.encoding.bit',
    /leave "bit" out/,
  ],
  ['a number in a coil', placed({ table: 'coil' }), 'modbus.encoding.type', /must be bool/],
  [
    'a byte of a word',
    placed({ encoding: { type: 'uint16', byte: 'high' } }),
    'modbus.encoding.byte',
    /int8 and uint8/,
  ],
  ['BCD without registers', placed({ encoding: { type: 'bcd' } }), 'modbus', /needs "registers"/],
  [
    'BCD too long',
    placed({ registers: 5, encoding: { type: 'bcd' } }),
    'modbus.registers',
    /at most 4/,
  ],
  [
    'BCD too long in wide registers',
    placed({ registers: 3, width: 'enron', encoding: { type: 'bcd' } }),
    'modbus.registers',
    /at most 2/,
  ],
  [
    'text without registers',
    placed({ encoding: { type: 'string' } }),
    'modbus',
    /needs "registers"/,
  ],
  [
    'eight letters on 16 bits',
    placed({ encoding: { type: 'int16', order: 'GHEFCDAB' } }),
    'modbus.encoding.order',
    /e\.g\. CDAB/,
  ],
  [
    'eight letters on 32 bits',
    placed({ encoding: { type: 'float32', order: 'HGFEDCBA' } }),
    'modbus.encoding.order',
    /e\.g\. DCBA/,
  ],
  ['too many registers', placed({ registers: 2 }), 'modbus.registers', /uint16 covers 1/],
  [
    '16 bits in a wide register',
    placed({ width: 'enron' }),
    'modbus.encoding.type',
    /4 bytes holds no uint16/,
  ],
  [
    'JSON in a register',
    placed({ encoding: { type: 'json' } }),
    'modbus.encoding.type',
    /never in registers/,
  ],
  [
    'a scale on text',
    { ...placed({ registers: 2, encoding: { type: 'string' } }), scale: 2 },
    'scale',
    /no number/,
  ],
  [
    'a sentinel that no double holds',
    { ...placed({ encoding: { type: 'uint64' } }), sentinels: [2 ** 64] },
    'sentinels.0',
    /sentinelBits/,
  ],
];

describe('a point', () => {
  it.each(wrong)('with %s says so at its place', (_, point, path, message) => {
    const mistakes = pointMistakes(point);
    expect(mistakes.map((mistake) => mistake.path.join('.'))).toEqual([path]);
    expect(mistakes[0]?.message).toMatch(message);
  });

  it.each([
    base,
    { ...base, scale: 2, offset: 1 },
    { ...base, linear: [4, 20, 0, 100] },
    {
      ...base,
      table: [
        [0, 1],
        [1, 0],
      ],
    },
    { ...base, deadband: { percent: 1 }, maxSilenceMs: 1 },
    placed({ encoding: { type: 'bool', bit: 15 } }),
    placed({ registers: 2, encoding: { type: 'bool', bit: 31 } }),
    placed({ encoding: { type: 'int8', byte: 'high' } }),
    placed({ registers: 4, encoding: { type: 'bcd', order: 'CDAB' } }),
    placed({ encoding: { type: 'uint64', order: 'EFGHABCD' } }),
    placed({ width: 'enron', encoding: { type: 'float32' } }),
    placed({ table: 'coil', encoding: { type: 'bool' } }),
  ] satisfies PointDefinition[])('that contradicts nothing is told nothing', (point) => {
    expect(pointMistakes(point)).toEqual([]);
  });
});
