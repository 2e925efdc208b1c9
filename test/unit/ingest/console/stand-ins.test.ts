/**
 * What stands for Node in the browser, held against Node itself: Wycheproof, keys and signatures
 * on which libraries are known to differ, and made-up texts.
 */
import * as node from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync, gunzipSync as nodeGunzip } from 'node:zlib';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derOfSignature } from '../../../../devices/identity/ecdsa-signature.ts';
import { strict as assert } from '../../../../ingest/console/verify/node-assert.ts';
import { Buffer as BrowserBuffer, isAscii } from '../../../../ingest/console/verify/node-buffer.ts';
import * as browser from '../../../../ingest/console/verify/node-crypto.ts';
import { gunzipSync } from '../../../../ingest/console/verify/node-zlib.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

interface Vectors {
  readonly testGroups: readonly {
    readonly publicKey: { readonly curve?: string; readonly uncompressed?: string; pk?: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: string;
    }[];
  }[];
}

function wycheproof(name: string): Vectors {
  const file = sharedPath('vectors', 'wycheproof', `${name}.odd.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as Vectors;
}

/** What a call gives, or that it throws. */
function outcome<T>(call: () => T): T | 'throws' {
  try {
    return call();
  } catch {
    return 'throws';
  }
}

const jwkOfEd25519 = (point: Uint8Array) => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(point).toString('base64url'),
});

function jwkOfP256(point: Uint8Array) {
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) =>
    Buffer.from(half).toString('base64url'),
  );
  return { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' };
}

/** Verdicts of Node and of the browser on an Ed25519 signature. */
function bothEd25519(point: Uint8Array, data: Uint8Array, signature: Uint8Array) {
  const key = jwkOfEd25519(point);
  return {
    node: outcome(() =>
      node.verify(null, data, node.createPublicKey({ key, format: 'jwk' }), signature),
    ),
    browser: outcome(() =>
      browser.verify(null, data, browser.createPublicKey({ key, format: 'jwk' }), signature),
    ),
  };
}

describe.skipIf(!hasShared)('over Wycheproof, the browser decides as Node', () => {
  it('about every P-256 signature, in both forms', () => {
    let count = 0;
    for (const { publicKey, tests } of wycheproof('ecdsa_secp256r1_sha256_p1363_test').testGroups) {
      const point = Buffer.from(publicKey.uncompressed ?? '', 'hex');
      const key = jwkOfP256(point);
      const [inNode, here] = [
        node.createPublicKey({ key, format: 'jwk' }),
        browser.createPublicKey({ key, format: 'jwk' }),
      ];
      for (const { tcId, msg, sig, result } of tests) {
        const [data, signature] = [Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex')];
        const dsaEncoding = 'ieee-p1363';
        const plain = {
          node: outcome(() => node.verify('sha256', data, { key: inNode, dsaEncoding }, signature)),
          browser: browser.verify('sha256', data, { key: here, dsaEncoding }, signature),
        };
        expect({ tcId, ...plain }).toEqual({ tcId, node: plain.browser, browser: plain.browser });
        expect({ tcId, valid: plain.browser }).toEqual({ tcId, valid: result === 'valid' });
        // The verification makes DER of what has the right length.
        if (signature.length === 64) {
          const der = derOfSignature(signature);
          const found = browser.verify('sha256', data, here, der);
          expect({ tcId, found }).toEqual({
            tcId,
            found: node.verify('sha256', data, inNode, der),
          });
        }
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(100);
  });

  it('about every Ed25519 signature', () => {
    let count = 0;
    for (const { publicKey, tests } of wycheproof('ed25519_test').testGroups) {
      const point = Buffer.from(publicKey.pk ?? '', 'hex');
      for (const { tcId, msg, sig, result } of tests) {
        const both = bothEd25519(point, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'));
        const valid = result === 'valid';
        expect({ tcId, ...both }).toEqual({ tcId, node: valid, browser: valid });
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(50);
  });
});

/** The encodings of points of small order, also those that are not canonical. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map((hex) => Buffer.from(hex, 'hex'));

const { Point } = ed25519;
const L = Point.Fn.ORDER;

function littleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

function hashed(...parts: readonly Uint8Array[]): bigint {
  const digest = Buffer.from(sha512(Buffer.concat(parts)));
  return BigInt(`0x${digest.reverse().toString('hex')}`) % L;
}

describe('of Ed25519 keys and signatures on which libraries differ', () => {
  it('decides as Node where the key or R is of small order', () => {
    const secret = 123_456_789n;
    const ordinary = Buffer.from(Point.BASE.multiply(secret).toBytes());
    for (const key of [...SMALL_ORDER, ordinary]) {
      for (const r of SMALL_ORDER) {
        for (let counter = 0; counter < 4; counter += 1) {
          const data = Buffer.from(`message ${counter}`);
          const s = key === ordinary ? (hashed(r, key, data) * secret) % L : 0n;
          const both = bothEd25519(key, data, Buffer.concat([r, littleEndian(s)]));
          const named = { key: key.toString('hex'), r: r.toString('hex'), counter };
          expect({ ...named, ...both }).toEqual({ ...named, ...both, browser: both.node });
          expect(both.node).toBe(false);
        }
      }
    }
  });

  it('decides as Node where only the cofactor makes a signature verify', () => {
    const torsion = Point.fromBytes(SMALL_ORDER[4] ?? new Uint8Array(), true);
    const secret = 123_456_789n;
    const nonce = 987_654_321n;
    let differing = 0;
    for (const [mixedKey, mixedR] of [
      [true, false],
      [false, true],
      [true, true],
      [false, false],
    ]) {
      for (let counter = 0; counter < 16; counter += 1) {
        const data = Buffer.from(`message ${counter}`);
        const plainKey = Point.BASE.multiply(secret);
        const plainR = Point.BASE.multiply(nonce);
        const key = (mixedKey ? plainKey.add(torsion) : plainKey).toBytes();
        const r = (mixedR ? plainR.add(torsion) : plainR).toBytes();
        const s = (nonce + hashed(r, key, data) * secret) % L;
        const signature = Buffer.concat([r, littleEndian(s)]);
        const both = bothEd25519(key, data, signature);
        expect({ counter, ...both }).toEqual({ counter, ...both, browser: both.node });
        if (ed25519.verify(signature, data, key) !== both.node) differing += 1;
      }
    }
    // The package's own check differs from Node here, so this case is worth its lines.
    expect(differing).toBeGreaterThan(0);
  });

  it('decides as Node about S beyond the order, and about keys that are no point', () => {
    const { privateKey, publicKey } = node.generateKeyPairSync('ed25519');
    const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    const data = Buffer.from('a message');
    const signature = node.sign(null, data, privateKey);
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`);
    const aliased = Buffer.concat([signature.subarray(0, 32), littleEndian(s + L)]);
    expect(bothEd25519(point, data, signature)).toEqual({ node: true, browser: true });
    expect(bothEd25519(point, data, aliased)).toEqual({ node: false, browser: false });
    const noPoint = Buffer.alloc(32, 2);
    expect(bothEd25519(noPoint, data, signature)).toEqual({ node: false, browser: false });
    const short = bothEd25519(point.subarray(1), data, signature);
    expect(short).toEqual({ node: 'throws', browser: 'throws' });
  });
});

