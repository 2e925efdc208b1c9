/** Where a point stands in each protocol, as a configuration writes it. */
import { limits } from '../devices/limits.ts';
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
    order: Type.Enum(['ABCD', 'CDAB', 'BADC', 'DCBA'], {
      description:
        'Order of the bytes on the wire, A the most significant: ABCD big-endian, CDAB words swapped, BADC bytes of each word swapped, DCBA little-endian. Required.',
    }),
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
        description: 'enron: a register has 4 bytes (Daniel/Enron map). Default standard.',
      }),
    ),
    encoding,
    registers: Type.Optional(
      Type.Integer({
        description: 'Registers that the value covers; needed for text.',
        minimum: 1,
        maximum: limits.modbusRegistersMax,
      }),
    ),
  },
  { ...closed, description: 'Where the point stands in a Modbus device.' },
);

export const opcuaPlace = Type.Object(
  {
    path: text('Browse path below the root node, e.g. Caster/CastingSpeed. Required.'),
    event: Type.Optional(text('Browse name of the event type that carries the field.')),
  },
  { ...closed, description: 'Where the point stands in an OPC UA server.' },
);

export const mqttPlace = Type.Object(
  {
    topic: text('Topic below the configured prefix. Required.'),
    path: text('Dotted path to the value in the JSON payload. Required.'),
  },
  { ...closed, description: 'Where the point stands in a published JSON payload.' },
);

export const sparkplugPlace = Type.Object(
  {
    metric: text('Name of the metric as the birth certificate states it. Required.'),
  },
  { ...closed, description: 'Where the point stands in Sparkplug B messages.' },
);
