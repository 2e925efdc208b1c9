/**
 * A key store in one encrypted file: scrypt makes a key of the passphrase (RFC 7914), AES-256-GCM
 * keeps each private key under it, bound to its label and public key. Signing needs no I/O.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scryptSync,
  sign,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EdgeError } from '../errors.ts';
import { didOfPublicJwk, keyIdOfDid } from '../identity/did-key.ts';
import { signatureOfDer } from '../identity/ecdsa-signature.ts';
import { jwkOfKey } from '../identity/public-key.ts';
import type { Algorithm, Signer } from '../identity/signer.ts';
import { type Clock, systemClock } from '../runtime.ts';
import { compileChecker, type Static, Type } from '../schema.ts';
import type { KeyStore, StoredKey } from './key-store.ts';
import { readSecret } from './secret.ts';
import { writeFileDurably } from './write-file.ts';

const VERSION = 1;

/**
 * 32 MiB and a tenth of a second: a gateway has little memory, starts several processes, and keeps
 * the passphrase in a file beside the keys. The passphrase should be a long random one.
 */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1 } as const;

const closed = { additionalProperties: false } as const;
const text = Type.String();
const sealed = Type.Object({ iv: text, tag: text, data: text }, closed);

const fileSchema = Type.Object(
  {
    bondlineKeyStore: Type.Literal(VERSION),
    kdf: Type.Object(
      {
        name: Type.Literal('scrypt'),
        // Bounds: a file that asks for more memory than a gateway has is not one of ours.
        N: Type.Integer({ minimum: 2 ** 14, maximum: 2 ** 17 }),
        r: Type.Literal(8),
        p: Type.Integer({ minimum: 1, maximum: 8 }),
        salt: text,
      },
      closed,
    ),
    /** A known text, sealed: tells a wrong passphrase from a damaged key. */
    check: sealed,
    keys: Type.Array(
      Type.Object(
        {
          label: text,
          did: text,
          keyId: text,
          algorithm: Type.Enum(['ES256', 'EdDSA']),
          publicJwk: Type.Record(Type.String(), text),
          createdMs: Type.Number(),
          privateKey: sealed,
        },
        closed,
      ),
    ),
  },
  closed,
);

type KeyFile = Static<typeof fileSchema>;
type FileKey = KeyFile['keys'][number];
type Sealed = Static<typeof sealed>;

const isKeyFile = compileChecker(fileSchema);
const CHECK = 'bondline key store';

/**
 * Opens the key store at `path` with the passphrase in the first line of `passphraseFile`.
 *
 * @throws EdgeError KEY_PASSPHRASE_UNREADABLE, and what `openKeyFile` throws
 */
export async function openFileKeyStore(
  path: string,
  passphraseFile: string,
  clock: Clock = systemClock,
): Promise<KeyStore> {
  const secret = await readSecret({ file: passphraseFile }, 'Passphrase');
  return openKeyFile(path, secret, clock);
}

/**
 * Opens the key store at `path`. Where there is no file yet the store is empty, and the first key
 * that is made writes it.
 *
 * @throws EdgeError KEY_PASSPHRASE_WRONG, KEY_STORE_UNREADABLE, KEY_STORE_DAMAGED, KEY_STORE_NEWER;
 *   nothing is changed then.
 */
export async function openKeyFile(
  path: string,
  passphrase: string,
  clock: Clock,
): Promise<KeyStore> {
  let file = readKeyFile(path) ?? emptyFile(passphrase);
  let secret = unlock(file, passphrase, path);

  /** Another process may have made a key since; its file is then the one to add to. */
  function refresh(): void {
    const now = readKeyFile(path);
    if (!now) return;
    if (now.kdf.salt !== file.kdf.salt) secret = unlock(now, passphrase, path);
    file = now;
  }

  const list = () => file.keys.map(({ privateKey: _, ...stored }): StoredKey => stored);

  return {
    place: 'file',

    list,

    async look() {
      refresh();
      return list();
    },

    async create(label, algorithm, name) {
      refresh();
      if (file.keys.some((key) => key.label === label)) {
        throw new EdgeError('KEY_LABEL_TAKEN', `making the key "${label}" in ${path}`);
      }
      const { stored, privateKey } = makeKey(label, algorithm, clock.nowMs(), name);
      const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
      const entry: FileKey = { ...stored, privateKey: seal(secret, pkcs8, boundTo(stored)) };
      const next: KeyFile = { ...file, keys: [...file.keys, entry] };
      // Checked before it is relied on: what was sealed must open again.
      openKey(secret, entry, path);
      try {
        writeFileDurably(path, `${JSON.stringify(next, null, 2)}\n`, 0o600);
      } catch (cause) {
        throw new EdgeError('KEY_STORE_UNWRITABLE', `writing the key store ${path}`, { cause });
      }
      file = next;
      return stored;
    },

    async signer(label) {
      refresh();
      const entry = file.keys.find((key) => key.label === label);
      if (!entry) throw new EdgeError('KEY_NOT_FOUND', `looking for "${label}" in ${path}`);
      return signerOf(entry, openKey(secret, entry, path));
    },

    async close() {
      secret.fill(0);
    },
  };
}