describe('of keys, the browser gives what Node gives', () => {
  it.each([
    ['P-256', 'prime256v1'],
    ['P-384', 'secp384r1'],
    ['P-521', 'secp521r1'],
  ] as const)('of %s from its JWK and from every form of its point', (crv, name) => {
    const ecdh = node.createECDH(name);
    for (let round = 0; round < 8; round += 1) {
      ecdh.generateKeys();
      for (const form of ['compressed', 'uncompressed', 'hybrid'] as const) {
        const point = ecdh.getPublicKey(undefined, form) as unknown as Uint8Array;
        for (const first of [point[0] ?? 0, (point[0] ?? 0) ^ 1, 9]) {
          const given = Uint8Array.of(first, ...point.subarray(1));
          const [inNode, here] = [node.ECDH, browser.ECDH].map((one) =>
            outcome(() =>
              Buffer.from(
                one.convertKey(given, name, undefined, undefined, 'uncompressed') as Uint8Array,
              ).toString('hex'),
            ),
          );
          expect({ form, first, here }).toEqual({ form, first, here: inNode });
        }
      }
      const whole = ecdh.getPublicKey();
      const half = (whole.length - 1) / 2;
      const x = whole.subarray(1, 1 + half).toString('base64url');
      const y = whole.subarray(1 + half).toString('base64url');
      const swapped = { kty: 'EC', crv, x: y, y: x };
      for (const key of [{ kty: 'EC', crv, x, y }, swapped]) {
        const [inNode, here] = [node, browser].map((one) =>
          outcome(() => one.createPublicKey({ key, format: 'jwk' }).export({ format: 'jwk' })),
        );
        expect(here).toEqual(inNode);
      }
    }
  });

  it.each([
    ['P-256', 'sha256'],
    ['P-384', 'sha384'],
    ['P-521', 'sha512'],
  ] as const)('and the same verdict on signatures by %s', (namedCurve, hash) => {
    const { privateKey, publicKey } = node.generateKeyPairSync('ec', { namedCurve });
    const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>;
    const here = browser.createPublicKey({ key: jwk, format: 'jwk' });
    for (let round = 0; round < 6; round += 1) {
      const data = Buffer.from(`message ${round}`);
      const der = node.sign(hash, data, privateKey);
      expect(browser.verify(hash, data, here, der)).toBe(true);
      der[der.length - 3 - round] = (der[der.length - 3 - round] ?? 0) ^ 1;
      expect(browser.verify(hash, data, here, der)).toBe(false);
      expect(node.verify(hash, data, publicKey, der)).toBe(false);
    }
  });

  it('refuses keys of other kinds, and a hash that is not of the key', () => {
    const key = { kty: 'oct', k: 'c2VjcmV0' };
    expect(() => browser.createPublicKey({ key, format: 'jwk' })).toThrow('another kind');
    expect(() => browser.ECDH.convertKey(new Uint8Array(33), 'secp256k1')).toThrow('another kind');
    const ecdh = node.createECDH('prime256v1');
    const jwk = jwkOfP256(ecdh.generateKeys());
    const made = browser.createPublicKey({ key: jwk, format: 'jwk' });
    expect(browser.verify(null, new Uint8Array(), made, new Uint8Array(64))).toBe(false);
  });
});

