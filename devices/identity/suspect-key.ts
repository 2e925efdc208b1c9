/**
 * Keys whose secret anyone can guess: the smallest numbers, powers of two, repeated and counting
 * bytes, and keys that were printed with their secret in a specification. A good source of chance
 * never makes one; a broken one, or a copied example, does.
 */
import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto';
import { materialOf } from './did-key.ts';
import { jwkOfKey, type KeyMaterial } from './public-key.ts';
import { keyOfOwnDid } from './resolve-key.ts';

/** The numbers 1 to this, and their negatives, are suspect as secrets. */
const SMALL = 256;

/** PKCS #8 before the seed of an Ed25519 key (RFC 8410 §7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Multikeys of pairs that are published whole: W3C vc-di-ecdsa (the key of RFC 6979 §A.2.5) and
 * vc-di-eddsa test vectors; RFC 7515 §A.3, RFC 7517 §A.1; RFC 8032 §7.1 (the first is also RFC 8037
 * §A).
 */
const PUBLISHED = [
  'zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP',
  'z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2',
  'zDnaerGBD7Zxzau2fdfEFaaaTDYBu5XEBYdGV2BmERp3MDSov',
  'zDnaekw6iisW1j4ronMuZagbvVehJK4unit6kvZ8UqJ2LSG1j',
  'z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw',
  'z6MkiaMbhXHNA4eJVCCj8dbzKzTgYDKf6crKgHVHid1F1WCT',
  'z6MkwSD8dBdqcXQzKJZQFPy2hh2izzxskndKCjdmC2dBpfME',
  'z6Mkh7U7jBwoMro3UeHmXes4tKtFbZhMRWejbtunbU4hhvjP',
  'z6MkvLrkgkeeWeTHV9UBdyEaW1T5CRoVLCTBbzphhsAsduN1',
];

let suspects: ReadonlySet<string> | undefined;

/**
 * Whether the secret of a key is one that everyone knows or tries first. The table is made when it
 * is first asked for; each later question is one look-up.
 */
export function isSuspectKey(key: KeyMaterial): boolean {
  suspects ??= new Set([...suspectsOfP256(), ...suspectsOfEd25519(), ...published()]);
  return suspects.has(nameOf(key.algorithm, jwkOfKey(key.key)['x'] ?? ''));
}

/** `isSuspectKey` for a DID that is its own key; `false` where it is none. */
export function isSuspectDid(did: string): boolean {
  const key = keyOfOwnDid(did);
  return key !== undefined && isSuspectKey(key);
}

/** A secret and its negative give points with one x, so x alone names both. */
function nameOf(algorithm: KeyMaterial['algorithm'], x: string): string {
  return `${algorithm} ${x}`;
}

function suspectsOfP256(): string[] {
  const ecdh = createECDH('prime256v1');
  const small = Array.from({ length: SMALL }, (_, index) => scalar(BigInt(index + 1)));
  const powers = Array.from({ length: 256 }, (_, bit) => scalar(1n << BigInt(bit)));
  return [...small, ...powers, ...patterns()].flatMap((secret) => {
    try {
      ecdh.setPrivateKey(secret);
    } catch {
      // Zero, and what is not below the order of the group, is no secret of this curve.
      return [];
    }
    return [nameOf('ES256', ecdh.getPublicKey().subarray(1, 33).toString('base64url'))];
  });
}

function suspectsOfEd25519(): string[] {
  const small = Array.from({ length: SMALL }, (_, index) => scalar(BigInt(index + 1)));
  const reversed = small.map((bytes) => Buffer.from(bytes).reverse());
  return [...small, ...reversed, ...patterns()].map((seed) => {
    const key = Buffer.concat([PKCS8_ED25519, seed]);
    const pair = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
    return nameOf('EdDSA', jwkOfKey(pair)['x'] ?? '');
  });
}

/** 32 bytes that are all the same, and 32 that count up or down. */
function patterns(): Buffer[] {
  const repeated = Array.from({ length: 256 }, (_, byte) => Buffer.alloc(32, byte));
  const up = [0, 1].map((from) => Buffer.from(Array.from({ length: 32 }, (_, at) => from + at)));
  const down = up.map((bytes) => Buffer.from(bytes).reverse());
  return [...repeated, ...up, ...down];
}

/** 32 bytes, the highest first. */
function scalar(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}

function published(): string[] {
  return PUBLISHED.flatMap((multikey) => {
    const key = materialOf(multikey.slice(1));
    return key ? [nameOf(key.algorithm, jwkOfKey(key.key)['x'] ?? '')] : [];
  });
}
