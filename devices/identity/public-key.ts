/** A public key that signatures are checked with, made of a JWK or of raw bytes, never trusted. */
import { createPublicKey, ECDH, type KeyObject } from 'node:crypto';

/** What a key is for: P-256 and Ed25519 sign and verify here, the others are verified only. */
export type KeyAlgorithm = 'ES256' | 'EdDSA' | 'ES384' | 'ES512';

/**
 * Whether a JOSE `alg` is the one of a key (RFC 7518 §3.4, RFC 8037 §3.1; RFC 9864 calls EdDSA over
 * this curve `Ed25519`). The key decides; the message only has to agree.
 */
export function isAlgorithmOf(alg: string, algorithm: KeyAlgorithm): boolean {
  return alg === algorithm || (alg === 'Ed25519' && algorithm === 'EdDSA');
}

/** A public key with the name under which its owner publishes it. */
export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
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
 * The key of a JWK (RFC 7518 §6.2 P-256, P-384 and P-521, RFC 8037 Ed25519), or `undefined` when
 * it is of another kind, not canonical, not on its curve, or of small order. Other members are
 * ignored.
 */
export function keyOfJwk(jwk: Readonly<Record<string, unknown>>): KeyMaterial | undefined {
  const { kty, crv } = jwk;
  const curve = typeof crv === 'string' && Object.hasOwn(CURVES, crv) ? CURVES[crv] : undefined;
  if (kty === 'OKP' && crv === 'Ed25519') {
    const point = coordinate(jwk['x'], 32);
    return point && keyOfEd25519(point);
  }
  if (kty !== 'EC' || !curve) return undefined;
  const x = coordinate(jwk['x'], curve.bytes);
  const y = coordinate(jwk['y'], curve.bytes);
  return x && y && keyOnCurve(Buffer.concat([Buffer.from([0x04]), x, y]), curve);
}

/** Members that hold a secret: RSA's, those of elliptic curves, and symmetric keys. */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * The key of a JWK that someone published for checking signatures, or `undefined`: as `keyOfJwk`,
 * and without a secret (which would let anyone sign), for signatures, and for the key's algorithm
 * where it says so (RFC 7517 §4.2 to §4.4).
 */
export function keyOfPublishedJwk(jwk: Readonly<Record<string, unknown>>): KeyMaterial | undefined {
  if (SECRET_MEMBERS.some((member) => Object.hasOwn(jwk, member))) return undefined;
  const { use, alg, key_ops: operations } = jwk;
  if (use !== undefined && use !== 'sig') return undefined;
  if (operations !== undefined) {
    if (!Array.isArray(operations) || !operations.includes('verify')) return undefined;
  }
  const key = keyOfJwk(jwk);
  if (!key || alg === undefined) return key;
  return typeof alg === 'string' && isAlgorithmOf(alg, key.algorithm) ? key : undefined;
}

/** The key of an Ed25519 point of 32 bytes (RFC 8032 §5.1.2), or `undefined`. */
export function keyOfEd25519(point: Uint8Array): KeyMaterial | undefined {
  if (point.length !== 32 || isWeakEd25519(point)) return undefined;
  const x = Buffer.from(point).toString('base64url');
  return imported('EdDSA', { kty: 'OKP', crv: 'Ed25519', x });
}

/** The key of a P-256 point (SEC 1 §2.3.3, compressed or not), or `undefined`. */
export function keyOfP256(point: Uint8Array): KeyMaterial | undefined {
  return keyOnCurve(point, P256);
}

/** The key of a P-384 point (SEC 1 §2.3.3, compressed or not), or `undefined`. */
export function keyOfP384(point: Uint8Array): KeyMaterial | undefined {
  return keyOnCurve(point, P384);
}

interface Curve {
  readonly algorithm: KeyAlgorithm;
  readonly crv: string;
  /** OpenSSL's name. */
  readonly name: string;
  /** Length of a coordinate. */
  readonly bytes: number;
}

const P256: Curve = { algorithm: 'ES256', crv: 'P-256', name: 'prime256v1', bytes: 32 };
const P384: Curve = { algorithm: 'ES384', crv: 'P-384', name: 'secp384r1', bytes: 48 };
/** Others sign tokens with it (VC-JOSE-COSE); there is no did:key and no Data Integrity suite. */
const P521: Curve = { algorithm: 'ES512', crv: 'P-521', name: 'secp521r1', bytes: 66 };
const CURVES: Readonly<Record<string, Curve>> = { 'P-256': P256, 'P-384': P384, 'P-521': P521 };

function keyOnCurve(point: Uint8Array, curve: Curve): KeyMaterial | undefined {
  const found = uncompressed(point, curve);
  if (!found) return undefined;
  const x = found.subarray(1, 1 + curve.bytes).toString('base64url');
  const y = found.subarray(1 + curve.bytes).toString('base64url');
  return imported(curve.algorithm, { kty: 'EC', crv: curve.crv, x, y });
}

/** The members of the JWK that are the key itself, in the order of RFC 7638. */
export function jwkOfKey(key: KeyObject): PublicJwk {
  const { crv, kty, x, y } = key.export({ format: 'jwk' });
  return Object.fromEntries(
    Object.entries({ crv, kty, x, y }).filter(([, value]) => value !== undefined),
  ) as PublicJwk;
}

/** A field element of `length` bytes in canonical base64url. */
function coordinate(text: unknown, length: number): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === length && bytes.toString('base64url') === text ? bytes : undefined;
}

function uncompressed(point: Uint8Array, curve: Curve): Buffer | undefined {
  try {
    const bytes = ECDH.convertKey(point, curve.name, undefined, undefined, 'uncompressed');
    return Buffer.isBuffer(bytes) && bytes.length === 1 + 2 * curve.bytes ? bytes : undefined;
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
