/** A device profile written into a configuration: the shape of devices/profile.ts. */
import { goodsKinds, protocols, quantities, urgentChanges } from '../devices/profile.ts';
import { Type } from '../devices/schema.ts';
import { modbusPlace, mqttPlace, opcuaPlace, sparkplugPlace } from './config-places.ts';

const closed = { additionalProperties: false } as const;

const text = (description: string, maxLength = 512) => Type.String({ description, maxLength });

const number = (description: string) => Type.Optional(Type.Number({ description }));

const duration = (description: string) =>
  Type.Optional(Type.Integer({ description, minimum: 1, maximum: 86_400_000 }));

const accuracy = Type.Object(
  {
    absolute: Type.Optional(
      Type.Number({ description: 'Plus or minus, in the unit of the point.', minimum: 0 }),
    ),
    percent: Type.Optional(
      Type.Number({ description: 'Plus or minus, percent of the value.', minimum: 0 }),
    ),
  },
  {
    ...closed,
    description: 'How far a good value may be from the truth; the larger of the two counts.',
    minProperties: 1,
  },
);

const deadband = Type.Object(
  {
    absolute: Type.Optional(Type.Number({ description: 'In the unit of the point.', minimum: 0 })),
    percent: Type.Optional(
      Type.Number({ description: 'Percent of the span of the range.', minimum: 0, maximum: 100 }),
    ),
  },
  {
    ...closed,
    description:
      'Report by exception: a value is signed when it moved by more than this. One of the two.',
    minProperties: 1,
    maxProperties: 1,
  },
);

const point = Type.Object(
  {
    summary: text('What the point says, one line. Required.'),
    type: Type.String({
      description:
        'EPCIS measurement type (Temperature), or a term of our own (bl:Text). Required.',
      pattern: '^(bl:)?[A-Z][A-Za-z0-9]*$',
      maxLength: 64,
      examples: ['Temperature'],
    }),
    unit: Type.String({
      description: 'UN/ECE Rec 20 code; empty where there is no unit. Required.',
      pattern: '^([A-Z0-9]{2,3})?$',
      examples: ['CEL'],
    }),
    range: Type.Optional(
      Type.Tuple([Type.Number(), Type.Number()], {
        description: 'Plausible values in the unit, lowest and highest; others are uncertain.',
      }),
    ),
    sentinels: Type.Optional(
      Type.Array(Type.Number(), {
        description: 'Wire numbers that mean "no value".',
        maxItems: 16,
      }),
    ),
    sentinelBits: Type.Optional(
      Type.Array(
        Type.String({
          description: 'Hex of the whole value, most significant digit first.',
          pattern: '^0x[0-9A-Fa-f]{1,16}$',
          examples: ['0x7fc00001'],
        }),
        { description: 'Wire bits that mean "no value".', maxItems: 16 },
      ),
    ),
    scale: number('value = wire number x scale + offset. Default 1.'),
    offset: number('value = wire number x scale + offset. Default 0.'),
    linear: Type.Optional(
      Type.Tuple([Type.Number(), Type.Number(), Type.Number(), Type.Number()], {
        description:
          'Instead of scale and offset, a straight line: wire low, wire high, value low, value high.',
      }),
    ),
    table: Type.Optional(
      Type.Array(Type.Tuple([Type.Number(), Type.Number()]), {
        description:
          'Instead of scale and offset: pairs of wire number and value, rising by wire number; straight between two, no value beyond the ends.',
        minItems: 2,
        maxItems: 256,
      }),
    ),
    accuracy: Type.Optional(accuracy),
    nature: Type.Optional(
      Type.Enum(['forced', 'estimated'], {
        description: 'The quality of good values: put in place of a measurement, or computed.',
      }),
    ),
    quantity: Type.Optional(
      Type.Enum(quantities, { description: 'What the value says over time.' }),
    ),
    cadenceMs: duration('How often the device has a new value (ms).'),
    deadband: Type.Optional(deadband),
    maxSilenceMs: duration('With a deadband: the value is signed at least this often (ms).'),
    urgent: Type.Optional(
      Type.Enum(urgentChanges, {
        description:
          'An alarm or a seal: its batch is closed at once and sent first when the value changes so (event: whenever one comes).',
      }),
    ),
    identifies: Type.Optional(
      Type.Enum(goodsKinds, {
        description: 'The value names goods of this kind and completes the setting "goods".',
      }),
    ),
    group: Type.Optional(text('Points that are read or published together.', 64)),
    modbus: Type.Optional(modbusPlace),
    opcua: Type.Optional(opcuaPlace),
    mqtt: Type.Optional(mqttPlace),
    sparkplug: Type.Optional(sparkplugPlace),
  },
  { ...closed, description: 'One thing that the device can say.' },
);

/** A device profile written into the configuration: the shape of devices/profile.ts. */
export const inlineProfileSchema = Type.Object(
  {
    name: Type.String({
      description: 'Name of the profile, small letters and dashes. Required.',
      pattern: '^[a-z][a-z0-9-]*$',
      maxLength: 64,
      examples: ['my-meter'],
    }),
    summary: text('What the device is, one line. Required.'),
    source: text('Where the map was taken from. Required.'),
    protocol: Type.Enum(protocols, { description: 'Its protocol. Required.' }),
    reportsOn: Type.Enum(goodsKinds, {
      description: 'The kind of goods that the device reports on. Required.',
    }),
    points: Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,63}$' }), point, {
      description: 'The points by name (camelCase). Required.',
      minProperties: 1,
      maxProperties: 10_000,
      additionalProperties: false,
    }),
  },
  { ...closed, description: 'A device profile of your own.' },
);
