/**
 * `did:jwk`: a DID that is its own JWK. The part after the method is the base64url of the JWK's
 * JSON in UTF-8; its one verification method has the fragment `#0` (did:jwk specification §3).
 */
import { EdgeError } from '../errors.ts';
import { limits } from '../limits.ts';
import { jwkOfKey, keyOfJwk, keyOfPublishedJwk, type PublicKey } from './public-key.ts';

const PREFIX = 'did:jwk:';

/**
 * The `did:jwk` of a public JWK (P-256, P-384, P-521 or Ed25519), with the members of RFC 7638
 * alone.
 *
 * @throws EdgeError DID_INVALID when the JWK is not such a key.
 */
export function didJwkOfPublicJwk(jwk: Readonly<Record<string, unknown>>): string {
  const material = keyOfJwk(jwk);
  if (!material) throw new EdgeError('DID_INVALID', 'making a did:jwk of a JWK');
  const json = JSON.stringify(jwkOfKey(material.key));
  return `${PREFIX}${Buffer.from(json, 'utf8').toString('base64url')}`;
}

/**
 * The key that a `did:jwk` is, or `undefined` when it is too long, not canonical base64url, not
 * strict JSON, holds a secret, is not for signatures, or is no key that `keyOfJwk` gives.
 */
export function keyOfDidJwk(did: string): PublicKey | undefined {
  const jwk = jwkOfDid(did);
  const material = jwk && keyOfPublishedJwk(jwk);
  return material && { ...material, did, keyId: `${did}#0` };
}

/** The JWK inside, as it stands there; not yet known to be a key. */
function jwkOfDid(did: string): Readonly<Record<string, unknown>> | undefined {
  if (!did.startsWith(PREFIX) || did.length > limits.didLengthMax) return undefined;
  const encoded = did.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64url');
  // Node's decoder passes over padding, foreign characters and stray bits; the encoder has none.
  if (bytes.toString('base64url') !== encoded) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return isObject(value) && isWrittenOnce(text, value) ? value : undefined;
  } catch {
    // Neither UTF-8 nor JSON.
    return undefined;
  }
}

/**
 * Whether the text says each member once and in one way: apart from white space between its
 * tokens it is what a writer makes of the value, so that no other reader finds another key in it.
 */
function isWrittenOnce(text: string, value: object): boolean {
  const compact = text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
  // A lone surrogate can only stand in an escape, since the text was valid UTF-8.
  return !compact.includes('\\ud') && compact === JSON.stringify(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