const bytes = fc.uint8Array({ maxLength: 100 });
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'AZaz09+/-_= .\n') }),
  bytes.map((some) => Buffer.from(some).toString('base64')),
);

describe('of bytes and digests, the browser gives what Node gives', () => {
  it('reads and writes texts in each encoding, also those that are not in order', () => {
    const encodings = ['utf8', 'latin1', 'base64', 'base64url', 'hex'] as const;
    fc.assert(
      fc.property(text, fc.constantFrom(...encodings), (given, encoding) => {
        const [inNode, here] = [Buffer.from(given, encoding), BrowserBuffer.from(given, encoding)];
        expect([...here]).toEqual([...inNode]);
        for (const form of encodings) expect(here.toString(form)).toBe(inNode.toString(form));
      }),
      { numRuns: 2_000 },
    );
  });

  it('writes parts, and tells text of 7 bits', () => {
    fc.assert(
      fc.property(bytes, fc.nat(50), fc.nat(50), (given, from, to) => {
        const [inNode, here] = [Buffer.from(given), BrowserBuffer.from(given)];
        expect(here.toString('latin1', from, to)).toBe(inNode.toString('latin1', from, to));
        expect(here.toString('base64url', from, to)).toBe(inNode.toString('base64url', from, to));
        expect(isAscii(given)).toBe(given.every((byte) => byte < 0x80));
      }),
    );
  });

  it('makes digests', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, fc.string()), (given) => {
        expect(browser.hash('sha256', given, 'base64url')).toBe(
          node.hash('sha256', given, 'base64url'),
        );
        const inNode = node.createHash('sha384').update(given).update('more').digest('hex');
        const here = browser.createHash('sha384').update(given).update('more').digest();
        expect(here.toString('hex')).toBe(inNode);
      }),
    );
  });

  it('fills bytes with chance and holds assertions', () => {
    expect(browser.randomFillSync(new Uint8Array(32)).some((byte) => byte !== 0)).toBe(true);
    expect(() => assert(1 > 2, 'no')).toThrow('no');
    expect(() => assert.fail('never')).toThrow('never');
    expect(assert(true)).toBeUndefined();
  });
});

