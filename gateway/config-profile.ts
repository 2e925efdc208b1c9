/** A device profile written into a configuration: the shape of devices/profile.ts. */
import { goodsKinds, protocols } from '../devices/profile.ts';
import { Type } from '../devices/schema.ts';
import { modbusPlace, mqttPlace, opcuaPlace, sparkplugPlace } from './config-places.ts';

const closed = { additionalProperties: false } as const;

const text = (description: string, maxLength = 512) => Type.String({ description, maxLength });

const number = (description: string) => Type.Optional(Type.Number({ description }));

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
    scale: number('value = wire number x scale + offset. Default 1.'),
    offset: number('value = wire number x scale + offset. Default 0.'),
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
