import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { didJwkOfPublicJwk } from '../../../../devices/identity/did-jwk.ts';
import { didOfPublicJwk } from '../../../../devices/identity/did-key.ts';
import { jwkOfKey } from '../../../../devices/identity/public-key.ts';
import { isSuspectDid } from '../../../../devices/identity/suspect-key.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

/** Order of the group of P-256 (FIPS 186-4 §D.1.2.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function p256(secret: bigint): string {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(Buffer.from(secret.toString(16).padStart(64, '0'), 'hex'));
  const point = ecdh.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33)];
  const jwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') };
  return didOfPublicJwk(jwk);
}

function ed25519(seed: Uint8Array): string {
  const d = Buffer.from(seed).toString('base64url');
  // The public member is made anew of the secret.
  const der = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.from(d, 'base64url'),
  ]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return didOfPublicJwk(jwkOfKey(createPublicKey(key)));
}

describe('a key that anyone can guess', () => {
  it.each([1n, 2n, 3n, 255n, 256n, ORDER - 1n, ORDER - 256n, 1n << 255n, ORDER - (1n << 100n)])(
    'is P-256 with the secret %s',
    (secret) => {
      expect(isSuspectDid(p256(secret))).toBe(true);
    },
  );

  it('is P-256 of repeated and counting bytes', () => {
    for (const byte of [1, 0x42, 0xaa, 0xfe]) {
      expect(isSuspectDid(p256(BigInt(`0x${Buffer.alloc(32, byte).toString('hex')}`)))).toBe(true);
    }
    const counting = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
    expect(isSuspectDid(p256(BigInt(`0x${counting.toString('hex')}`)))).toBe(true);
  });

  it('is Ed25519 of such a seed', () => {
    const counting = Array.from({ length: 32 }, (_, at) => at);
    const one = (at: number) => Uint8Array.from({ length: 32 }, (_, index) => +(index === at));
    for (const byte of [0, 1, 0x42, 0xff]) {
      expect(isSuspectDid(ed25519(Buffer.alloc(32, byte)))).toBe(true);
    }
    for (const seed of [one(0), one(31), counting, counting.map((at) => at + 1)]) {
      expect(isSuspectDid(ed25519(Uint8Array.from(seed)))).toBe(true);
    }
  });

  it('is suspect in every form of its DID', () => {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(Buffer.alloc(32, 7));
    const point = ecdh.getPublicKey();
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((at) =>
      at.toString('base64url'),
    );
    expect(isSuspectDid(didJwkOfPublicJwk({ kty: 'EC', crv: 'P-256', x, y }))).toBe(true);
  });

  it('is one printed in a specification', () => {
    const rfc7515 = {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    };
    const rfc8037 = {
      kty: 'OKP',
      crv: 'Ed25519',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    };
    expect(isSuspectDid(didOfPublicJwk(rfc7515))).toBe(true);
    expect(isSuspectDid(didOfPublicJwk(rfc8037))).toBe(true);
  });

  it.skipIf(!hasShared)('is one of the W3C test vectors, and of the seeds of did:key', () => {
    const read = (...path: string[]) => readFileSync(sharedPath('vectors', ...path), 'utf8');
    for (const text of [
      read('w3c-vc-di-ecdsa', 'p256KeyPair.json'),
      read('w3c-vc-di-eddsa', 'keyPair.json'),
    ]) {
      const { publicKeyMultibase } = JSON.parse(text) as { publicKeyMultibase: string };
      expect(isSuspectDid(`did:key:${publicKeyMultibase}`)).toBe(true);
    }
    const seeds = JSON.parse(read('did-key', 'ed25519-x25519.even.json')) as object;
    const known = Object.entries(seeds).filter(([, one]) => /^0{60}/.test(one.seed ?? ''));
    expect(known.length).toBeGreaterThan(0);
    for (const [did] of known) expect(isSuspectDid(did)).toBe(true);
  });

  it('is none that was made by chance, and none of a DID that is no key', () => {
    for (let count = 0; count < 20; count += 1) {
      const pairs = [
        generateKeyPairSync('ec', { namedCurve: 'P-256' }),
        generateKeyPairSync('ec', { namedCurve: 'P-384' }),
        generateKeyPairSync('ed25519'),
      ];
      for (const { publicKey } of pairs) {
        expect(isSuspectDid(didOfPublicJwk(jwkOfKey(publicKey)))).toBe(false);
      }
    }
    expect(isSuspectDid('did:web:mill.example')).toBe(false);
  });
});
