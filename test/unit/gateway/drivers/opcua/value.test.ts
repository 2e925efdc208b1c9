import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  BinaryStream,
  coerceStatusCode,
  DataType,
  decodeDataValue,
  ReadResponse,
  ResponseHeader,
  StatusCode,
  StatusCodes,
  Variant,
  VariantArrayType,
} from 'node-opcua';
import { describe, expect, it } from 'vitest';
import { dateOf } from '../../../../../devices/runtime.ts';
import { encodeScalar } from '../../../../../gateway/drivers/opcua/scalar.ts';
import {
  hasOverflow,
  judge,
  sampleOfField,
  sampleOfValue,
} from '../../../../../gateway/drivers/opcua/value.ts';
import { hasShared, sharedPath } from '../../../../support/shared.ts';

/** Bytes of a scalar as the library puts them on the wire, without type and text length. */
function wireHex(variant: Variant): string {
  const stream = new BinaryStream(1_000);
  variant.encode(stream);
  const skip = variant.dataType === DataType.String ? 5 : 1;
  return stream.buffer.subarray(skip, stream.length).toString('hex');
}

/** What the driver sees: the value after it went over the wire. */
function received(variant: Variant): Variant {
  const stream = new BinaryStream(1_000);
  variant.encode(stream);
  stream.length = 0;
  const decoded = new Variant();
  decoded.decode(stream);
  return decoded;
}

