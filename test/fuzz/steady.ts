/**
 * Keys, names and signatures that are the same in each run, so that a seed gives the same inputs.
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from 'node:crypto';
import { signTokenNow, type TokenType } from '../../devices/credential/jws.ts';
import { didOfPublicJwk, keyIdOfDid } from '../../devices/identity/did-key.ts';
import type { Signer } from '../../devices/identity/signer.ts';

/** PKCS #8 of an Ed25519 key, without its 32 bytes (RFC 8410 §7). */
const ED25519_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** When everything happens, milliseconds since 1970: 2026-11-21T12:00:00Z. */
export const steadyMs = 1_795_262_400_000;

function steadyKey(number: number): KeyObject {
  // A digest, since keys that anybody would think of are refused.
  const secret = hash('sha256', `bondline fuzz ${number}`, 'buffer');
  const key = Buffer.concat([ED25519_HEAD, secret]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function publicJwk(number: number): Record<string, string> {
  return createPublicKey(steadyKey(number)).export({ format: 'jwk' }) as Record<string, string>;
}

/** An Ed25519 key, whose signatures are the same each time, with its did:key. */
export function steadySigner(number: number): Signer {
  const did = didOfPublicJwk(publicJwk(number));
  return signerOf(number, did, keyIdOfDid(did));
}

function signerOf(number: number, did: string, keyId: string): Signer {
  const key = steadyKey(number);
  return { did, keyId, algorithm: 'EdDSA', sign: (data) => sign(null, data, key) };
}

/** An organisation with its document and the key that signs for it. */
export function steadyOrganisation(number: number, did: string) {
  const keyId = `${did}#key-1`;
  const document = {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
    id: did,
    verificationMethod: [
      { id: keyId, type: 'JsonWebKey', controller: did, publicKeyJwk: publicJwk(number) },
      {
        id: `${did}#key-2`,
        type: 'Multikey',
        controller: did,
        publicKeyMultibase: steadySigner(number + 1).did.slice('did:key:'.length),
        expires: '2036-01-01T00:00:00Z',
      },
    ],
    assertionMethod: [keyId, '#key-2'],
    authentication: [keyId],
    service: [
      { id: `${did}#s`, type: 'LinkedDomains', serviceEndpoint: 'https://northline.example' },
    ],
  };
  return { did, name: 'Northline', document, signer: signerOf(number, did, keyId) };
}

/** The n-th `urn:uuid:`. */
export function steadyId(number: number): string {
  return `urn:uuid:${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`;
}

/** Signs whatever payload, whether it is JSON or not. */
export function signing(signer: Signer, typ: TokenType) {
  return (payload: Uint8Array): Uint8Array =>
    signTokenNow({ payload: Buffer.from(payload).toString(), signer, typ });
}
