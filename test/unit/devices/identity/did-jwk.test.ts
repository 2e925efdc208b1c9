import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didJwkOfPublicJwk, keyOfDidJwk } from '../../../../devices/identity/did-jwk.ts';
import { jwkOfKey } from '../../../../devices/identity/public-key.ts';
import { limits } from '../../../../devices/limits.ts';

const jwk = jwkOfKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);

function didOf(text: string): string {
  return `did:jwk:${Buffer.from(text, 'utf8').toString('base64url')}`;
}

const didWith = (members: object): string => didOf(JSON.stringify({ ...jwk, ...members }));

describe('did:jwk', () => {
  it.each([
    ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['ES512', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['EdDSA', () => generateKeyPairSync('ed25519')],
  ] as const)('is the %s key that it is made of', (algorithm, generate) => {
    for (let count = 0; count < 10; count += 1) {
      const made = jwkOfKey(generate().publicKey);
      const did = didJwkOfPublicJwk(made);
      const key = keyOfDidJwk(did);
      expect(key).toMatchObject({ algorithm, did, keyId: `${did}#0` });
      expect(key && jwkOfKey(key.key)).toEqual(made);
    }
  });

  it('is the key of the published example', () => {
    // did:jwk specification, example P-256.
    const did =
      'did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVV' +
      'M3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9';
    expect(keyOfDidJwk(did)).toMatchObject({ algorithm: 'ES256', keyId: `${did}#0` });
  });

  it.each([
    ['what the key is for', { use: 'sig', alg: 'ES256', key_ops: ['verify'] }],
    ['a name', { kid: 'key-1' }],
  ])('may say %s', (_, members) => {
    expect(keyOfDidJwk(didWith(members))).toBeDefined();
  });

  it('may have white space between its members, as some writers leave it', () => {
    expect(keyOfDidJwk(didOf(JSON.stringify(jwk, null, 1)))).toBeDefined();
    expect(keyOfDidJwk(didOf(JSON.stringify(jwk).replaceAll(',', ', ')))).toBeDefined();
  });

  it.each([
    ['the secret', didWith({ d: 'AA' })],
    ['a symmetric secret', didWith({ k: 'AA' })],
    ['a key for encryption', didWith({ use: 'enc' })],
    ['a key that only encrypts', didWith({ key_ops: ['deriveKey'] })],
    ['operations that are no list', didWith({ key_ops: 'verify' })],
    ['the algorithm of another key', didWith({ alg: 'ES384' })],
    ['another curve', didWith({ crv: 'secp256k1' })],
    ['a curve that is a property of every object', didWith({ crv: 'constructor' })],
    ['a point off the curve', didWith({ y: jwk['x'] })],
    ['a padded coordinate', didWith({ x: `${jwk['x']}=` })],
    ['a short coordinate', didWith({ x: jwk['x']?.slice(4) })],
    ['no key type', didWith({ kty: undefined })],
    ['a list', didOf(`[${JSON.stringify(jwk)}]`)],
    ['text', didOf('"key"')],
    ['null', didOf('null')],
    ['nothing', 'did:jwk:'],
    ['half of its JSON', didOf(JSON.stringify(jwk).slice(0, -1))],
    ['something behind', didOf(`${JSON.stringify(jwk)}x`)],
    ['a byte order mark', didOf(`\ufeff${JSON.stringify(jwk)}`)],
    ['a member twice', didOf(JSON.stringify(jwk).replace('{', '{"x":"AA",'))],
    ['a member twice, once escaped', didOf(JSON.stringify(jwk).replace('{', '{"\\u0078":"AA",'))],
    ['an escaped name', didOf(JSON.stringify(jwk).replace('"x"', '"\\u0078"'))],
    ['a lone surrogate', didOf(JSON.stringify(jwk).replace('{', '{"kid":"\\ud800",'))],
    ['bytes that are no text', `did:jwk:${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}`],
    ['padding', `${didWith({})}=`],
    ['a fragment', `${didWith({})}#0`],
    ['base64 letters of another alphabet', didWith({ kid: '???>>>' }).replaceAll('_', '/')],
    ['too many characters', didWith({ kid: 'x'.repeat(limits.didLengthMax) })],
    ['another method', didWith({}).replace('did:jwk:', 'did:jwt:')],
  ])('is refused with %s', (_, did) => {
    expect(keyOfDidJwk(did)).toBeUndefined();
  });

  it('is one DID: no other spelling of its bytes gives its key', () => {
    const did = didWith({});
    const flip = fc.tuple(
      fc.integer({ min: 8, max: did.length - 1 }),
      fc.constantFrom(...'AZaz09_-=+/'),
    );
    fc.assert(
      fc.property(flip, ([at, letter]) => {
        const other = did.slice(0, at) + letter + did.slice(at + 1);
        if (other === did) return;
        const key = keyOfDidJwk(other);
        if (key) expect(jwkOfKey(key.key)).not.toEqual(jwk);
      }),
      { numRuns: 500 },
    );
  });

  it('is not made of what is no key', () => {
    expect(() => didJwkOfPublicJwk({ kty: 'oct', k: 'AA' })).toThrow(
      expect.objectContaining({ code: 'DID_INVALID' }),
    );
  });
});
