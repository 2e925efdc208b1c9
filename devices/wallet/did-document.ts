/** The DID document of an organisation, as it publishes it. */
import { documentOfOwnDid } from '../identity/own-document.ts';
import { formatTime } from '../runtime.ts';
import type { WalletFile, WalletKey } from './wallet-file.ts';

/**
 * The document's text: of an identity that is its key exactly what follows from it, since an
 * ingester takes no other; of a `did:web`, `didDocumentOf`.
 */
export function documentTextOf(file: WalletFile): string {
  const own = documentOfOwnDid(file.did);
  return own ? JSON.stringify(own) : `${JSON.stringify(didDocumentOf(file), null, 2)}\n`;
}

/**
 * The document of a `did:web`: every key as `JsonWebKey`, since what an older key signed must still
 * be judged: one that was replaced `expires`, one that others may have is `revoked` (Controlled
 * Identifiers 1.0 §2.2). Only the key that signs now authenticates.
 */
export function didDocumentOf({ did, keys, service }: WalletFile): object {
  const newest = keys.at(-1)?.keyId;
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
    id: did,
    verificationMethod: keys.map((key) => methodOf(did, key)),
    authentication: [newest],
    assertionMethod: keys.map(({ keyId }) => keyId),
    ...(service !== undefined && {
      service: [
        { id: `${did}#traceability-api`, type: 'TraceabilityAPI', serviceEndpoint: service },
      ],
    }),
  };
}

function methodOf(did: string, { expiresMs, keyId, publicJwk, revokedMs }: WalletKey): object {
  return {
    id: keyId,
    type: 'JsonWebKey',
    controller: did,
    publicKeyJwk: { ...publicJwk, alg: 'ES256' },
    ...(expiresMs !== undefined && { expires: formatTime(expiresMs) }),
    ...(revokedMs !== undefined && { revoked: formatTime(revokedMs) }),
  };
}
