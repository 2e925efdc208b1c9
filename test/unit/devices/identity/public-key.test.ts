import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jwkOfKey, keyOfPublishedJwk } from '../../../../devices/identity/public-key.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

interface Jwk {
  readonly kty: string;
  readonly [member: string]: unknown;
}

interface Group {
  readonly comment: string;
  readonly private: { readonly keys: readonly Jwk[] };
  readonly public?: { readonly keys: readonly Jwk[] };
}

describe('a published JWK', () => {
  it.each([
    ['P-256', 'ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['P-384', 'ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['P-521', 'ES512', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['Ed25519', 'EdDSA', () => generateKeyPairSync('ed25519')],
  ] as const)('of %s is for %s and for no other algorithm', (_, algorithm, generate) => {
    const jwk = jwkOfKey(generate().publicKey);
    expect(keyOfPublishedJwk(jwk)?.algorithm).toBe(algorithm);
    for (const alg of ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'none', 'HS256', '', 7]) {
      const fits = alg === algorithm || (alg === 'Ed25519' && algorithm === 'EdDSA');
      expect(keyOfPublishedJwk({ ...jwk, alg }) !== undefined, String(alg)).toBe(fits);
    }
  });

  it('is none with a secret, whatever kind of secret', () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = jwkOfKey(pair.publicKey);
    expect(keyOfPublishedJwk({ ...pair.privateKey.export({ format: 'jwk' }) })).toBeUndefined();
    for (const member of ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth']) {
      expect(keyOfPublishedJwk({ ...jwk, [member]: '' }), member).toBeUndefined();
    }
  });

  it.skipIf(!hasShared)('of Wycheproof gives a key only where all of it agrees', () => {
    const file = sharedPath('vectors', 'wycheproof', 'json_web_key_test.odd.json');
    const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as { testGroups: Group[] };
    const bad = ['wrong_algorithm', 'invalid_use', 'wrong_curve'];
    expect(testGroups.map(({ comment }) => comment)).toEqual(expect.arrayContaining(bad));
    for (const { comment, private: secrets, public: open } of testGroups) {
      for (const jwk of secrets.keys.filter((one) => 'd' in one || one.kty === 'oct')) {
        expect(keyOfPublishedJwk(jwk), comment).toBeUndefined();
      }
      // Of the mixed set its one public key is in order; all others are of no use here.
      for (const jwk of [...(open?.keys ?? []), ...secrets.keys]) {
        const isGood = comment === 'jws_mixedSymmetryKeyset' && jwk.kty === 'EC';
        expect(keyOfPublishedJwk(jwk) !== undefined, comment).toBe(isGood);
      }
    }
  });
});
