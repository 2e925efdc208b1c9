/** Where a point stands in each protocol, as a configuration writes it. */
import { limits } from '../devices/limits.ts';
import { payloadFormats, timeFormats } from '../devices/profile.ts';
import { byteOrders } from '../devices/reading.ts';
import { Type } from '../devices/schema.ts';

const closed = { additionalProperties: false } as const;

const text = (description: string, maxLength = 512) => Type.String({ description, maxLength });

const encoding = Type.Object(
  {
    type: Type.Enum(
      [
        'bool',
        'int8',
        'uint8',
        'int16',
        'uint16',
        'int32',
        'uint32',
        'int64',
        'uint64',
        'float16',
        'float32',
        'float64',
        'bcd',
        'string',
        'json',
      ],
      { description: 'Shape of the raw bytes. Required.' },
    ),
    order: Type.Optional(
      Type.Enum(byteOrders, {
        description:
          'Order of the bytes on the wire, A the most significant: ABCD big-endian, CDAB words swapped, BADC bytes of each word swapped, DCBA little-endian; eight letters for 64-bit values. Default: the order of the device.',
      }),
    ),
    bit: Type.Optional(
      Type.Integer({
        description:
          'bool in registers: which bit, 0 the lowest. Default: true when any bit is set.',
        minimum: 0,
        maximum: 63,
      }),
    ),
    byte: Type.Optional(
      Type.Enum(['high', 'low'], {
        description: 'int8 and uint8 in a register: which byte. Default low.',
      }),
    ),
  },
  { ...closed, description: 'How the raw bytes are to be read. Required.' },
);

export const modbusPlace = Type.Object(
  {
    table: Type.Enum(['coil', 'discrete', 'input', 'holding'], {
      description: 'Table of the Modbus device. Required.',
    }),
    address: Type.Integer({
      description: 'Address as the protocol counts it, from 0 (40001 in a manual is 0). Required.',
      minimum: 0,
      maximum: 65_535,
    }),
    width: Type.Optional(
      Type.Enum(['standard', 'enron'], {
        description:
          'enron: a register has 4 bytes (Daniel/Enron map). Default: as the ranges of the device say, else standard.',
      }),
    ),
    encoding,
    registers: Type.Optional(
      Type.Integer({
        description: 'Registers that the value covers; needed for text and BCD.',
        minimum: 1,
        maximum: limits.modbusRegistersMax,
      }),
    ),
  },
  { ...closed, description: 'Where the point stands in a Modbus device.' },
);

export const opcuaPlace = Type.Object(
  {
    path: text(
      "Browse path below the root node, e.g. Caster/CastingSpeed. Names are in the root's namespace, or in the one before them: 0:Name, 2:Name, nsu=URI;Name. Required.",
      limits.opcuaPathLengthMax,
    ),
    event: Type.Optional(
      text(
        'Browse name of the event type that carries the field, with its namespace as in path.',
        limits.opcuaPathLengthMax,
      ),
    ),
    index: Type.Optional(
      Type.String({
        description: 'Element of an array, counted from 0, e.g. "3"; of a matrix "1,2".',
        pattern: '^\\d{1,9}(,\\d{1,9}){0,7}$',
        maxLength: 80,
      }),
    ),
    field: Type.Optional(text('Field of a structure, e.g. Zones[2]/Temperature.')),
    deadband: Type.Optional(
      Type.Union(
        [
          Type.Object(
            {
              absolute: Type.Number({
                description: 'In the unit of the wire, plus or minus. Required.',
                exclusiveMinimum: 0,
              }),
            },
            closed,
          ),
          Type.Object(
            {
              percent: Type.Number({
                description: 'Percent of the span of its EURange. Required.',
                exclusiveMinimum: 0,
                maximum: 100,
              }),
            },
            closed,
          ),
        ],
        {
          description:
            'Changes that the server leaves out: absolute in the unit of the wire, or percent of EURange. Default: the deadband of the point.',
        },
      ),
    ),
    samplingMs: Type.Optional(
      Type.Integer({
        description:
          'How often the server looks at the value, milliseconds. Default: the setting of the connection.',
        minimum: 0,
        maximum: 60_000,
      }),
    ),
  },
  { ...closed, description: 'Where the point stands in an OPC UA server.' },
);

/** Bytes inside a payload; registers and bits are no matter here. */
const binaryEncoding = Type.Object(
  {
    type: encoding.properties.type,
    order: Type.Optional(encoding.properties.order),
  },
  { ...closed, description: 'How the bytes of a binary value are to be read.' },
);

export const mqttPlace = Type.Object(
  {
    topic: text('Topic below the configured prefix. Required.'),
    path: text(
      'Path to the value in the payload or in each sample: member names with dots between, or a JSONPath that begins with $; empty for the payload itself. Required.',
    ),
    format: Type.Optional(
      Type.Enum(payloadFormats, { description: 'What the payload is. Default: the setting.' }),
    ),
    samples: Type.Optional(text('JSONPath of the samples in the payload.')),
    time: Type.Optional(text('Path of the time in each sample.')),
    timeFormat: Type.Optional(
      Type.Enum(timeFormats, { description: 'How that time is written. Default rfc3339.' }),
    ),
    unit: Type.Optional(text('Path, in each sample, of the text that says the unit of the value.')),
    optional: Type.Optional(
      Type.Boolean({ description: 'A payload may leave the value out. Default false.' }),
    ),
    encoding: Type.Optional(binaryEncoding),
  },
  { ...closed, description: 'Where the point stands in a published payload.' },
);

export const sparkplugPlace = Type.Object(
  {
    metric: text('Name of the metric as the birth certificate states it. Required.'),
  },
  { ...closed, description: 'Where the point stands in Sparkplug B messages.' },
);
