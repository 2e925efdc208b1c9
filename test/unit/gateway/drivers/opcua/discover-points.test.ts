import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CEFACT,
  camelCase,
  codeOfUnit,
  deviceName,
  rec20Code,
  suggestDevice,
} from '../../../../../gateway/drivers/opcua/discover-points.ts';
import type { FoundVariable } from '../../../../../gateway/drivers/opcua/found.ts';

const DOUBLE = 11;
const URIS = [
  'http://opcfoundation.org/UA/',
  'urn:server',
  'urn:line',
  'http://vendor.example/UA/',
];

function variable(path: readonly string[], more: Partial<FoundVariable> = {}): FoundVariable {
  return {
    path: path.map((name) => ({ namespaceIndex: 2, name })),
    description: '',
    builtIn: DOUBLE,
    dimensions: [],
    readable: true,
    ...more,
  };
}

function suggest(variables: readonly FoundVariable[]) {
  const root = { namespaceIndex: 2, name: 'Line' };
  return suggestDevice({ rootPath: 'Line', root, variables, events: [] }, new Set(), URIS);
}

describe('the unit', () => {
  const unit = (unitId: number, displayName = '', namespaceUri = CEFACT) =>
    codeOfUnit({ unitId, displayName, namespaceUri });

  it('is the Rec 20 code that its number spells', () => {
    // OPC 10000-8 §5.6.4.3 gives metre cubed as 5067857.
    expect(rec20Code(5_067_857)).toBe('MTQ');
    expect(rec20Code(4_408_652)).toBe('CEL');
    expect(rec20Code(20_529)).toBe('P1');
    expect(unit(5_067_857)).toBe('MTQ');
    expect(unit(4_346_188)).toBeUndefined();
  });

  it('of a vendor is found by its symbol, where only one has it', () => {
    expect(unit(-1, '°C', 'urn:vendor')).toBe('CEL');
    expect(unit(7, 'm3/h', 'urn:vendor')).toBe('MQH');
    expect(unit(7, 'furlong', 'urn:vendor')).toBeUndefined();
    expect(unit(-1, '', 'urn:vendor')).toBe('');
  });
});

describe('names', () => {
  it('are made of what a server calls things', () => {
    expect(camelCase(['CastingSpeed'])).toBe('castingSpeed');
    expect(camelCase(['Zone 1', 'Supply_Temp'])).toBe('zone1SupplyTemp');
    expect(camelCase(['TIC-101.PV'])).toBe('tic101Pv');
    expect(camelCase(['Öltemperatur'])).toBe('oltemperatur');
    expect(camelCase(['3rd'])).toBe('p3rd');
    expect(camelCase(['温度'])).toBe('p');
    expect(deviceName('Mill Line #1', new Set())).toBe('mill-line-1');
    expect(deviceName('Mill', new Set(['mill', 'mill-2']))).toBe('mill-3');
    expect(deviceName('温度', new Set())).toBe('device');
  });

  it('are unique and such that a profile takes them, whatever the server says', () => {
    const word = fc.oneof(
      fc.constantFrom('A', 'a', 'Temp', 'Zone 1', '1', 'temp', 'A_1', '温度', 'x'.repeat(80)),
      fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    );
    const paths = fc.array(fc.array(word, { minLength: 1, maxLength: 3 }), { maxLength: 30 });
    fc.assert(
      fc.property(paths, (list) => {
        const { points, skipped } = suggest(list.map((path) => variable(path)));
        expect(points.length + skipped.length).toBe(list.length);
        const names = points.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z0-9]{0,63}$/);
      }),
      { numRuns: 300 },
    );
  });

  it('tell two of one name apart by what they are in', () => {
    const { points } = suggest([
      variable(['Zone 1', 'Temp']),
      variable(['Zone 2', 'Temp']),
      variable(['Speed']),
    ]);
    expect(points.map(({ name }) => name)).toEqual(['zone1Temp', 'zone2Temp', 'speed']);
  });
});

describe('what can be a point', () => {
  it('has a path with the namespaces that differ from that of the root', () => {
    const path = [2, 0, 1, 3].map((namespaceIndex) => ({
      namespaceIndex,
      name: `A/${namespaceIndex}`,
    }));
    const { points } = suggest([variable([], { path })]);
    expect(points[0]?.definition.opcua?.path).toBe(
      'A&/2/0:A&/0/1:A&/1/nsu=http://vendor.example/UA/;A&/3',
    );
    const long = variable([], { path: [{ namespaceIndex: 3, name: 'x'.repeat(3_000) }] });
    expect(suggest([long]).skipped[0]).toContain('its path is longer than');
  });

  it('is told from what cannot, with the reason', () => {
    const { points, skipped } = suggest([
      variable(['Ok'], { range: [0, 3] }),
      variable(['Locked'], { readable: false }),
      variable(['Bytes'], { builtIn: 15 }),
      variable(['Empty'], { dimensions: [0] }),
      variable(['Long'], { dimensions: [10_000] }),
      variable(['Matrix'], { dimensions: [2, 3] }),
      variable(['Opaque'], { builtIn: 22 }),
      variable(['Quiet'], { builtIn: 0 }),
    ]);
    expect(points.map(({ name }) => name)).toEqual(['ok', 'quiet']);
    expect(points[0]?.definition.range).toEqual([0, 3]);
    expect(points[1]?.notes).toEqual(['has no value now']);
    expect(skipped).toEqual([
      'Locked: it may not be read',
      'Bytes: its type (built-in 15) is none that is read',
      'Empty: it is an array that is empty now',
      'Long: it is an array of 10000 elements',
      'Matrix: it is a matrix of 2 × 3',
      'Opaque: it is a structure that the server gives no definition of',
    ]);
  });

  it('in a structure has the names of the fields on its way', () => {
    const inner = {
      name: 'Inner',
      kind: 'plain' as const,
      fields: [
        { name: 'Mass', type: DOUBLE, dimensions: 0, isOptional: false },
        { name: 'Picture', type: 15, dimensions: 0, isOptional: false },
        { name: 'Series', type: DOUBLE, dimensions: 1, isOptional: false },
      ],
    };
    const structure = {
      name: 'Outer',
      kind: 'plain' as const,
      fields: [
        { name: 'Coil', type: inner, dimensions: 0, isOptional: false },
        { name: 'Id', type: 12, dimensions: 0, isOptional: false },
      ],
    };
    const { points } = suggest([variable(['Last'], { builtIn: 22, structure })]);
    expect(points.map(({ definition, name }) => [name, definition.opcua?.field])).toEqual([
      ['lastCoilMass', 'Coil/Mass'],
      ['lastId', 'Id'],
    ]);
  });
});
