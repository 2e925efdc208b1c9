/**
 * `node:crypto` for the browser, as far as verification uses it, on @noble/curves and
 * @noble/hashes. It answers at once, as Node does, which Web Crypto cannot; and it decides as
 * OpenSSL does where readers differ (test/unit/ingest/console/verify holds the two together).
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { Buffer } from './node-buffer.ts';

const hashes = { sha256, sha384, sha512 } as const;
type HashName = keyof typeof hashes;

interface Curve {
  readonly crv: string;
  /** OpenSSL's name. */
  readonly name: string;
  readonly curve: typeof p256;
}

const CURVES: readonly Curve[] = [
  { crv: 'P-256', name: 'prime256v1', curve: p256 },
  { crv: 'P-384', name: 'secp384r1', curve: p384 },
  { crv: 'P-521', name: 'secp521r1', curve: p521 },
];

/** A JWK of which only what makes the key is looked at. */
type Jwk = Readonly<Record<string, unknown>>;

/** A public key; of Ed25519 the 32 bytes, of the others the uncompressed point. */
export class KeyObject {
  readonly curve: Curve | undefined;
  readonly point: Uint8Array;

  constructor(curve: Curve | undefined, point: Uint8Array) {
    this.curve = curve;
    this.point = point;
  }

  export(_options: { format: 'jwk' }): Record<string, string> {
    const { curve, point } = this;
    if (!curve) return { crv: 'Ed25519', x: textOf(point), kty: 'OKP' };
    const half = (point.length - 1) / 2;
    const [x, y] = [point.subarray(1, 1 + half), point.subarray(1 + half)];
    return { kty: 'EC', x: textOf(x), y: textOf(y), crv: curve.crv };
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/**
 * A key of a JWK. Whether an Ed25519 key is a point at all shows when it is used, as in OpenSSL.
 *
 * @throws Error when it is of no kind that is known here, or not a point of its curve
 */
export function createPublicKey({ key }: { key: Jwk; format: 'jwk' }): KeyObject {
  const { kty, crv } = key;
  if (kty === 'OKP' && crv === 'Ed25519') {
    const point = Buffer.from(String(key['x']), 'base64url');
    if (point.length !== 32) throw new Error('an Ed25519 key has 32 bytes');
    return new KeyObject(undefined, point);
  }
  const curve = CURVES.find((one) => one.crv === crv);
  if (kty !== 'EC' || !curve) throw new Error('a key of another kind');
  const halves = [key['x'], key['y']].map((half) => Buffer.from(String(half), 'base64url'));
  const point = Buffer.concat([Uint8Array.of(4), ...halves]);
  curve.curve.Point.fromBytes(point).assertValidity();
  return new KeyObject(curve, point);
}

export const ECDH = {
  /**
   * The uncompressed form of a point (SEC 1 §2.3.3), also of a hybrid one (X9.62), as OpenSSL has
   * it.
   *
   * @throws Error when it is not a point of the curve
   */
  convertKey(key: Uint8Array, name: string, ..._to: readonly unknown[]): Buffer {
    const curve = CURVES.find((one) => one.name === name)?.curve;
    if (!curve) throw new Error('a curve of another kind');
    const [form = 0] = key;
    const isHybrid = form === 6 || form === 7;
    if (isHybrid && ((key.at(-1) ?? 0) & 1) !== (form & 1)) throw new Error('not on the curve');
    const point = isHybrid ? Uint8Array.of(4, ...key.subarray(1)) : key;
    const found = curve.Point.fromBytes(point);
    found.assertValidity();
    return Buffer.from(found.toBytes(false));
  },
};

/** A key, or a key with the form of its ECDSA signatures, which is DER unless it says otherwise. */
type VerifyKey = KeyObject | { readonly key: KeyObject; readonly dsaEncoding: 'ieee-p1363' };

/** Whether the key signed; `null` as a hash goes with Ed25519. What is no signature is false. */
export function verify(
  hash: HashName | null,
  data: Uint8Array,
  key: VerifyKey,
  signature: Uint8Array,
): boolean {
  const format = key instanceof KeyObject ? 'der' : 'compact';
  const { curve, point } = key instanceof KeyObject ? key : key.key;
  try {
    if (!curve) return hash === null && verifyEd25519(point, data, signature);
    if (hash === null) return false;
    const digest = hashes[hash](data);
    const options = { prehash: false, lowS: false, format } as const;
    return curve.curve.verify(Uint8Array.from(signature), digest, point, options);
  } catch {
    // What cannot be read as a signature or a point is not a signature by that key.
    return false;
  }
}

/**
 * RFC 8032 §5.1.7 without the cofactor, with R compared byte by byte, and neither key nor R of
 * small order, as Node does it. The package's own check multiplies by the cofactor, and would take
 * signatures that Node refuses.
 */
function verifyEd25519(key: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const { Point } = ed25519;
  const r = signature.subarray(0, 32);
  const s = numberOf(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false;
  const digest = sha512.create().update(r).update(key).update(data).digest();
  const k = Point.Fn.create(numberOf(digest));
  const point = Point.fromBytes(key, true);
  if (point.isSmallOrder()) return false;
  const found = Point.BASE.multiplyUnsafe(s).add(point.negate().multiplyUnsafe(k));
  if (found.isSmallOrder()) return false;
  return found.toBytes().every((byte, index) => byte === r[index]);
}

/** A number of little-endian bytes. */
function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

/** Bytes as they are, text as UTF-8. */
function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
}

/** The digest of data in one call; `buffer` gives bytes. */
export function hash(name: HashName, data: string | Uint8Array, form: 'buffer'): Buffer;
export function hash(name: HashName, data: string | Uint8Array, form: 'base64url'): string;
export function hash(name: HashName, data: string | Uint8Array, form: string): Buffer | string {
  const digest = Buffer.from(hashes[name](bytesOf(data)));
  return form === 'buffer' ? digest : digest.toString(form);
}

/** A digest in steps. */
export function createHash(name: HashName) {
  const running = hashes[name].create();
  const made = {
    update(data: string | Uint8Array) {
      running.update(bytesOf(data));
      return made;
    },
    digest: () => Buffer.from(running.digest()),
  };
  return made;
}

/** Random bytes of the browser; nothing that is verified needs them. */
export function randomFillSync(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  return crypto.getRandomValues(bytes);
}