function signerOf({ did, keyId, algorithm }: FileKey, key: KeyObject): Signer {
  return {
    did,
    keyId,
    algorithm,
    sign: (data) =>
      algorithm === 'ES256' ? signatureOfDer(sign('sha256', data, key), 32) : sign(null, data, key),
  };
}

function makeKey(
  label: string,
  algorithm: Algorithm,
  createdMs: number,
  name: Pick<Signer, 'did' | 'keyId'> | undefined,
): { stored: StoredKey; privateKey: KeyObject } {
  const { publicKey, privateKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519');
  const publicJwk = jwkOfKey(publicKey);
  const did = name?.did ?? didOfPublicJwk(publicJwk);
  const keyId = name?.keyId ?? keyIdOfDid(did);
  return { stored: { label, did, keyId, algorithm, publicJwk, createdMs }, privateKey };
}

/** What a sealed key is bound to: a key moved under another label or name does not open. */
function boundTo({ label, did, keyId, algorithm, publicJwk, createdMs }: StoredKey): string {
  return JSON.stringify([label, did, keyId, algorithm, publicJwk, createdMs]);
}

function openKey(secret: Buffer, entry: FileKey, path: string): KeyObject {
  const { privateKey, ...stored } = entry;
  const what = `opening the key "${entry.label}" in ${path}`;
  const der = unseal(secret, privateKey, boundTo(stored));
  if (!der) throw new EdgeError('KEY_STORE_DAMAGED', what);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const found = JSON.stringify(jwkOfKey(createPublicKey(key)));
  if (found !== JSON.stringify(stored.publicJwk)) throw new EdgeError('KEY_STORE_DAMAGED', what);
  return key;
}

function emptyFile(passphrase: string): KeyFile {
  const salt = randomBytes(16).toString('base64url');
  const kdf = { name: 'scrypt', ...SCRYPT, salt } as const;
  const check = seal(derive(kdf, passphrase), Buffer.from(CHECK), CHECK);
  return { bondlineKeyStore: VERSION, kdf, check, keys: [] };
}

function unlock(file: KeyFile, passphrase: string, path: string): Buffer {
  const secret = derive(file.kdf, passphrase);
  const opened = unseal(secret, file.check, CHECK);
  if (!opened) throw new EdgeError('KEY_PASSPHRASE_WRONG', `opening the key store ${path}`);
  return secret;
}

function derive({ N, r, p, salt }: KeyFile['kdf'], passphrase: string): Buffer {
  const bytes = Buffer.from(salt, 'base64url');
  return scryptSync(passphrase.normalize('NFC'), bytes, 32, { N, r, p, maxmem: 256 * N * r });
}

function seal(secret: Buffer, data: Uint8Array, bound: string): Sealed {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(Buffer.from(bound));
  const sealedData = Buffer.concat([cipher.update(data), cipher.final()]);
  return {
    iv: iv.toString('base64url'),
    tag: cipher.getAuthTag().toString('base64url'),
    data: sealedData.toString('base64url'),
  };
}

function unseal(secret: Buffer, { iv, tag, data }: Sealed, bound: string): Buffer | undefined {
  const authTag = Buffer.from(tag, 'base64url');
  const nonce = Buffer.from(iv, 'base64url');
  // A shorter tag would be easier to forge, and Node would take it.
  if (authTag.length !== 16 || nonce.length !== 12) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: 16 })
    .setAAD(Buffer.from(bound))
    .setAuthTag(authTag);
  try {
    return Buffer.concat([decipher.update(Buffer.from(data, 'base64url')), decipher.final()]);
  } catch {
    return undefined;
  }
}

function readKeyFile(path: string): KeyFile | undefined {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EdgeError('KEY_STORE_UNREADABLE', `reading the key store ${path}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new EdgeError('KEY_STORE_DAMAGED', `reading the key store ${path}`, { cause });
  }
  const version = (value as { bondlineKeyStore?: unknown } | null)?.bondlineKeyStore;
  if (typeof version === 'number' && version > VERSION) {
    throw new EdgeError('KEY_STORE_NEWER', `reading version ${version} of ${path}`);
  }
  if (!isKeyFile(value)) throw new EdgeError('KEY_STORE_DAMAGED', `reading the key store ${path}`);
  return value;
}
