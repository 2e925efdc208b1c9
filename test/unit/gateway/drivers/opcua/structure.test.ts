import fc from 'fast-check';
import { BinaryStream, Variant } from 'node-opcua';
import { describe, expect, it } from 'vitest';
import { Cursor } from '../../../../../gateway/drivers/opcua/binary.ts';
import { partOf, scalarOf } from '../../../../../gateway/drivers/opcua/part.ts';
import {
  fieldPath,
  findField,
  type StructureType,
} from '../../../../../gateway/drivers/opcua/structure.ts';

/** The bytes of a structure as OPC 10000-6 §5.2 has them, written by hand. */
function zoneBytes(encodingId: number): Buffer {
  const name = Buffer.from('Nordzone °C');
  const body = Buffer.alloc(4 + name.length + 4 + 3 * 8 + 8 + 4);
  let end = body.writeInt32LE(name.length);
  end += name.copy(body, end);
  end = body.writeInt32LE(3, end);
  for (const value of [1_200.5, 1_234.25, -0.125]) end = body.writeDoubleLE(value, end);
  end = body.writeBigUInt64LE(2n ** 64n - 16n, end);
  body.writeFloatLE(21.5, end);
  // Variant of an ExtensionObject: type 22, node id of four bytes, ByteString body.
  const head = Buffer.from([22, 1, 1, 0, 0, 1, 0, 0, 0, 0]);
  head.writeUInt16LE(encodingId, 3);
  head.writeInt32LE(body.length, 6);
  return Buffer.concat([head, body]);
}

const zone: StructureType = {
  name: 'Zone',
  kind: 'plain',
  fields: [
    { name: 'Name', type: 12, dimensions: 0, isOptional: false },
    { name: 'Temperatures', type: 11, dimensions: 1, isOptional: false },
    { name: 'Count', type: 9, dimensions: 0, isOptional: false },
    { name: 'Level', type: 10, dimensions: 0, isOptional: false },
  ],
};

function variantOf(bytes: Buffer): Variant {
  const variant = new Variant();
  variant.decode(new BinaryStream(bytes));
  return variant;
}

function look(field: string, types: ReadonlyMap<string, StructureType>, id = 1_002) {
  return scalarOf(variantOf(zoneBytes(id)), partOf('p', { path: 'Zone', field }), types);
}

describe('a field of a structure', () => {
  const types = new Map([['ns=1;i=1002', zone]]);

  it('is found with exactly its bytes', () => {
    expect(look('Level', types)).toEqual({ rawHex: '0000ac41', type: 'float32' });
    expect(look('Count', types)).toEqual({ rawHex: 'f0ffffffffffffff', type: 'uint64' });
    expect(look('Temperatures[1]', types)).toEqual({ rawHex: '0000000000499340', type: 'float64' });
    const rawHex = Buffer.from('Nordzone °C').toString('hex');
    expect(look('Name', types)).toEqual({ rawHex, type: 'string' });
  });

  it('that is not there is said to be so', () => {
    expect(look('Speed', types)).toBe('no-field Speed');
    expect(look('Temperatures[7]', types)).toBe('no-element 7 of 3');
    expect(look('Temperatures', types)).toBe('not-a-scalar');
    expect(look('Level/Deep', types)).toBe('no-field Deep');
  });

  it('of a structure that the server does not define is unknown', () => {
    expect(look('Level', types, 1_003)).toBe('unknown-structure ns=1;i=1003');
  });

  it('stands behind optional fields that are there, and in the part of a union that is set', () => {
    const optional: StructureType = {
      name: 'O',
      kind: 'optional',
      fields: [
        { name: 'A', type: 4, dimensions: 0, isOptional: true },
        { name: 'B', type: 4, dimensions: 0, isOptional: true },
        { name: 'C', type: 4, dimensions: 0, isOptional: false },
      ],
    };
    const find = (hex: string, type: StructureType, path: string) =>
      findField(new Cursor(Buffer.from(hex, 'hex')), type, fieldPath(path) ?? []);
    expect(find('0200000022003300', optional, 'B')).toEqual({ rawHex: '2200', type: 'int16' });
    expect(find('0200000022003300', optional, 'C')).toEqual({ rawHex: '3300', type: 'int16' });
    expect(find('0200000022003300', optional, 'A')).toBe('field-not-set A');
    const union: StructureType = { ...optional, kind: 'union' };
    expect(find('020000004400', union, 'B')).toEqual({ rawHex: '4400', type: 'int16' });
    expect(find('020000004400', union, 'A')).toBe('field-not-set A');
    const nested: StructureType = {
      name: 'N',
      kind: 'plain',
      fields: [
        { name: 'First', type: 24, dimensions: 0, isOptional: false },
        { name: 'Inner', type: optional, dimensions: 1, isOptional: false },
      ],
    };
    // A Variant of a String, then two structures.
    const hex = '0c0200000041420200000001000000550066000000000077 00'.replaceAll(' ', '');
    expect(find(hex, nested, 'Inner[1]/C')).toEqual({ rawHex: '7700', type: 'int16' });
    expect(find(hex, nested, 'First')).toEqual({ rawHex: '4142', type: 'string' });
  });

  it('in bytes of any kind is a scalar or a word, and never an error or a long wait', () => {
    const paths = fc.constantFrom('Name', 'Temperatures[3]', 'Count', 'Level', 'Nothing');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), paths, (bytes, path) => {
        const found = findField(new Cursor(Buffer.from(bytes)), zone, fieldPath(path) ?? []);
        expect(typeof found === 'string' || typeof found.rawHex === 'string').toBe(true);
      }),
    );
  });
});
