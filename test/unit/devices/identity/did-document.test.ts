import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  assertionKeyOf,
  checkOrganisationDocument,
  type DidDocument,
  keyInDocument,
  readDidDocument,
  serviceEndpoints,
} from '../../../../devices/identity/did-document.ts';
import { didOfPublicJwk } from '../../../../devices/identity/did-key.ts';
import { jwkOfKey } from '../../../../devices/identity/public-key.ts';
import { parseTime } from '../../../../devices/runtime.ts';

const did = 'did:web:mill.example';
const jwk = jwkOfKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
const edwardsJwk = jwkOfKey(generateKeyPairSync('ed25519').publicKey);
const nowMs = parseTime('2026-11-21T00:00:00Z') ?? 0;

/** Takes minutes to decode, since that is the square of the length. */
const endless = `z${'2'.repeat(1_000_000)}`;

function method(changes: object = {}): object {
  return { id: `${did}#k`, type: 'JsonWebKey', controller: did, publicKeyJwk: jwk, ...changes };
}

function read(changes: object): DidDocument {
  const document = readDidDocument({
    id: did,
    verificationMethod: [method()],
    assertionMethod: [`${did}#k`],
    ...changes,
  });
  if ('code' in document) throw new Error(document.reason);
  return document;
}

function codeOf(changes: object, keyId = `${did}#k`, atMs = nowMs): string {
  const key = assertionKeyOf(read(changes), keyId, atMs);
  return 'code' in key ? key.code : key.algorithm;
}

