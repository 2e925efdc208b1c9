/** The ingester's configuration: its schema, and how a file becomes a checked value. */
import { readFileSync } from 'node:fs';
import {
  type ConfigMistake,
  formatMistake,
  readConfig,
  resolveFrom,
} from '../devices/io/config-file.ts';
import {
  type KeyStoreBlock,
  type KeyStoreSettings,
  keyStoreMistakes,
  keyStoreSchema,
  keyStoreSettings,
} from '../devices/io/key-store-settings.ts';
import {
  type ResolveBlock,
  resolveMistakes,
  resolveSchema,
} from '../devices/io/resolve/resolve-settings.ts';
import { type Encryption, encryptionSchema } from '../devices/io/store-key.ts';
import { compileReporter, type SchemaMistake, type Static, Type } from '../devices/schema.ts';
import { checkpoints, rates, refusals } from './config-bounds.ts';
import type { Source } from './source.ts';

const closed = { additionalProperties: false } as const;

const ingester = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z][a-z0-9-]{0,62}$',
      examples: ['border'],
      description: 'Name of this ingester in logs and on the console; required.',
    }),
    tenant: Type.String({
      pattern: '^[a-z][a-z0-9-]{0,62}$',
      examples: ['cbp'],
      description: 'Whose record this is; part of every journal entry and twin; required.',
    }),
    data: Type.String({
      minLength: 1,
      default: './data',
      description: 'Folder of the databases, relative to this file. One ingester to a folder.',
    }),
  },
  { ...closed, description: 'Who this ingester is and where it keeps its record.' },
);

const keys = {
  ...keyStoreSchema,
  default: {},
  description:
    'Where the key that signs receipts is kept; default: the file keys.json beside this one, whose passphrase stands in the file `passphrase`.',
};

const http = Type.Object(
  {
    host: Type.String({
      minLength: 1,
      default: '127.0.0.1',
      description: 'Address to listen on. There is no login yet: keep it on loopback.',
    }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65535,
      default: 8080,
      description: 'TCP port of the console and the API; 0 takes any that is free.',
    }),
  },
  { ...closed, default: {}, description: 'Where the console and the API are served.' },
);

const uplink = Type.Object(
  {
    names: Type.Array(Type.String({ pattern: '^[A-Za-z0-9._:-]{1,253}$' }), {
      minItems: 1,
      maxItems: 32,
      default: ['localhost', '127.0.0.1', '::1'],
      description:
        'Host names and addresses by which gateways reach this ingester; they stand in its certificate, and the first one in invitations.',
    }),
    clientHours: Type.Number({
      minimum: 0.001,
      maximum: 720,
      default: 24,
      description: 'Lifetime of a gateway’s certificate, hours; it is renewed after two thirds.',
    }),
    serverHours: Type.Number({
      minimum: 0.001,
      maximum: 720,
      default: 168,
      description: 'Lifetime of the ingester’s own certificates, hours; renewed likewise.',
    }),
  },
  { ...closed, default: {}, description: 'Certificates of the uplink; docs/uplink.md tells more.' },
);

const source = Type.Object(
  {
    source: Type.String({
      minLength: 1,
      examples: ['embedded'],
      description: 'Name of a registered source: `embedded`, `https` or `mqtt`; required.',
    }),
    connection: Type.Record(Type.String(), Type.Unknown(), {
      default: {},
      description: "The source's own settings; they stand in the reference of sources.",
    }),
  },
  { ...closed, description: 'One way in.' },
);

const dids = (what: string) =>
  Type.Array(
    Type.String({
      pattern: '^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$',
      examples: ['did:web:authority.example'],
    }),
    { maxItems: 256, default: [], description: what },
  );

const authorities = Type.Object(
  {
    customs: dids('DIDs of those who say which standing (AEO, CTPAT) a party has.'),
    sureties: dids('DIDs of those who answer for customs bonds.'),
    laboratories: dids('DIDs of those who certify calibrations.'),
  },
  {
    ...closed,
    default: {},
    description:
      'Whose word counts on parties and devices, besides being trusted; nobody at first.',
  },
);

const programmes = (whose: string) =>
  Type.Array(Type.Enum(['AEO', 'CTPAT']), {
    maxItems: 2,
    uniqueItems: true,
    default: [],
    description: `Programmes of which ${whose} must have one; none at first.`,
  });

const requirements = Type.Object(
  {
    possessor: programmes('who takes goods in bond over'),
    bondLiable: programmes('who answers for a movement in bond'),
  },
  {
    ...closed,
    default: {},
    description:
      'The standing with customs that parties must have at the time of an act about goods in bond, besides a bond. Without it the act is held.',
  },
);

/** The schema of an ingester's configuration file. */
export const ingestConfigSchema = Type.Object(
  {
    ingester,
    keys,
    http,
    uplink,
    resolve: resolveSchema,
    sources: Type.Array(source, {
      minItems: 1,
      maxItems: 16,
      default: [{ source: 'embedded' }],
      description: 'How credentials come in; default: the embedded broker alone.',
    }),
    routes: Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 64,
      default: [],
      description:
        'GeoJSON files of routes, relative to this file; the journal keeps what they say.',
    }),
    statusRefresh: Type.Object(
      {
        enabled: Type.Boolean({
          default: true,
          description:
            'Turn it off where the ingester has no way out: lists then come by hand, with `trust add`, and never count as too old before their own end.',
        }),
      },
      {
        ...closed,
        default: {},
        description:
          'Looks for status lists at the https addresses that credentials name, within their ttl and at least every 60 s. A list in force that is not found there for 300 s is too old: telemetry is marked, custody steps wait.',
      },
    ),
    rates,
    refusals,
    checkpoints,
    authorities,
    require: requirements,
    encryption: Type.Optional(encryptionSchema),
    workers: Type.Integer({
      minimum: 0,
      maximum: 64,
      default: 0,
      description: 'Threads that verify credentials; 0 means one fewer than the machine has cores.',
    }),
  },
  { ...closed, $id: 'https://w3id.org/bondline/v1/ingest-config', title: 'Bondline ingester' },
);

