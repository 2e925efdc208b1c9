/** w3c-ccg/did-method-key: every DID of the suite gives its key and back, or is refused. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeBase58 } from '../../devices/identity/base58.ts';
import { didOfPublicJwk, isDidKey, publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { jwkOfKey } from '../../devices/identity/public-key.ts';
import { hasShared, sharedPath } from '../support/shared.ts';

function suite<T>(name: string): [string, T][] {
  if (!hasShared) return [];
  const text = readFileSync(sharedPath('vectors', 'did-key', name), 'utf8');
  return Object.entries(JSON.parse(text) as Record<string, T>);
}

interface NistCase {
  readonly verificationMethod: {
    readonly publicKeyJwk?: { readonly crv: string; readonly x: string; readonly y: string };
    readonly publicKeyBase58?: string;
  };
}

interface EdwardsCase {
  readonly verificationKeyPair: {
    readonly publicKeyBase58?: string;
    readonly publicKeyJwk?: { readonly x: string };
  };
  readonly didDocument: { readonly assertionMethod: readonly string[] };
}

describe.skipIf(!hasShared)('did:key vectors', () => {
  const nist = suite<NistCase>('nist-curves.even.json');
  const edwards = suite<EdwardsCase>('ed25519-x25519.even.json');

  it('are all there', () => {
    expect([nist.length, edwards.length]).toEqual([4, 3]);
  });

  it.each(nist)('%s', (did, { verificationMethod: { publicKeyJwk, publicKeyBase58 } }) => {
    if (did.startsWith('did:key:zDn')) {
      const found = jwkOfKey(publicKeyOfDid(did).key);
      const { x = '', y = '' } = found;
      if (publicKeyJwk) expect(found).toMatchObject({ x: publicKeyJwk.x, y: publicKeyJwk.y });
      else expect(pointOf(x, y)).toEqual(decodeBase58(publicKeyBase58 ?? ''));
      expect(didOfPublicJwk(found)).toBe(did);
    } else {
      // P-384 and P-521 are not accepted: a device signs with P-256 or Ed25519.
      expect(isDidKey(did)).toBe(false);
      if (publicKeyJwk) expect(publicKeyJwk.crv).not.toBe('P-256');
    }
  });

  it.each(edwards)('%s', (did, { verificationKeyPair: pair, didDocument }) => {
    const { keyId, key } = publicKeyOfDid(did);
    const { x = '' } = jwkOfKey(key);
    const expected = pair.publicKeyJwk?.x ?? base64urlOf(pair.publicKeyBase58 ?? '');
    expect(x).toBe(expected);
    expect(didOfPublicJwk(jwkOfKey(key))).toBe(did);
    expect(didDocument.assertionMethod).toEqual([keyId]);
  });
});

function base64urlOf(base58: string): string {
  return Buffer.from(decodeBase58(base58) ?? []).toString('base64url');
}

/** SEC 1 compressed point, as the suite gives NIST keys in base 58. */
function pointOf(x: string, y: string): Uint8Array {
  const odd = (Buffer.from(y, 'base64url').at(-1) ?? 0) & 1;
  return Uint8Array.from([2 + odd, ...Buffer.from(x, 'base64url')]);
}