const words = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff));
const scalars: readonly (readonly [DataType, fc.Arbitrary<unknown>, string])[] = [
  [DataType.Boolean, fc.boolean(), 'bool'],
  [DataType.SByte, fc.integer({ min: -128, max: 127 }), 'int8'],
  [DataType.Byte, fc.nat(255), 'uint8'],
  [DataType.Int16, fc.integer({ min: -32_768, max: 32_767 }), 'int16'],
  [DataType.UInt16, fc.nat(65_535), 'uint16'],
  [DataType.Int32, fc.integer(), 'int32'],
  [DataType.UInt32, fc.nat(0xffffffff), 'uint32'],
  [DataType.Int64, words, 'int64'],
  [DataType.UInt64, words, 'uint64'],
  [DataType.Float, fc.float({ noNaN: true }), 'float32'],
  [DataType.Double, fc.double({ noNaN: true }), 'float64'],
  [DataType.String, fc.string({ unit: 'grapheme', maxLength: 100 }), 'string'],
  [
    DataType.DateTime,
    fc.date({ min: new Date('1700-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
    'int64',
  ],
];

describe('the raw bytes of a value', () => {
  it.each(scalars)('of type %i are those of the wire', (dataType, values, type) => {
    fc.assert(
      fc.property(values, (value) => {
        const arrayType = VariantArrayType.Scalar;
        const variant = new Variant({ dataType, arrayType, value });
        expect(encodeScalar(received(variant))).toEqual({ rawHex: wireHex(variant), type });
      }),
    );
  });

  it('keep the part of a time below a millisecond', () => {
    const stream = new BinaryStream(Buffer.from('0d1532547698badc01', 'hex'));
    const variant = new Variant();
    variant.decode(stream);
    expect(encodeScalar(variant)?.rawHex).toBe('1532547698badc01');
  });

  it('are those of the extreme 64-bit integers', () => {
    const scalar = { arrayType: 0 };
    const hex = (dataType: number, value: unknown) =>
      encodeScalar({ ...scalar, dataType, value })?.rawHex;
    expect(hex(9, [0xffffffff, 0xffffffff])).toBe('ffffffffffffffff');
    expect(hex(8, [0x80000000, 0])).toBe('0000000000000080');
    expect(hex(8, [0x00200000, 1])).toBe('0100000000002000');
  });

  it('do not exist for nulls, arrays and structures', () => {
    expect(encodeScalar(undefined)).toBeUndefined();
    expect(encodeScalar({ dataType: 0, arrayType: 0, value: null })).toBeUndefined();
    expect(encodeScalar({ dataType: 11, arrayType: 1, value: [1, 2] })).toBeUndefined();
    expect(encodeScalar({ dataType: 22, arrayType: 0, value: {} })).toBeUndefined();
  });
});

describe.skipIf(!hasShared)('a recording of an open62541 server', () => {
  it('gives for each scalar the bytes that stand in it', () => {
    const capture = readFileSync(sharedPath('data/opcua/open62541_read_service_test_data.pcap'));
    const types = new Set<string>();
    for (const body of readResponses(capture)) {
      const stream = new BinaryStream(body);
      new ResponseHeader().decode(stream);
      const count = stream.readInteger();
      for (let index = 0; index < count; index += 1) {
        const start = stream.length;
        // Arrays with dimensions that do not fit their length end what the library can decode.
        if (isMatrix(body, start)) break;
        const value = decodeDataValue(stream);
        const raw = encodeScalar(value.value);
        if (!raw) continue;
        types.add(raw.type);
        // One byte says which parts a DataValue has, one which type; a text has its length first.
        const at = start + (value.value.dataType === DataType.String ? 6 : 2);
        const wire = body.subarray(at, at + raw.rawHex.length / 2).toString('hex');
        if (value.value.dataType !== DataType.LocalizedText) expect(raw.rawHex).toBe(wire);
      }
    }
    expect(types.size).toBeGreaterThanOrEqual(8);
  });
});

/** OPC 10000-6 §5.2.2.16: the two highest bits of the type say array and dimensions. */
function isMatrix(body: Buffer, start: number): boolean {
  return ((body[start] ?? 0) & 1) === 1 && ((body[start + 1] ?? 0) & 0xc0) === 0xc0;
}

/** Bodies of the ReadResponses in a capture, from the response header on. */
function readResponses(capture: Buffer): Buffer[] {
  const bodies: Buffer[] = [];
  const typeId = Buffer.from([0x01, 0x00, ReadResponse.encodingDefaultBinary.value as number, 0]);
  typeId.writeUInt16LE(ReadResponse.encodingDefaultBinary.value as number, 2);
  for (let at = capture.indexOf('MSGF'); at >= 0; at = capture.indexOf('MSGF', at + 4)) {
    const size = capture.readUInt32LE(at + 4);
    // Header 8, channel and token 8, sequence and request 8.
    const body = capture.subarray(at + 24, at + size);
    if (body.subarray(0, 4).equals(typeId)) bodies.push(Buffer.from(body.subarray(4)));
  }
  return bodies;
}

describe('quality', () => {
  it('follows the two highest bits of the status code', () => {
    expect(judge(StatusCodes.Good)).toEqual({ quality: 'good' });
    expect(judge(StatusCodes.UncertainLastUsableValue)).toEqual({
      quality: 'uncertain',
      status: 'opcua:UncertainLastUsableValue',
    });
    expect(judge(StatusCodes.BadSensorFailure)).toEqual({
      quality: 'bad',
      status: 'opcua:BadSensorFailure',
    });
  });

  it('says when an operator replaced the input', () => {
    expect(judge(StatusCodes.GoodLocalOverride)).toEqual({
      quality: 'forced',
      status: 'opcua:GoodLocalOverride',
    });
  });

  it('is not changed by information bits, which are told as they came', () => {
    const limited = StatusCode.makeStatusCode(
      StatusCodes.UncertainSubNormal,
      'InfoTypeDataValue | LimitHigh',
    );
    expect(judge(limited)).toEqual({
      quality: 'uncertain',
      status: 'opcua:UncertainSubNormal 0x40950600',
    });
    expect(hasOverflow(limited)).toBe(false);
    expect(hasOverflow(StatusCodes.GoodWithOverflowBit)).toBe(true);
    expect(hasOverflow(coerceStatusCode(0x80))).toBe(false);
  });

  it('of a value without content is never good', () => {
    const nothing = { value: null, statusCode: StatusCodes.Good };
    expect(sampleOfValue({ point: 'p' }, nothing, 5, new Map())).toMatchObject({
      quality: 'bad',
      status: 'opcua:null',
    });
    const list = { dataType: 11, arrayType: 1, value: [1] };
    expect(
      sampleOfValue({ point: 'p' }, { value: list, statusCode: StatusCodes.Good }, 5, new Map()),
    ).toMatchObject({
      rawHex: '',
      quality: 'bad',
      status: 'opcua:not-a-scalar',
    });
  });

  it.each([
    ['both, where they differ', 1_000, 1_007, { sourceTimeMs: 1_000, serverTimeMs: 1_007 }],
    ['the one of both, where they are equal', 1_000, 1_000, { sourceTimeMs: 1_000 }],
    ["the source's, where it is alone", 1_000, undefined, { sourceTimeMs: 1_000 }],
    [
      "the server's in its place, where it is alone",
      undefined,
      1_007,
      { sourceTimeMs: 1_007, status: 'opcua:server-time' },
    ],
    ['none, where there is none', undefined, undefined, {}],
  ])('of a good value has the times: %s', (_, sourceMs, serverMs, expected) => {
    const data = {
      value: new Variant({ dataType: DataType.Float, value: 21.5 }),
      statusCode: StatusCodes.Good,
      sourceTimestamp: sourceMs === undefined ? null : dateOf(sourceMs),
      serverTimestamp: serverMs === undefined ? null : dateOf(serverMs),
    };
    expect(sampleOfValue({ point: 'p' }, data, 5, new Map())).toEqual({
      point: 'p',
      rawHex: '0000ac41',
      encoding: { type: 'float32', order: 'DCBA' },
      quality: 'good',
      gatewayTimeMs: 5,
      ...expected,
    });
  });

  it('of a bad value with content is bad, with the bytes that came', () => {
    const value = new Variant({ dataType: DataType.Float, value: 21.5 });
    const statusCode = StatusCodes.BadOutOfService;
    expect(sampleOfValue({ point: 'p' }, { value, statusCode }, 5, new Map())).toMatchObject({
      rawHex: '0000ac41',
      quality: 'bad',
      status: 'opcua:BadOutOfService',
    });
  });

  it('of an event field is that of the status code in its place', () => {
    const times = { sourceTimeMs: 3, gatewayTimeMs: 5 };
    const field = new Variant({
      dataType: DataType.StatusCode,
      value: StatusCodes.BadNodeIdUnknown,
    });
    expect(sampleOfField('p', field, times)).toMatchObject({
      quality: 'bad',
      status: 'opcua:BadNodeIdUnknown',
      sourceTimeMs: 3,
    });
  });
});
