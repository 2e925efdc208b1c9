/**
 * The key that encrypts databases at rest: 32 random bytes, kept in a file that the key store's
 * passphrase seals, or handed over by systemd. A process says once which folder it is for; threads
 * that it starts later know of it.
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { EdgeError } from '../errors.ts';
import { compileChecker, type Static, Type } from '../schema.ts';
import { readSecret, type SecretAccess } from './secret.ts';
import { writeFileDurably } from './write-file.ts';

const closed = { additionalProperties: false } as const;

/** The block `encryption` of both configurations. */
export const encryptionSchema = Type.Object(
  {
    key: Type.Object(
      {
        file: Type.Optional(
          Type.String({
            description:
              'Path of the sealed key, made by the command store; the passphrase of the key store opens it.',
            minLength: 1,
            maxLength: 4_096,
          }),
        ),
        credential: Type.Optional(
          Type.String({
            description:
              'Name of a credential of systemd that holds the key: 64 hexadecimal digits.',
            pattern: '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$',
            examples: ['bondline-store-key'],
          }),
        ),
      },
      { ...closed, minProperties: 1, maxProperties: 1, description: 'Where the key is. Required.' },
    ),
  },
  { ...closed, description: 'Encryption of the databases and of their backups. Default: none.' },
);

/** The block, with an absolute path. */
export type Encryption = Static<typeof encryptionSchema>;

const KEY_BYTES = 32;
/** As the key store derives its own; the salt makes another key of the same passphrase. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 256 * 2 ** 15 * 8 } as const;
const BOUND = Buffer.from('bondline store key 1');

const isSealed = compileChecker(
  Type.Object(
    {
      bondlineStoreKey: Type.Literal(1),
      salt: Type.String(),
      iv: Type.String(),
      tag: Type.String(),
      data: Type.String(),
    },
    closed,
  ),
);

/** Makes a key and seals it in a file. @throws EdgeError KEY_STORE_UNWRITABLE */
export function makeStoreKey(file: string, passphrase: string): void {
  const [salt, iv] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', derive(passphrase, salt), iv).setAAD(BOUND);
  const data = Buffer.concat([cipher.update(randomBytes(KEY_BYTES)), cipher.final()]);
  const parts = Object.entries({ salt, iv, tag: cipher.getAuthTag(), data });
  const texts = parts.map(([name, bytes]) => [name, bytes.toString('base64url')]);
  const sealed = { bondlineStoreKey: 1, ...Object.fromEntries(texts) };
  try {
    writeFileDurably(file, `${JSON.stringify(sealed, null, 2)}\n`, 0o600);
  } catch (cause) {
    throw new EdgeError('KEY_STORE_UNWRITABLE', `writing the store key ${file}`, { cause });
  }
}

/**
 * The key of a block `encryption`. `passphrase` is the key store's.
 *
 * @throws EdgeError DB_KEY_UNREADABLE, KEY_PASSPHRASE_WRONG, KEY_PASSPHRASE_UNREADABLE
 */
export async function readStoreKey(
  { key }: Encryption,
  passphrase: string,
  access: SecretAccess,
): Promise<Uint8Array> {
  const { credential, file } = key;
  if (file !== undefined) return unseal(file, passphrase);
  const text = await readSecret({ credential: credential ?? '' }, 'the store key', access);
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new EdgeError('DB_KEY_UNREADABLE', `the credential ${credential} is no store key`);
  }
  return Buffer.from(text, 'hex');
}

/** From now on databases in this folder are opened with this key, in threads started later too. */
export function useStoreKey(directory: string, key: Uint8Array): void {
  setEnvironmentData(nameOf(directory), Buffer.from(key).toString('hex'));
}

/** The key for a database, hexadecimal; `undefined` for one that is not encrypted. */
export function storeKeyOf(file: string): string | undefined {
  const found: unknown = getEnvironmentData(nameOf(dirname(file)));
  return typeof found === 'string' ? found : undefined;
}

function nameOf(directory: string): string {
  return `bondline store key of ${resolve(directory)}`;
}

function unseal(file: string, passphrase: string): Uint8Array {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new EdgeError('DB_KEY_UNREADABLE', `reading the store key ${file}`, { cause });
  }
  if (!isSealed(value)) throw new EdgeError('DB_KEY_UNREADABLE', `reading the store key ${file}`);
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  const [iv, tag] = [bytes(value.iv), bytes(value.tag)];
  if (iv.length !== 12 || tag.length !== 16) {
    throw new EdgeError('DB_KEY_UNREADABLE', `reading the store key ${file}`);
  }
  const secret = derive(passphrase, bytes(value.salt));
  const opener = createDecipheriv('aes-256-gcm', secret, iv, { authTagLength: 16 });
  try {
    const opened = opener.setAAD(BOUND).setAuthTag(tag).update(bytes(value.data));
    return Buffer.concat([opened, opener.final()]);
  } catch (cause) {
    throw new EdgeError('KEY_PASSPHRASE_WRONG', `opening the store key ${file}`, { cause });
  }
}

function derive(passphrase: string, salt: Uint8Array): Buffer {
  return scryptSync(passphrase.normalize('NFC'), salt, KEY_BYTES, SCRYPT);
}
