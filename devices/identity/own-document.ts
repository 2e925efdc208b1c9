/**
 * The DID document of a DID that is its own key, for those who want to see one (DID resolution,
 * other tools): the same for everyone, since it follows from the DID alone.
 */

import { jwkOfKey } from './public-key.ts';
import { keyOfOwnDid } from './resolve-key.ts';

/** JSON of a DID document. */
export type DocumentJson = Readonly<Record<string, unknown>>;

/**
 * The document of a `did:key` (one Multikey method) or `did:jwk` (one JsonWebKey method), whose
 * key is for claims and for authentication; `undefined` for any other DID.
 */
export function documentOfOwnDid(did: string): DocumentJson | undefined {
  const found = keyOfOwnDid(did);
  if (!found) return undefined;
  const { keyId, key } = found;
  const own = { id: keyId, controller: did };
  const [context, method] = did.startsWith('did:key:')
    ? ['multikey', { ...own, type: 'Multikey', publicKeyMultibase: did.slice('did:key:'.length) }]
    : ['jwk', { ...own, type: 'JsonWebKey', publicKeyJwk: jwkOfKey(key) }];
  return {
    '@context': ['https://www.w3.org/ns/did/v1', `https://w3id.org/security/${context}/v1`],
    id: did,
    verificationMethod: [method],
    assertionMethod: [keyId],
    authentication: [keyId],
  };
}
