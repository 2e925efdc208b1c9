/** A public key that signatures are checked with, made of a JWK or of raw bytes, never trusted. */
import { createPublicKey, ECDH, type KeyObject } from 'node:crypto';

/** A public key with the name under which its owner publishes it. */
export interface PublicKey {
  readonly algorithm: 'ES256' | 'EdDSA';
  readonly key: KeyObject;
  readonly did: string;
  /** DID URL of the verification method; a header's `kid` must equal it. */
  readonly keyId: string;
}

/** Public members of a JWK. */
export type PublicJwk = Readonly<Record<string, string>>;

/** Algorithm and key, before they have a name. */
export type KeyMaterial = Pick<PublicKey, 'algorithm' | 'key'>;

/**
 * The key of a JWK (RFC 7518 §6.2 P-256, RFC 8037 Ed25519), or `undefined` when it is of another
 * kind, not canonical, not on its curve, or of small order. Other members are ignored.
 */
export function keyOfJwk(jwk: Readonly<Record<string, unknown>>): KeyMaterial | undefined {
  const x = coordinate(jwk['x']);
  if (!x) return undefined;
  if (jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519') return keyOfEd25519(x);
  const y = coordinate(jwk['y']);
  if (jwk['kty'] !== 'EC' || jwk['crv'] !== 'P-256' || !y) return undefined;
  return keyOfP256(Buffer.concat([Buffer.from([0x04]), x, y]));
}

/** The key of an Ed25519 point of 32 bytes (RFC 8032 §5.1.2), or `undefined`. */
export function keyOfEd25519(point: Uint8Array): KeyMaterial | undefined {
  if (point.length !== 32 || isWeakEd25519(point)) return undefined;
  const x = Buffer.from(point).toString('base64url');
  return imported('EdDSA', { kty: 'OKP', crv: 'Ed25519', x });
}

/** The key of a P-256 point (SEC 1 §2.3.3, compressed or not), or `undefined`. */
export function keyOfP256(point: Uint8Array): KeyMaterial | undefined {
  const bytes = uncompressed(point);
  if (!bytes) return undefined;
  const x = bytes.subarray(1, 33).toString('base64url');
  const y = bytes.subarray(33, 65).toString('base64url');
  return imported('ES256', { kty: 'EC', crv: 'P-256', x, y });
}

/** The members of the JWK that are the key itself, in the order of RFC 7638. */
export function jwkOfKey(key: KeyObject): PublicJwk {
  const { crv, kty, x, y } = key.export({ format: 'jwk' });
  return Object.fromEntries(
    Object.entries({ crv, kty, x, y }).filter(([, value]) => value !== undefined),
  ) as PublicJwk;
}

/** Text of a field element of 32 bytes in canonical base64url. */
function coordinate(text: unknown): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === 32 && bytes.toString('base64url') === text ? bytes : undefined;
}

function uncompressed(point: Uint8Array): Buffer | undefined {
  try {
    const bytes = ECDH.convertKey(point, 'prime256v1', undefined, undefined, 'uncompressed');
    return Buffer.isBuffer(bytes) && bytes.length === 65 ? bytes : undefined;
  } catch {
    // OpenSSL throws for whatever is not a point of the curve.
    return undefined;
  }
}

function imported(
  algorithm: PublicKey['algorithm'],
  jwk: Record<string, string>,
): KeyMaterial | undefined {
  try {
    return { algorithm, key: createPublicKey({ key: jwk, format: 'jwk' }) };
  } catch {
    // OpenSSL throws for coordinates that are not a point of the curve.
    return undefined;
  }
}

/**
 * The y coordinates, little-endian without the sign bit, of the eight points of small order:
 * anyone can make signatures that verify under them (RFC 8032 §8.9 leaves the check to us, and
 * OpenSSL does not make it).
 */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** Whether a point is of small order, or its y is not below 2^255 − 19 (an alias of another). */
function isWeakEd25519(point: Uint8Array): boolean {
  const y = Buffer.from(point);
  y[31] = (y[31] ?? 0) & 0x7f;
  if (SMALL_ORDER.has(y.toString('hex'))) return true;
  const top = y.subarray(1).every((byte, index) => byte === (index === 30 ? 0x7f : 0xff));
  return top && (y[0] ?? 0) >= 0xed;
}
