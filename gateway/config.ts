/** The gateway's configuration: its schema with descriptions, units, defaults and bounds. */
import { keyStoreSchema } from '../devices/io/key-store-settings.ts';
import { encryptionSchema } from '../devices/io/store-key.ts';
import { limits } from '../devices/limits.ts';
import { type Static, type TSchema, Type } from '../devices/schema.ts';
import { inlineProfileSchema } from './config-profile.ts';
import { reportSchema } from './config-report.ts';
import { type UplinkConfig, uplinkSchema } from './config-uplink.ts';
import { whenFullPolicies } from './outbox.ts';

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
      report: Type.Optional(reportSchema),
      credential: Type.Optional(credentialSchema),
      enrolment: Type.Optional(
        path('Path of the enrolment credential; it may appear while the gateway runs.'),
      ),
    },
    { ...closed, description: 'A device that this gateway reads.' },
  );
}

const credentialSchema = Type.Object(
  {
    form: Type.Optional(
      Type.Enum(['vc+jwt', 'vc+sd-jwt'], {
        description:
          'vc+sd-jwt: the readings of one sample time can be shown alone, as where shippers share a meter. Default vc+jwt.',
        default: 'vc+jwt',
      }),
    ),
    decoys: Type.Optional(
      Type.Boolean({
        description: 'With vc+sd-jwt: whether the number of readings is hidden too. Default false.',
        default: false,
      }),
    ),
  },
  {
    ...closed,
    description: 'How the device’s batches are secured.',
    default: { form: 'vc+jwt', decoys: false },
  },
);

const clockSchema = Type.Object(
  {
    source: Type.Enum(['auto', 'unknown', 'unsynchronised', 'ntp', 'ptp', 'gnss'], {
      description:
        'What sets this machine’s clock; auto asks chronyd, ntpd or systemd-timesyncd. Default auto.',
      default: 'auto',
    }),
    offsetMs: Type.Optional(
      Type.Number({
        description: 'Known offset of the clock from UTC, milliseconds (clock minus UTC).',
      }),
    ),
    uncertaintyMs: Type.Optional(
      Type.Number({ description: 'Uncertainty of that offset, milliseconds.', minimum: 0 }),
    ),
    chronySocket: Type.Optional(
      path('With auto: the command socket of chronyd, where it is not in its usual place.'),
    ),
  },
  { ...closed, description: 'What is known of the clock.', default: { source: 'auto' } },
);

const httpSchema = Type.Object(
  {
    serve: Type.Optional(
      Type.Boolean({
        description: 'Whether there is a status page with metrics. Default true.',
        default: true,
      }),
    ),
    host: Type.Optional(
      Type.Enum(['127.0.0.1', '::1'], {
        description: 'Loopback address that it listens on. Default 127.0.0.1.',
        default: '127.0.0.1',
      }),
    ),
    port: Type.Optional(
      Type.Integer({
        description:
          'Its port; where it is taken another one is used and said. 0: any. Default 8650.',
        minimum: 0,
        maximum: 65_535,
        default: 8650,
      }),
    ),
  },
  { ...closed, description: 'The gateway’s own status page.', default: {} },
);

const keysSchema = Type.Object(
  {
    ...keyStoreSchema.properties,
    countBatches: Type.Optional(
      Type.Boolean({
        description:
          'With pkcs11: whether the token counts each batch before it is signed, so that a gateway resumed from a snapshot signs no place twice. Costs a read and a write of the token for each batch. Default false.',
      }),
    ),
  },
  { ...closed, description: 'Where keys are kept: "gateway" and one for each device. Required.' },
);

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
          data: path('Directory for outbox.db, certificates and the kept checkpoint. Required.'),
        },
        { ...closed, description: 'The gateway itself. Required.' },
      ),
      keys: keysSchema,
      facility: uri(
        'URI of the place where readings are taken. Required.',
        'did:web:you.example/facility/one',
      ),
      uplink: uplinkSchema,
      encryption: Type.Optional(encryptionSchema),
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
            whenFull: Type.Optional(
              Type.Enum(whenFullPolicies, {
                description:
                  'What gives way when it is full, told in signed losses: keep-oldest drops what comes, keep-newest the oldest batches, thin-out puts signed aggregates (count, least, greatest, mean, last) in their place. Alarms, seals and custody steps never give way. Default keep-oldest.',
                default: 'keep-oldest',
              }),
            ),
          },
          { ...closed, description: 'Limits of the outbox.', default: {} },
        ),
      ),
      clock: Type.Optional(clockSchema),
      http: Type.Optional(httpSchema),
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

/** A configuration as it is written: an invitation may stand for what it says. */
export type WrittenConfig = Static<typeof checkedConfigSchema>;

/** A checked configuration, with what its invitation says. */
export type GatewayConfig = Omit<WrittenConfig, 'uplink'> & { readonly uplink: UplinkConfig };
export type DeviceConfig = GatewayConfig['devices'][number];
