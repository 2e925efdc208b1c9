/** The gateway's configuration: its schema with descriptions, units, defaults and bounds. */
import { limits } from '../devices/limits.ts';
import { type Static, type TSchema, Type } from '../devices/schema.ts';

const closed = { additionalProperties: false } as const;

const path = (description: string) => Type.String({ description, minLength: 1, maxLength: 4096 });

const uri = (description: string, example: string) =>
  Type.String({
    description,
    pattern: "^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=%-]+$",
    maxLength: 400,
    examples: [example],
  });

/** As it is written on the device: names become file names, key labels and labels of devices. */
const name = (description: string, example: string) =>
  Type.String({
    description,
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
    examples: [example],
  });

const duration = (description: string, bounds: { min: number; max: number; default: number }) =>
  Type.Optional(
    Type.Integer({
      description: `${description}, milliseconds. Default ${bounds.default}.`,
      minimum: bounds.min,
      maximum: bounds.max,
      default: bounds.default,
    }),
  );

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
        'float32',
        'float64',
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

const modbusPlace = Type.Object(
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

const text = (description: string, maxLength = 512) => Type.String({ description, maxLength });

const opcuaPlace = Type.Object(
  {
    path: text('Browse path below the root node, e.g. Caster/CastingSpeed. Required.'),
    event: Type.Optional(text('Browse name of the event type that carries the field.')),
  },
  { ...closed, description: 'Where the point stands in an OPC UA server.' },
);

const mqttPlace = Type.Object(
  {
    topic: text('Topic below the configured prefix. Required.'),
    path: text('Dotted path to the value in the JSON payload. Required.'),
  },
  { ...closed, description: 'Where the point stands in a published JSON payload.' },
);

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
      Type.Enum(['pipeline-batch', 'steel-heat', 'steel-piece', 'container'], {
        description: 'The value names goods of this kind and completes the setting "goods".',
      }),
    ),
    group: Type.Optional(text('Points that are read or published together.', 64)),
    modbus: Type.Optional(modbusPlace),
    opcua: Type.Optional(opcuaPlace),
    mqtt: Type.Optional(mqttPlace),
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
    protocol: Type.Enum(['modbus', 'opcua', 'mqtt'], { description: 'Its protocol. Required.' }),
    reportsOn: Type.Enum(['pipeline-batch', 'steel-heat', 'steel-piece', 'container'], {
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

const profileDescription =
  'Name of a registered device profile, or a profile of your own. Required.';

/** For editors: either form in full. */
const profileForEditors = Type.Union([Type.String({ maxLength: 64 }), inlineProfileSchema], {
  description: profileDescription,
});

/**
 * For the check: a profile of one's own is checked by its own schema (config-check.ts), because a
 * union can only say that neither form fits.
 */
const profileForCheck = Type.Unsafe<Static<typeof profileForEditors>>({
  type: ['string', 'object'],
  description: profileDescription,
});

function deviceSchema<P extends TSchema>(profile: P) {
  return Type.Object(
    {
      name: name('Name of the device at this site; also the label of its key. Required.', 'fc-1'),
      profile,
      driver: Type.String({
        description: 'Field protocol: modbus, opcua or mqtt. Required.',
        maxLength: 64,
      }),
      connection: Type.Record(Type.String(), Type.Unknown(), {
        description: 'Settings of the driver: address and the like. Required.',
      }),
      goods: Type.Optional(
        uri(
          'URI of the goods, or what the identifying point’s value completes; where a profile names several kinds of goods, heat/ or piece/ comes between.',
          'did:web:you.example/batch/',
        ),
      ),
      everyMs: duration('Time between reads, or expected time between messages', {
        min: 10,
        max: 86_400_000,
        default: 1_000,
      }),
      flushMs: duration('Longest time that a reading waits to be signed', {
        min: 10,
        max: 600_000,
        default: limits.flushIntervalMsDefault,
      }),
      heartbeatMs: duration('A signed batch goes out at least this often', {
        min: 1_000,
        max: 86_400_000,
        default: limits.heartbeatMsDefault,
      }),
      enrolment: Type.Optional(
        path('Path of the enrolment credential; it may appear while the gateway runs.'),
      ),
    },
    { ...closed, description: 'A device that this gateway reads.' },
  );
}

function configSchema<P extends TSchema>(profile: P) {
  return Type.Object(
    {
      gateway: Type.Object(
        {
          name: name('Name of the site, for logs and the status line. Required.', 'neche'),
          organisation: uri(
            'DID of the organisation that answers for it. Required.',
            'did:web:you.example',
          ),
          data: path('Directory for outbox.db and certificates. Required.'),
        },
        { ...closed, description: 'The gateway itself. Required.' },
      ),
      keys: Type.Object(
        {
          store: Type.Literal('file', {
            description: 'Kind of key store: file, an encrypted file. Required.',
          }),
          path: path('Path of the key file. Required.'),
          passphraseFile: path('Path of a file with the passphrase in its first line. Required.'),
        },
        { ...closed, description: 'Keys: "gateway" and one for each device. Required.' },
      ),
      facility: uri(
        'URI of the place where readings are taken. Required.',
        'did:web:you.example/facility/one',
      ),
      uplink: Type.Object(
        {
          sink: Type.String({ description: 'Kind of uplink: mqtt. Required.', maxLength: 64 }),
          ingester: Type.String({
            description: 'did:key of the ingester whose receipts count. Required.',
            pattern: '^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}$',
            examples: ['did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'],
          }),
          connection: Type.Record(Type.String(), Type.Unknown(), {
            description: 'Settings of the uplink: address and the like. Required.',
          }),
        },
        { ...closed, description: 'Where batches go. Required.' },
      ),
      outbox: Type.Optional(
        Type.Object(
          {
            bytesMax: Type.Optional(
              Type.Integer({
                description: `Bytes of signed batches kept on disk. Default ${limits.outboxBytesMaxDefault}.`,
                minimum: 1024 * 1024,
                maximum: 2 ** 44,
                default: limits.outboxBytesMaxDefault,
              }),
            ),
          },
          { ...closed, description: 'Limits of the outbox.', default: {} },
        ),
      ),
      clock: Type.Optional(
        Type.Object(
          {
            source: Type.Enum(['unknown', 'unsynchronised', 'ntp', 'ptp', 'gnss'], {
              description: 'What sets this machine’s clock. Default unknown.',
              default: 'unknown',
            }),
            offsetMs: number('Known offset of the clock from UTC, milliseconds (clock minus UTC).'),
            uncertaintyMs: Type.Optional(
              Type.Number({ description: 'Uncertainty of that offset, milliseconds.', minimum: 0 }),
            ),
          },
          { ...closed, description: 'What is known of the clock.', default: { source: 'unknown' } },
        ),
      ),
      devices: Type.Array(deviceSchema(profile), {
        description: 'The devices. Required.',
        minItems: 1,
        maxItems: 10_000,
      }),
    },
    { ...closed, title: 'Bondline gateway', description: 'Configuration of a gateway.' },
  );
}

/** The configuration in full, for editors and for the reference page. */
export const gatewayConfigSchema = configSchema(profileForEditors);

/** The configuration as it is checked, with `checkNested` beside it. */
export const checkedConfigSchema = configSchema(profileForCheck);

export type GatewayConfig = Static<typeof checkedConfigSchema>;
export type DeviceConfig = GatewayConfig['devices'][number];
