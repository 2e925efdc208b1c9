/**
 * The key that a DID URL names, whatever the method: the one place that knows which methods there
 * are. `did:key` and `did:jwk` are their own keys; any other DID has its keys in a document.
 */
import {
  type DidDocument,
  type KeyRefusal,
  keyInDocument,
  type Relationship,
} from './did-document.ts';
import { keyOfDidJwk } from './did-jwk.ts';
import { isDidKey, publicKeyOfDid } from './did-key.ts';
import type { PublicKey } from './public-key.ts';

/** Where documents of DIDs are looked up; `Documents` of ../credential is one. */
export interface DidDocuments {
  didDocument(did: string): DidDocument | undefined;
}

/** Which key is asked for. */
export interface WantedKey {
  /** Who must have the key: an issuer, a holder. */
  readonly did: string;
  /**
   * How the signer calls it: an absolute DID URL of `did`, a fragment (`#k`), or a name without
   * `#` that is the fragment or the `kid` inside the JWK (VC-JOSE-COSE §3.3.2). Empty where the
   * signer names none: then it is the only one of the document.
   */
  readonly keyId: string;
  readonly relationship: Relationship;
  /** Milliseconds since 1970 at which expiry and revocation of the key are judged. */
  readonly atMs: number;
}

/**
 * The key of an absolute DID URL (`did:web:mill.example#key-1`), for one verification relationship
 * as of `atMs`. Refusals as in `keyOfSubject`, and VC_ISSUER when it is no DID URL with a fragment.
 */
export function keyForUrl(
  documents: DidDocuments,
  didUrl: string,
  relationship: Relationship,
  atMs: number,
): PublicKey | KeyRefusal {
  const hash = didUrl.indexOf('#');
  if (hash < 1) {
    return { code: 'VC_ISSUER', reason: `${didUrl.slice(0, 200)} is not the URL of a key` };
  }
  const did = didUrl.slice(0, hash);
  return keyOfSubject(documents, { did, keyId: didUrl, relationship, atMs });
}

/**
 * The key that `wanted.did` calls `wanted.keyId`. Its algorithm counts, never the one that a
 * message names. Refusals: VC_ISSUER (a key of someone else), VC_KEY_INVALID, VC_KEY_UNKNOWN,
 * VC_KEY_CONTROLLER, VC_KEY_EXPIRED, VC_KEY_REVOKED; VC_KEY_UNNAMED, VC_DOCUMENT_MISSING and
 * VC_ISSUER_UNSUPPORTED, with which nothing can be said about the key.
 */
export function keyOfSubject(documents: DidDocuments, wanted: WantedKey): PublicKey | KeyRefusal {
  const { did, keyId, relationship, atMs } = wanted;
  const hash = keyId.indexOf('#');
  if (hash > 0 && keyId.slice(0, hash) !== did) {
    return { code: 'VC_ISSUER', reason: `${shown(keyId)} is not a key of ${shown(did)}` };
  }
  if (did.startsWith('did:key:') || did.startsWith('did:jwk:')) return ownKey(did, keyId);
  const document = documents.didDocument(did);
  if (document) return keyInDocument(document, { keyId, relationship, atMs });
  if (!/^(did:web:|https:)/.test(did)) {
    return { code: 'VC_ISSUER_UNSUPPORTED', reason: `${shown(did)} cannot be resolved here` };
  }
  return { code: 'VC_DOCUMENT_MISSING', reason: `the DID document of ${shown(did)} is needed` };
}

/** The key of a DID that is one: it may be used for every relationship, and never expires. */
function ownKey(did: string, keyId: string): PublicKey | KeyRefusal {
  const key = keyOfOwnDid(did);
  if (!key) return { code: 'VC_KEY_INVALID', reason: `${shown(did)} is not a key we accept` };
  if (keyId === key.keyId || `${did}${keyId}` === key.keyId) return key;
  return { code: 'VC_ISSUER', reason: `kid ${shown(keyId)} is not the key of ${shown(did)}` };
}

/** The key of a `did:key` or `did:jwk`, or `undefined`. */
export function keyOfOwnDid(did: string): PublicKey | undefined {
  if (did.startsWith('did:jwk:')) return keyOfDidJwk(did);
  return isDidKey(did) ? publicKeyOfDid(did) : undefined;
}

function shown(text: string): string {
  return text.slice(0, 200);
}