const BOUND = 64 * 1024;

/** What a status list counts on: its content, and that nothing follows. */
function unpack(gunzip: typeof gunzipSync, packed: Uint8Array) {
  return outcome(() => {
    const options = { maxOutputLength: BOUND, info: true };
    const { buffer, engine } = gunzip(packed, options);
    if (engine.bytesWritten !== packed.length) throw new Error('something follows');
    return Buffer.from(buffer).toString('base64');
  });
}

const inNode = (packed: Uint8Array) => unpack(nodeGunzip as unknown as typeof gunzipSync, packed);
const here = (packed: Uint8Array) => unpack(gunzipSync, packed);

describe('of gzip, the browser gives what Node gives', () => {
  const list = gzipSync(new Uint8Array(16 * 1024).fill(0x10, 100, 900));

  it('when any byte is another, is missing, or follows', () => {
    expect(here(list)).toBe(inNode(list));
    for (let at = 0; at < list.length; at += 1) {
      const changed = Buffer.from(list);
      changed[at] = (changed[at] ?? 0) ^ 0x11;
      expect({ at, found: here(changed) }).toEqual({ at, found: inNode(changed) });
      const short = list.subarray(0, at);
      expect({ at, found: here(short) }).toEqual({ at, found: inNode(short) });
    }
    const longer = Buffer.concat([list, Buffer.from([0])]);
    expect([here(longer), inNode(longer)]).toEqual(['throws', 'throws']);
    const inside = Buffer.concat([list.subarray(0, -8), Buffer.from('stray'), list.subarray(-8)]);
    expect([here(inside), inNode(inside)]).toEqual(['throws', 'throws']);
  });

  it('of any content, at every level, up to the bound and not beyond', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 4_000 }),
        fc.integer({ min: 0, max: 9 }),
        (some, level) => {
          const packed = gzipSync(some, { level });
          expect(here(packed)).toBe(inNode(packed));
        },
      ),
      { numRuns: 200 },
    );
    for (const size of [BOUND, BOUND + 1, 1_000 * BOUND]) {
      const packed = gzipSync(Buffer.alloc(size));
      expect({ size, found: here(packed) }).toEqual({ size, found: inNode(packed) });
    }
    // A bomb may lie about its size as well.
    const bomb = gzipSync(Buffer.alloc(1_000 * BOUND));
    bomb.writeUInt32LE(BOUND, bomb.length - 4);
    expect([here(bomb), inNode(bomb)]).toEqual(['throws', 'throws']);
  });

  it('with a name, a comment, an extra field and a checksum in its header', () => {
    const body = list.subarray(10);
    const head = Buffer.from([0x1f, 0x8b, 8, 4 + 8 + 16, 0, 0, 0, 0, 0, 3]);
    const fields = Buffer.from('\x02\x00ab' + 'name\0' + 'comment\0', 'latin1');
    const named = Buffer.concat([head, fields, body]);
    expect(here(named)).toBe(inNode(named));
    expect(here(named)).not.toBe('throws');
    const unended = Buffer.concat([head, Buffer.from('\x00\x00name', 'latin1')]);
    expect([here, inNode].map((of) => of(unended))).toEqual(['throws', 'throws']);
  });

  it('except for lists put together from several members, which it leaves open', () => {
    const two = Buffer.concat([gzipSync(Buffer.alloc(100)), gzipSync(Buffer.alloc(100))]);
    expect([inNode(two) === 'throws', here(two)]).toEqual([false, 'throws']);
  });
});
