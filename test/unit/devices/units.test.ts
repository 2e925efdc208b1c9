import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apiOfDensity, codeOfUcum, convert, densityOfApi, units } from '../../../devices/units.ts';
import { hasShared, sharedPath } from '../../support/shared.ts';

/** Units that the crosswalk lacks: Rec 20 code, UCUM, and how many of them make one of another. */
const beyond = [
  { code: 'CMT', ucum: 'cm', of: 'MTR', count: 100 },
  { code: 'GRM', ucum: 'g', of: 'KGM', count: 1_000 },
  { code: 'MMT', ucum: 'mm', of: 'MTR', count: 1_000 },
  { code: 'OHM', ucum: 'Ohm', of: 'OHM', count: 1 },
];

describe('a unit beyond the crosswalk', () => {
  it.each(beyond)('$code is $ucum', ({ code, ucum, of, count }) => {
    expect(units.get(code)?.ucum).toBe(ucum);
    expect(convert(1, of, code)).toBeCloseTo(count, 9);
  });
});

describe.skipIf(!hasShared)('the units', () => {
  // Collected even where it is skipped, so a missing file must not throw here.
  const file = sharedPath('data', 'units-crosswalk.csv');
  const rows = (hasShared ? readFileSync(file, 'utf8') : '')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => line.split(','))
    .map(([code = '', ucum = '', , opcua = '']) => ({ code, ucum, opcua: Number(opcua) }));

  it('are those of the crosswalk, and those that are proved below', () => {
    expect(rows.length).toBeGreaterThan(30);
    const known = [...rows, ...beyond].map(({ code }) => code).sort();
    expect([...units.keys()].sort()).toEqual(known);
  });

  it.each(rows)('$code has the UCUM expression of the crosswalk', ({ code, ucum }) => {
    expect(units.get(code)?.ucum ?? '').toBe(ucum);
  });

  it.each(rows)('$code gives the OPC UA unit id by the rule of OPC 10000-8', ({ code, opcua }) => {
    const id = [...Buffer.from(code)].reduce((sum, byte) => sum * 256 + byte, 0);
    expect(id).toBe(opcua);
  });
});

describe('conversion', () => {
  it.each([
    // NIST SP 811: barrel, foot, psi, degree Fahrenheit.
    [1, 'BLL', 'MTQ', 0.158987294928],
    [1, 'FC', 'MTQ', 28.316846592],
    [1, 'PS', 'PS', 1],
    [14.73, '80', 'KPA', 101.559775],
    [60, 'FAH', 'CEL', 15.5555556],
    [-40, 'CEL', 'FAH', -40],
    [1, 'B1', 'MQH', 0.00662447062],
    [1, 'KNT', 'KMH', 1.852],
    [1, 'N72', 'GV', 0.1054804],
  ])('of %d %s to %s is %d', (value, from, to, expected) => {
    expect(convert(value, from, to)).toBeCloseTo(expected, 6);
  });

  it.each([
    ['BLL', 'KGM'],
    ['VP', '60'],
    ['J13', 'KMQ'],
    ['KMQ', 'J13'],
    ['PS', '80'],
    ['KPA', 'PS'],
    ['BLL', 'bbl'],
    ['bbl', 'bbl'],
  ])('from %s to %s is refused', (from, to) => {
    expect(convert(1, from, to)).toBeUndefined();
  });

  it('goes there and back', () => {
    const linear = [...units.values()].filter((unit) => unit.scale !== undefined);
    const pair = fc.constantFrom(...linear).chain((from) => {
      const same = linear.filter((to) => convert(1, from.code, to.code) !== undefined);
      return fc.tuple(fc.constant(from), fc.constantFrom(...same));
    });
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(pair, value, ([from, to], number) => {
        const there = convert(number, from.code, to.code) ?? Number.NaN;
        const back = convert(there, to.code, from.code) ?? Number.NaN;
        expect(Math.abs(back - number)).toBeLessThanOrEqual(1e-9 * Math.max(1e3, Math.abs(number)));
      }),
    );
  });

  it('finds the code of a UCUM expression', () => {
    expect(codeOfUcum('[bbl_us]/d')).toBe('B1');
    expect(codeOfUcum('furlong')).toBeUndefined();
  });
});

describe('API gravity', () => {
  it('of water is 10 and of 35 API is 849 kg/m3', () => {
    expect(apiOfDensity(999.016)).toBeCloseTo(10, 12);
    expect(densityOfApi(35)).toBeCloseTo(849.0136, 3);
  });

  it('goes there and back', () => {
    fc.assert(
      fc.property(fc.double({ min: -10, max: 100, noNaN: true }), (api) => {
        expect(apiOfDensity(densityOfApi(api))).toBeCloseTo(api, 9);
      }),
    );
  });
});
