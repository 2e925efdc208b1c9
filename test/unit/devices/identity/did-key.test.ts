import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EdgeError } from '../../../../devices/errors.ts';
import { decodeBase58, encodeBase58 } from '../../../../devices/identity/base58.ts';
import {
  didOfPublicJwk,
  isDidKey,
  keyIdOfDid,
  publicKeyOfDid,
} from '../../../../devices/identity/did-key.ts';
import { jwkOfKey, keyOfEd25519 } from '../../../../devices/identity/public-key.ts';

describe('base 58', () => {
  it('gives back every byte, leading zeros too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(decodeBase58(encodeBase58(bytes))).toEqual(bytes);
      }),
    );
  });

  it('agrees with the published examples', () => {
    // draft-msporny-base58-03 §5.
    expect(encodeBase58(Buffer.from('Hello World!'))).toBe('2NEpo7TZRRrLZSi2U');
    expect(encodeBase58(Buffer.from('0000287fb4cd', 'hex'))).toBe('11233QC4');
  });

  it('knows no letters outside of its alphabet', () => {
    for (const letter of ['0', 'O', 'I', 'l', ' ', '+']) {
      expect(decodeBase58(`11${letter}`)).toBeUndefined();
    }
  });
});

describe('did:key', () => {
  it.each([
    ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['EdDSA', () => generateKeyPairSync('ed25519')],
  ] as const)('is the %s key that it is made of', (algorithm, generate) => {
    for (let count = 0; count < 20; count += 1) {
      const { publicKey } = generate();
      const jwk = jwkOfKey(publicKey);
      const did = didOfPublicJwk(jwk);
      const key = publicKeyOfDid(did);
      expect(key.algorithm).toBe(algorithm);
      expect(jwkOfKey(key.key)).toEqual(jwk);
      expect(key.keyId).toBe(keyIdOfDid(did));
      expect(key.keyId).toBe(`${did}#${did.slice('did:key:'.length)}`);
    }
  });

  it('remembers keys without mixing them up', () => {
    const dids = Array.from({ length: 5 }, () =>
      didOfPublicJwk(jwkOfKey(generateKeyPairSync('ed25519').publicKey)),
    );
    for (const did of [...dids, ...dids]) expect(publicKeyOfDid(did).did).toBe(did);
    expect(publicKeyOfDid(dids[0] ?? '')).toBe(publicKeyOfDid(dids[0] ?? ''));
  });

  it.each([
    ['another method', 'did:web:a.example'],
    ['another multibase', 'did:key:uABC'],
    ['a fragment', `${sample()}#x`],
    ['a character changed', sample().replace(/.$/, (end) => (end === '2' ? '3' : '2'))],
    ['a leading one, which is a zero byte', sample().replace('did:key:z', 'did:key:z1')],
    ['nothing', ''],
    ['a P-521 key', p521()],
    [
      'a P-384 point off the curve',
      `did:key:z${encodeBase58(Buffer.from(`812402${'ff'.repeat(48)}`, 'hex'))}`,
    ],
    [
      'a P-384 point under the name of P-256',
      `did:key:z${encodeBase58(Buffer.from(`802402${'11'.repeat(48)}`, 'hex'))}`,
    ],
    ['an X25519 key', 'did:key:z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW'],
    [
      'a point off the curve',
      `did:key:z${encodeBase58(Buffer.from(`8024${'02'}${'ff'.repeat(32)}`, 'hex'))}`,
    ],
    [
      'an uncompressed point',
      `did:key:z${encodeBase58(Buffer.from(`802404${'11'.repeat(64)}`, 'hex'))}`,
    ],
  ])('is refused with %s', (_, did) => {
    expect(isDidKey(did)).toBe(false);
    expect(() => publicKeyOfDid(did)).toThrow(EdgeError);
    expect(() => publicKeyOfDid(did)).toThrow(expect.objectContaining({ code: 'DID_INVALID' }));
  });

  it.each([
    ['of another curve', { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA' }],
    ['of P-521', jwkOfKey(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey)],
    ['symmetric', { kty: 'oct', k: 'AA' }],
    ['off the curve', { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['empty', {}],
  ])('is not made of a JWK that is %s', (_, jwk) => {
    expect(() => didOfPublicJwk(jwk)).toThrow(expect.objectContaining({ code: 'DID_INVALID' }));
  });
});

describe('Ed25519 points', () => {
  const P = 2n ** 255n - 19n;

  /** The y coordinate as it travels: little-endian, the sign of x in the top bit. */
  function encoded(y: bigint, sign = 0): Uint8Array {
    const bytes = Buffer.from(y.toString(16).padStart(64, '0'), 'hex').reverse();
    bytes[31] = (bytes[31] ?? 0) | (sign << 7);
    return bytes;
  }

  function power(base: bigint, exponent: bigint): bigint {
    let result = 1n;
    for (let b = base % P, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) {
      if (e & 1n) result = (result * b) % P;
    }
    return result;
  }

  /** y coordinates of all points of order 1, 2, 4 and 8, from the curve's equation. */
  function smallOrders(): bigint[] {
    const d = ((P - 121665n) * power(121666n, P - 2n)) % P;
    // Doubling on −x² + y² = 1 + d·x²y² gives y = (x² + y²) / (1 − d·x²y²). A point of order 8
    // doubles to one of order 4, whose y is 0: so x² = −y², and d·y⁴ + 2y² − 1 = 0.
    const found = [0n, 1n, P - 1n];
    const roots: bigint[] = [];
    const root = squareRoot((1n + d) % P);
    for (const s of root === undefined ? [] : [root, P - root]) {
      const y2 = (((s - 1n + P) % P) * power(d, P - 2n)) % P;
      const y = squareRoot(y2);
      if (y !== undefined) roots.push(y, P - y);
    }
    return [...found, ...roots];
  }

  function squareRoot(a: bigint): bigint | undefined {
    // RFC 8032 §5.1.1: P = 5 mod 8.
    const candidate = power(a, (P + 3n) / 8n);
    if ((candidate * candidate) % P === a % P) return candidate;
    const other = (candidate * power(2n, (P - 1n) / 4n)) % P;
    return (other * other) % P === a % P ? other : undefined;
  }

  it('of small order are refused, all of them, and their aliases', () => {
    const all = smallOrders();
    expect(all).toHaveLength(5);
    for (const y of all) {
      for (const sign of [0, 1]) expect(keyOfEd25519(encoded(y, sign))).toBeUndefined();
      if (y + P < 2n ** 255n) expect(keyOfEd25519(encoded(y + P))).toBeUndefined();
    }
  });

  it('are refused when they are not written canonically', () => {
    for (let alias = P; alias < 2n ** 255n; alias += 1n) {
      expect(keyOfEd25519(encoded(alias))).toBeUndefined();
    }
  });

  it('of real keys are taken', () => {
    for (let count = 0; count < 50; count += 1) {
      const { x = '' } = jwkOfKey(generateKeyPairSync('ed25519').publicKey);
      expect(keyOfEd25519(Buffer.from(x, 'base64url'))).toBeDefined();
    }
  });
});

/** p521-pub (0x1202) and a compressed point. */
function p521(): string {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const { x = '' } = pair.publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([0x82, 0x24, 0x02]), Buffer.from(x, 'base64url')]);
  return `did:key:z${encodeBase58(point)}`;
}

function sample(): string {
  return 'did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv';
}
