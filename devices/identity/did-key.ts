/**
 * `did:key`: a DID that is its own key. The part after the method is multibase base58btc of the
 * multicodec prefix and the public key (W3C CCG did:key; P-256 and P-384 compressed, Ed25519).
 */
import { strict as assert } from 'node:assert';
import { EdgeError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeBase58, encodeBase58 } from './base58.ts';
import {
  type KeyMaterial,
  keyOfEd25519,
  keyOfJwk,
  keyOfP256,
  keyOfP384,
  type PublicKey,
} from './public-key.ts';

export type { PublicJwk, PublicKey } from './public-key.ts';

/** Varints of the multicodec table: p256-pub (0x1200), p384-pub (0x1201), ed25519-pub (0xed). */
const P256 = [0x80, 0x24] as const;
const P384 = [0x81, 0x24] as const;
const ED25519 = [0xed, 0x01] as const;

/** More digits than any key of ours needs: 51 bytes of P-384 have 70. */
const DIGITS_MAX = 80;

const PATTERN = /^did:key:z[1-9A-HJ-NP-Za-km-z]{40,80}$/;

/**
 * The `did:key` of a public JWK (P-256, P-384 or Ed25519).
 *
 * @throws EdgeError DID_INVALID when the JWK is not such a key.
 */
export function didOfPublicJwk(jwk: Readonly<Record<string, unknown>>): string {
  const material = keyOfJwk(jwk);
  if (!material || material.algorithm === 'ES512') {
    throw new EdgeError('DID_INVALID', 'making a did:key of a JWK');
  }
  const { x = '', y = '' } = material.key.export({ format: 'jwk' });
  const point = Buffer.from(x, 'base64url');
  if (material.algorithm === 'EdDSA') return didOf(ED25519, point);
  // SEC 1 §2.3.3: the first byte of a compressed point is 2 plus the parity of y.
  const parity = (Buffer.from(y, 'base64url').at(-1) ?? 0) & 1;
  const codec = material.algorithm === 'ES384' ? P384 : P256;
  return didOf(codec, Buffer.concat([Buffer.from([0x02 + parity]), point]));
}

/** The one verification method of a `did:key`: the DID and, after `#`, its own fingerprint. */
export function keyIdOfDid(did: string): string {
  return `${did}#${did.slice('did:key:'.length)}`;
}

const known = new Map<string, PublicKey>();

/**
 * The key that a `did:key` is. Keys are remembered, since a device signs many times.
 *
 * @throws EdgeError DID_INVALID when it is not a `did:key`, not canonical, of another kind than
 *   P-256, P-384 or Ed25519, not on its curve, or of small order.
 */
export function publicKeyOfDid(did: string): PublicKey {
  const remembered = known.get(did);
  if (remembered) return remembered;
  const material = PATTERN.test(did) ? materialOf(did.slice('did:key:z'.length)) : undefined;
  if (!material) throw new EdgeError('DID_INVALID', `reading the key of ${did.slice(0, 100)}`);
  const made: PublicKey = { ...material, did, keyId: keyIdOfDid(did) };
  if (known.size >= limits.publicKeysCached) known.delete(known.keys().next().value ?? '');
  known.set(did, made);
  return made;
}

/** Whether `publicKeyOfDid` would give a key. */
export function isDidKey(did: string): boolean {
  try {
    publicKeyOfDid(did);
    return true;
  } catch {
    return false;
  }
}

/** The key of a `publicKeyMultibase` in base58btc, without its `z`; `undefined` if it has none. */
export function materialOf(base58: string): KeyMaterial | undefined {
  // Decoding takes the square of the length, and the text may come from anybody's document.
  const bytes = base58.length <= DIGITS_MAX ? decodeBase58(base58) : undefined;
  if (!bytes) return undefined;
  const point = bytes.subarray(2);
  if (starts(bytes, P256)) return point.length === 33 ? keyOfP256(point) : undefined;
  if (starts(bytes, P384)) return point.length === 49 ? keyOfP384(point) : undefined;
  if (starts(bytes, ED25519)) return keyOfEd25519(point);
  return undefined;
}

function didOf(codec: readonly number[], point: Uint8Array): string {
  assert([32, 33, 49].includes(point.length), 'a public key has 32, 33 or 49 bytes');
  return `did:key:z${encodeBase58(Buffer.concat([Buffer.from(codec), point]))}`;
}

function starts(bytes: Uint8Array, codec: readonly number[]): boolean {
  return bytes[0] === codec[0] && bytes[1] === codec[1];
}
