import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Relationship, readDidDocument } from '../../../../devices/identity/did-document.ts';
import { didJwkOfPublicJwk } from '../../../../devices/identity/did-jwk.ts';
import { didOfPublicJwk, keyIdOfDid } from '../../../../devices/identity/did-key.ts';
import { documentOfOwnDid } from '../../../../devices/identity/own-document.ts';
import { jwkOfKey } from '../../../../devices/identity/public-key.ts';
import {
  type DidDocuments,
  keyForUrl,
  keyOfSubject,
} from '../../../../devices/identity/resolve-key.ts';

const jwk = jwkOfKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
const edwards = jwkOfKey(generateKeyPairSync('ed25519').publicKey);
const web = 'did:web:mill.example';
const didKey = didOfPublicJwk(jwk);
const didJwk = didJwkOfPublicJwk(jwk);

const documents: DidDocuments = {
  didDocument(did) {
    if (did !== web && did !== 'https://mill.example/id') return undefined;
    const document = readDidDocument({
      id: did,
      verificationMethod: [
        { id: '#sign', type: 'JsonWebKey', controller: did, publicKeyJwk: jwk },
        { id: '#present', type: 'JsonWebKey2020', controller: did, publicKeyJwk: edwards },
      ],
      assertionMethod: ['#sign'],
      authentication: ['#present'],
    });
    return 'code' in document ? undefined : document;
  },
};

function codeOf(url: string, relationship: Relationship = 'assertionMethod'): string {
  const key = keyForUrl(documents, url, relationship, 0);
  return 'code' in key ? key.code : key.algorithm;
}

describe('the key of a DID URL', () => {
  it('is that of its method, whatever the method', () => {
    for (const relationship of ['assertionMethod', 'authentication'] as const) {
      expect(codeOf(keyIdOfDid(didKey), relationship)).toBe('ES256');
      expect(codeOf(`${didJwk}#0`, relationship)).toBe('ES256');
    }
    expect(codeOf(`${web}#sign`)).toBe('ES256');
    expect(codeOf(`${web}#present`, 'authentication')).toBe('EdDSA');
    expect(codeOf('https://mill.example/id#sign')).toBe('ES256');
  });

  it('of a document is for its own relationship alone', () => {
    expect(codeOf(`${web}#sign`, 'authentication')).toBe('VC_KEY_UNKNOWN');
    expect(codeOf(`${web}#present`)).toBe('VC_KEY_UNKNOWN');
  });

  it.each([
    [didKey, 'VC_ISSUER'],
    [`${didKey}#`, 'VC_ISSUER'],
    [`${didKey}#0`, 'VC_ISSUER'],
    [`${didJwk}#1`, 'VC_ISSUER'],
    ['#0', 'VC_ISSUER'],
    ['', 'VC_ISSUER'],
    ['did:key:z6Mk#z6Mk', 'VC_KEY_INVALID'],
    ['did:jwk:e30#0', 'VC_KEY_INVALID'],
    ['did:web:other.example#sign', 'VC_DOCUMENT_MISSING'],
    [`${web}#other`, 'VC_KEY_UNKNOWN'],
    ['did:ethr:0x00#key', 'VC_ISSUER_UNSUPPORTED'],
    ['mailto:a@mill.example#key', 'VC_ISSUER_UNSUPPORTED'],
  ])('%s is refused with %s', (url, code) => {
    expect(codeOf(url)).toBe(code);
  });

  it('may be called by its fragment where the subject is known', () => {
    const wanted = { relationship: 'assertionMethod', atMs: 0 } as const;
    const find = (did: string, keyId: string) => keyOfSubject(documents, { did, keyId, ...wanted });
    expect(find(web, 'sign')).toMatchObject({ did: web, keyId: 'sign' });
    expect(find(web, '#sign')).toMatchObject({ did: web, keyId: '#sign' });
    expect(find(didJwk, '#0')).toMatchObject({ did: didJwk, keyId: `${didJwk}#0` });
    expect(find(didKey, `${web}#sign`)).toMatchObject({ code: 'VC_ISSUER' });
    expect(find(web, `${web}.evil.example#sign`)).toMatchObject({ code: 'VC_ISSUER' });
  });
});

describe('the document of a DID that is its own key', () => {
  it.each([
    ['did:key', didKey, keyIdOfDid(didKey)],
    ['did:jwk', didJwk, `${didJwk}#0`],
  ])('%s gives the same key as the DID', (_, did, keyId) => {
    const document = readDidDocument(documentOfOwnDid(did));
    if ('code' in document) throw new Error(document.reason);
    const direct = keyForUrl(documents, keyId, 'authentication', 0);
    const read = keyForUrl({ didDocument: () => document }, keyId, 'authentication', 0);
    expect(read).toMatchObject({ algorithm: 'ES256', keyId });
    const found = document.methods.find(({ id }) => id === keyId)?.key;
    if (!found || 'code' in direct) throw new Error('no key');
    expect(found.key.equals(direct.key)).toBe(true);
    expect(document.relationships).toEqual({ assertionMethod: [keyId], authentication: [keyId] });
  });

  it('is none for other DIDs', () => {
    expect(documentOfOwnDid(web)).toBeUndefined();
    expect(documentOfOwnDid('did:key:z6Mk')).toBeUndefined();
  });
});
