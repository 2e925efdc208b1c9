/** How a configuration names a key store: the members, what they need of each other, and paths. */
import { type SchemaMistake, type Static, Type } from '../schema.ts';
import { type SecretPlace, secretSchema } from './secret.ts';

const closed = { additionalProperties: false } as const;

function path(description: string) {
  return Type.Optional(Type.String({ description, minLength: 1, maxLength: 4096 }));
}

/** The block `keys` of a gateway's and of an ingester's configuration, and of a wallet. */
export const keyStoreSchema = Type.Object(
  {
    store: Type.Enum(['file', 'pkcs11'], {
      description:
        'Kind of key store: file, an encrypted file; or pkcs11, a TPM, HSM or token. Default file.',
      default: 'file',
    }),
    path: path('With file: path of the key file.'),
    passphraseFile: path('With file: path of a file with the passphrase in its first line.'),
    passphrase: Type.Optional({
      ...secretSchema,
      description: 'With file: where the passphrase comes from, instead of passphraseFile.',
    }),
    module: path('With pkcs11: path of the PKCS#11 library of the token’s vendor.'),
    token: Type.Optional(
      Type.String({
        description: 'With pkcs11: label of the token.',
        minLength: 1,
        maxLength: 32,
        examples: ['bondline'],
      }),
    ),
    slot: Type.Optional(
      Type.Integer({
        description: 'With pkcs11, where tokens share a label: number of the slot.',
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
    ),
    pin: Type.Optional({
      ...secretSchema,
      description: 'With pkcs11: where the PIN of the token’s user comes from.',
    }),
  },
  { ...closed, description: 'Where keys are kept.' },
);

/** The block as it was written, checked by `keyStoreMistakes` too. */
export type KeyStoreBlock = Static<typeof keyStoreSchema>;

/** A key store to open; paths are absolute. */
export type KeyStoreSettings =
  | { readonly store: 'file'; readonly path: string; readonly secret: SecretPlace }
  | {
      readonly store: 'pkcs11';
      readonly module: string;
      readonly token?: string;
      readonly slot?: number;
      readonly secret: SecretPlace;
    };

const OF_FILE = ['path', 'passphraseFile', 'passphrase'] as const;
const OF_PKCS11 = ['module', 'token', 'slot', 'pin'] as const;

/** What the schema cannot say of a block that has passed it; paths begin within the block. */
export function keyStoreMistakes(block: KeyStoreBlock): SchemaMistake[] {
  const isFile = block.store === 'file';
  const mistakes: SchemaMistake[] = (isFile ? OF_PKCS11 : OF_FILE)
    .filter((key) => block[key] !== undefined)
    .map((key) => ({
      path: [key],
      message: `"${key}" belongs to the other kind of key store; this one is ${block.store}`,
    }));
  const missing = (message: string) => mistakes.push({ path: [], message });
  if (isFile) {
    if (block.path === undefined) missing('"path" is required here: the key file');
    if ((block.passphrase === undefined) === (block.passphraseFile === undefined)) {
      missing('one of "passphraseFile" and "passphrase" is required here, and not both');
    }
  } else {
    if (block.module === undefined) missing('"module" is required here: the PKCS#11 library');
    if (block.token === undefined && block.slot === undefined) {
      missing('"token" is required here: the label of the token; or "slot", its number');
    }
    if (block.pin === undefined) missing('"pin" is required here: where the PIN comes from');
  }
  return mistakes;
}

/** The settings of a checked block; `resolvePath` makes its paths absolute. */
export function keyStoreSettings(
  block: KeyStoreBlock,
  resolvePath: (path: string) => string,
): KeyStoreSettings {
  const secretOf = (place: SecretPlace = {}): SecretPlace =>
    place.file === undefined ? place : { file: resolvePath(place.file) };
  if (block.store === 'file') {
    const place = block.passphrase ?? { file: block.passphraseFile ?? '' };
    return { store: 'file', path: resolvePath(block.path ?? ''), secret: secretOf(place) };
  }
  const { slot, token } = block;
  return {
    store: 'pkcs11',
    module: resolvePath(block.module ?? ''),
    ...(token !== undefined && { token }),
    ...(slot !== undefined && { slot }),
    secret: secretOf(block.pin),
  };
}