describe('a DID document', () => {
  it('gives the key that may sign, under the name that was asked for', () => {
    const key = assertionKeyOf(read({}), `${did}#k`, nowMs);
    expect(key).toMatchObject({ algorithm: 'ES256', did, keyId: `${did}#k` });
  });

  it.each([
    ['relative ids', { verificationMethod: [method({ id: '#k' })], assertionMethod: ['#k'] }],
    ['the method embedded', { verificationMethod: [], assertionMethod: [method()] }],
    ['Multikey', { verificationMethod: [method(multikey())] }],
    ['the older name of Multikey', { verificationMethod: [method(multikey(older))] }],
    ['JsonWebKey2020', { verificationMethod: [method({ type: 'JsonWebKey2020' })] }],
    ['key_ops verify', { verificationMethod: [withJwk({ ...jwk, key_ops: ['verify'] })] }],
    ['alg as the key needs it', { verificationMethod: [withJwk({ ...jwk, alg: 'ES256' })] }],
    ['use sig', { verificationMethod: [withJwk({ ...jwk, use: 'sig' })] }],
    ['a service and more', { service: [{ id: '#s' }], alsoKnownAs: ['x'] }],
  ])('may have %s', (_, changes) => {
    expect(codeOf(changes)).toBe('ES256');
  });

  it('gives Ed25519 keys too', () => {
    const edwards = jwkOfKey(generateKeyPairSync('ed25519').publicKey);
    expect(codeOf({ verificationMethod: [withJwk(edwards)] })).toBe('EdDSA');
  });

  it('finds a key that the issuer calls by the kid inside its JWK, or by its fragment', () => {
    const named = { verificationMethod: [withJwk({ ...jwk, kid: 'thumb' })] };
    expect(codeOf(named, 'thumb')).toBe('ES256');
    expect(codeOf({}, 'k')).toBe('ES256');
    expect(codeOf({}, '#k')).toBe('ES256');
    expect(codeOf({}, 'other')).toBe('VC_KEY_UNKNOWN');
  });

  it.each([
    ['not listed', { verificationMethod: [] }, 'VC_KEY_UNKNOWN'],
    ['listed for authentication only', onlyAuthentication(), 'VC_KEY_UNKNOWN'],
    [
      "another's",
      { verificationMethod: [method({ controller: 'did:web:x.example' })] },
      'VC_KEY_CONTROLLER',
    ],
    [
      'with a text that would take minutes to decode',
      { verificationMethod: [method({ ...multikey(), publicKeyMultibase: endless })] },
      'VC_KEY_INVALID',
    ],
    ['of another curve', { verificationMethod: [withJwk(secp256k1())] }, 'VC_KEY_INVALID'],
    [
      'public with its private part',
      { verificationMethod: [withJwk({ ...jwk, d: 'x' })] },
      'VC_KEY_INVALID',
    ],
    ['for encryption', { verificationMethod: [withJwk({ ...jwk, use: 'enc' })] }, 'VC_KEY_INVALID'],
    [
      'for another algorithm',
      { verificationMethod: [withJwk({ ...jwk, alg: 'EdDSA' })] },
      'VC_KEY_INVALID',
    ],
    [
      'for signing',
      { verificationMethod: [withJwk({ ...jwk, key_ops: ['sign'] })] },
      'VC_KEY_INVALID',
    ],
    [
      'public with its secret beside it',
      { verificationMethod: [method({ secretKeyMultibase: 'z42' })] },
      'VC_KEY_INVALID',
    ],
    [
      'a JWK where its type says Multikey',
      { verificationMethod: [method({ type: 'Multikey' })] },
      'VC_KEY_INVALID',
    ],
    [
      'a Multikey where its type says JWK',
      { verificationMethod: [method(multikey('JsonWebKey'))] },
      'VC_KEY_INVALID',
    ],
    [
      'of a type that is not known',
      { verificationMethod: [method({ type: 'EcdsaSecp256k1VerificationKey2019' })] },
      'VC_KEY_INVALID',
    ],
    ['given twice', { verificationMethod: [method(twoForms())] }, 'VC_KEY_INVALID'],
  ])('gives no key that is %s', (_, changes, code) => {
    expect(codeOf(changes)).toBe(code);
  });

  it('has keys for presentations apart from those for claims', () => {
    const other = method({ id: '#p', publicKeyJwk: edwardsJwk });
    const both = read({ verificationMethod: [method(), other], authentication: ['#p'] });
    const find = (keyId: string, relationship: 'assertionMethod' | 'authentication') => {
      const key = keyInDocument(both, { keyId, relationship, atMs: nowMs });
      return 'code' in key ? key.code : key.algorithm;
    };
    expect(find('#p', 'authentication')).toBe('EdDSA');
    expect(find('#p', 'assertionMethod')).toBe('VC_KEY_UNKNOWN');
    expect(find('#k', 'authentication')).toBe('VC_KEY_UNKNOWN');
    expect(find('#k', 'assertionMethod')).toBe('ES256');
  });

  it('names its services by type, whether the type is one or a list', () => {
    const api = 'https://mill.example/api';
    const service = [
      { id: '#a', type: 'TraceabilityAPI', serviceEndpoint: api },
      { id: '#b', type: ['Other', 'TraceabilityAPI'], serviceEndpoint: [`${api}/2`, { uri: 'x' }] },
      { id: '#c', type: 'Other', serviceEndpoint: 'https://mill.example/other' },
      { id: '#d', type: 'TraceabilityAPI' },
      { serviceEndpoint: 'https://mill.example/nothing' },
      null,
      7,
    ];
    expect(serviceEndpoints(read({ service }), 'TraceabilityAPI')).toEqual([api, `${api}/2`]);
    expect(serviceEndpoints(read({ service: 'none' }), 'TraceabilityAPI')).toEqual([]);
    expect(serviceEndpoints(read({}), 'TraceabilityAPI')).toEqual([]);
  });

  it('is that of an organisation with a key for claims and no foreign controller', () => {
    expect(checkOrganisationDocument(read({}))).toBeUndefined();
    const embedded = { verificationMethod: [], assertionMethod: [method()] };
    expect(checkOrganisationDocument(read(embedded))).toBeUndefined();
    const foreign = method({ id: '#x', controller: 'did:web:x.example' });
    expect(
      checkOrganisationDocument(read({ verificationMethod: [method(), foreign] })),
    ).toMatchObject({ code: 'VC_KEY_CONTROLLER' });
    for (const assertionMethod of [[], ['#other'], undefined]) {
      expect(checkOrganisationDocument(read({ assertionMethod }))).toMatchObject({
        code: 'VC_KEY_UNKNOWN',
      });
    }
  });

  it('gives a key until the moment it expires or is revoked', () => {
    const end = '2026-11-21T12:00:00Z';
    const endMs = parseTime(end) ?? 0;
    const expiring = { verificationMethod: [method({ expires: end })] };
    expect(codeOf(expiring, undefined, endMs - 1)).toBe('ES256');
    expect(codeOf(expiring, undefined, endMs)).toBe('VC_KEY_EXPIRED');
    const revoked = { verificationMethod: [method({ revoked: end })] };
    expect(codeOf(revoked, undefined, endMs - 1)).toBe('ES256');
    expect(codeOf(revoked, undefined, endMs)).toBe('VC_KEY_REVOKED');
  });

  it.each([
    ['no id', { verificationMethod: [] }],
    ['an id that is no DID', { id: 'mill' }],
    ['one method twice', { id: did, verificationMethod: [method(), method()] }],
    ['a method without controller', { id: did, verificationMethod: [{ id: '#k', type: 'x' }] }],
    [
      'one id in two relationships with two keys',
      {
        id: did,
        assertionMethod: [method()],
        authentication: [method({ publicKeyJwk: edwardsJwk })],
      },
    ],
    ['a revocation that is no time', { id: did, verificationMethod: [method({ revoked: '' })] }],
    ['an end that is no time', { id: did, verificationMethod: [method({ expires: 'soon' })] }],
    [
      'a symmetric key beside a public one',
      {
        id: did,
        verificationMethod: [method(), { ...withJwk({ kty: 'oct', k: 'AA' }), id: '#s' }],
      },
    ],
    ['text instead of an object', 'document'],
    ['null', null],
  ])('is refused with %s', (_, document) => {
    expect(readDidDocument(document)).toMatchObject({ code: 'VC_DOCUMENT_INVALID' });
  });
});

function withJwk(publicKeyJwk: object): object {
  return method({ publicKeyJwk });
}

const older = 'Ed25519VerificationKey2020';

function multikey(type = 'Multikey'): object {
  return { type, publicKeyJwk: undefined, publicKeyMultibase: multibase() };
}

function twoForms(): object {
  return { publicKeyMultibase: multibase() };
}

function multibase(): string {
  return didOfPublicJwk(jwk).slice('did:key:'.length);
}

function onlyAuthentication(): object {
  return { assertionMethod: [], authentication: [`${did}#k`] };
}

function secp256k1(): object {
  return generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' });
}