type WrittenConfig = Static<typeof ingestConfigSchema>;

/** A checked configuration whose paths are absolute. */
export type IngestConfig = Omit<WrittenConfig, 'keys'> & {
  readonly keys: KeyStoreSettings;
};

export type LoadedConfig =
  | { readonly ok: true; readonly config: IngestConfig }
  | { readonly ok: false; readonly mistakes: readonly ConfigMistake[] };

/**
 * Reads `file`, and names every mistake at once. Looks at the files that it names, never at the
 * network.
 *
 * @throws EdgeError CFG_UNREADABLE
 */
export function loadIngestConfig(file: string, sources: ReadonlyMap<string, Source>): LoadedConfig {
  const read = readConfig(
    file,
    ingestConfigSchema,
    (value) => [
      ...keysMistakes(value),
      ...resolveMistakes(value.resolve).map((one) => ({ ...one, path: ['resolve', ...one.path] })),
      ...furtherMistakes(value, sources),
    ],
    (value) => nestedMistakes(value, file, sources),
  );
  if (!read.ok) return read;
  const { value } = read;
  const config: IngestConfig = {
    ...value,
    ingester: { ...value.ingester, data: resolveFrom(file, value.ingester.data) },
    keys: keyStoreSettings(withDefaults(value.keys), (path) => resolveFrom(file, path)),
    ...(value.encryption && { encryption: withPath(value.encryption, file) }),
    resolve: withAbsolute(value.resolve, file),
    routes: value.routes.map((route) => resolveFrom(file, route)),
  };
  return { ok: true, config };
}

function withAbsolute(block: ResolveBlock, file: string): ResolveBlock {
  const { authoritiesFile: path } = block;
  return { ...block, ...(path !== undefined && { authoritiesFile: resolveFrom(file, path) }) };
}

/** An encrypted file beside the configuration, unless the block says otherwise. */
function withDefaults(block: KeyStoreBlock): KeyStoreBlock {
  if (block.store !== 'file') return block;
  const passphrase = block.passphrase ? {} : { passphraseFile: 'passphrase' };
  return { path: 'keys.json', ...passphrase, ...block };
}

function keysMistakes({ keys: block }: WrittenConfig): SchemaMistake[] {
  return keyStoreMistakes(withDefaults(block)).map(({ message, path }) => ({
    path: ['keys', ...path],
    message,
  }));
}

function withPath({ key }: Encryption, file: string): Encryption {
  return key.file === undefined ? { key } : { key: { file: resolveFrom(file, key.file) } };
}

/** The mistakes as lines for a person. */
export function formatMistakes(mistakes: readonly ConfigMistake[]): string {
  return mistakes.map((mistake) => `${formatMistake(mistake)}\n`).join('');
}

/**
 * Mistakes of what has a form of its own: sources' settings and route files. Takes any value, so
 * that these mistakes are told with those of the schema.
 */
function nestedMistakes(
  value: unknown,
  file: string,
  known: ReadonlyMap<string, Source>,
): SchemaMistake[] {
  const { sources, routes } = value as { readonly sources?: unknown; readonly routes?: unknown };
  return [
    ...listOf(sources).flatMap((one, index) => sourceMistakes(one, index, known)),
    ...listOf(routes).flatMap((route, index) =>
      typeof route === 'string' ? routeMistakes(resolveFrom(file, route), index) : [],
    ),
  ];
}

/**
 * What only settings with their defaults can tell: plain text beyond loopback, and certificates
 * that nobody gives out.
 */
function furtherMistakes(
  { sources }: WrittenConfig,
  known: ReadonlyMap<string, Source>,
): SchemaMistake[] {
  const named = sources.map(({ source }) => source);
  return sources.flatMap(({ connection, source: name }, index) => {
    const source = known.get(name);
    const path = ['sources', index];
    const mistakes = source?.check?.(connection) ?? [];
    const found = mistakes.map((one) => ({
      ...one,
      path: [...path, 'connection', ...one.path],
    }));
    if (source?.needsUplink(connection) !== true || named.includes('https')) return found;
    const message = 'gateways get the certificates for this at the https source: add one';
    return [...found, { path, message }];
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Checks the settings of a source against its own schema, and fills in their defaults. */
function sourceMistakes(
  one: unknown,
  index: number,
  sources: ReadonlyMap<string, Source>,
): SchemaMistake[] {
  const { source: name, connection } = (one ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string') return [];
  const found = sources.get(name);
  if (found === undefined) {
    const known = [...sources.keys()].join(', ');
    const message = `"${name}" is not a source; known are: ${known}`;
    return [{ path: ['sources', index, 'source'], message }];
  }
  if (typeof connection !== 'object') return [];
  return compileReporter(found.settings)(connection).map((mistake) => ({
    ...mistake,
    path: ['sources', index, 'connection', ...mistake.path],
  }));
}

function routeMistakes(file: string, index: number): SchemaMistake[] {
  const path = ['routes', index];
  try {
    const { type } = JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown };
    if (type === 'FeatureCollection') return [];
    return [{ path, message: `${file} is not a GeoJSON FeatureCollection (RFC 7946)` }];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ path, message: `${file} cannot be read as GeoJSON: ${reason}` }];
  }
}
