/**
 * An organisation's DID document (W3C DID Core, Controlled Identifiers): which keys may sign for
 * it. The document comes from a pinned file, never from where a message points.
 */
import type { CredentialCode } from '../errors/credential.ts';
import { parseTime } from '../runtime.ts';
import { compileChecker, type Static, Type } from '../schema.ts';
import { materialOf } from './did-key.ts';
import { isAlgorithmOf, type KeyMaterial, keyOfJwk, type PublicKey } from './public-key.ts';

/** One key in a document; `key` is absent where it is of a kind that is not accepted. */
interface Method {
  readonly id: string;
  readonly controller: string;
  readonly key?: KeyMaterial;
  readonly expiresMs?: number;
  readonly revokedMs?: number;
  /** The `kid` inside its JWK, by which some issuers call it. */
  readonly jwkKid?: string;
}

/** What was read of a document. */
export interface DidDocument {
  readonly id: string;
  readonly methods: readonly Method[];
  /** Ids of the methods that may sign claims. */
  readonly assertionMethods: readonly string[];
}

/** A document or key that is not to be used; the code is one of a verdict. */
export interface KeyRefusal {
  readonly code: CredentialCode;
  readonly reason: string;
}

const methodSchema = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.String(),
  controller: Type.String({ minLength: 1 }),
  publicKeyJwk: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  publicKeyMultibase: Type.Optional(Type.String()),
  expires: Type.Optional(Type.String()),
  revoked: Type.Optional(Type.String()),
});

/** Open: a document says much that is not about keys. */
const documentSchema = Type.Object({
  id: Type.String({ pattern: '^(did:|https://)[^\\s#?]+$' }),
  verificationMethod: Type.Optional(Type.Array(methodSchema, { maxItems: 256 })),
  assertionMethod: Type.Optional(
    Type.Array(Type.Union([Type.String(), methodSchema]), { maxItems: 256 }),
  ),
});

const check = compileChecker(documentSchema);

/** The document of parsed JSON, or a refusal VC_DOCUMENT_INVALID. */
export function readDidDocument(value: unknown): DidDocument | KeyRefusal {
  const invalid = (reason: string): KeyRefusal => ({ code: 'VC_DOCUMENT_INVALID', reason });
  if (!check(value)) return invalid('not a DID document');
  const { id, verificationMethod = [], assertionMethod = [] } = value;
  const embedded = assertionMethod.filter((entry) => typeof entry !== 'string');
  const methods: Method[] = [];
  for (const entry of [...verificationMethod, ...embedded]) {
    const method = readMethod(entry, id);
    if (typeof method === 'string') return invalid(method);
    if (methods.some((known) => known.id === method.id)) {
      return invalid(`${method.id} is listed twice`);
    }
    methods.push(method);
  }
  const assertionMethods = assertionMethod.map((entry) =>
    absolute(typeof entry === 'string' ? entry : entry.id, id),
  );
  return { id, methods, assertionMethods };
}

/**
 * The key with which `document`'s subject signed under `keyId` (a header's `kid`), judged at
 * `atMs`. Refusals: VC_KEY_UNKNOWN, VC_KEY_CONTROLLER, VC_KEY_REVOKED, VC_KEY_EXPIRED,
 * VC_KEY_INVALID. The returned key answers to `keyId`, so that `verifyToken` accepts that name.
 *
 * A date of revocation or expiry in the past of `atMs` refuses whatever the key signed, since the
 * signer chooses the dates inside a credential.
 */
export function assertionKeyOf(
  document: DidDocument,
  keyId: string,
  atMs: number,
): PublicKey | KeyRefusal {
  const listed = document.methods.filter(({ id }) => document.assertionMethods.includes(id));
  const wanted = absolute(keyId, document.id);
  // vc-jose-cose §3.3.2: a kid that is no URL names a key within the issuer's own document.
  const method =
    listed.find(({ id }) => id === wanted) ??
    listed.find(({ id, jwkKid }) => jwkKid === keyId || id === `${document.id}#${keyId}`);
  if (!method) {
    return { code: 'VC_KEY_UNKNOWN', reason: `${keyId} may not sign for ${document.id}` };
  }
  if (method.controller !== document.id) {
    return { code: 'VC_KEY_CONTROLLER', reason: `${keyId} is controlled by ${method.controller}` };
  }
  if (method.revokedMs !== undefined && method.revokedMs <= atMs) {
    return { code: 'VC_KEY_REVOKED', reason: `${keyId} is revoked` };
  }
  if (method.expiresMs !== undefined && method.expiresMs <= atMs) {
    return { code: 'VC_KEY_EXPIRED', reason: `${keyId} has expired` };
  }
  if (!method.key) {
    return { code: 'VC_KEY_INVALID', reason: `${keyId} is not a P-256, P-384 or Ed25519 key` };
  }
  return { ...method.key, did: document.id, keyId };
}

/** The method, or what is wrong with it. */
function readMethod(entry: Static<typeof methodSchema>, did: string): Method | string {
  const { controller, expires, revoked, publicKeyJwk } = entry;
  const id = absolute(entry.id, did);
  const expiresMs = expires === undefined ? undefined : parseTime(expires);
  const revokedMs = revoked === undefined ? undefined : parseTime(revoked);
  if ((expires !== undefined && expiresMs === undefined) || (revoked && revokedMs === undefined)) {
    return `${id} expires or was revoked at no time that can be read`;
  }
  const key = readKey(entry);
  const jwkKid = publicKeyJwk?.['kid'];
  return {
    id,
    controller,
    ...(key && { key }),
    ...(expiresMs !== undefined && { expiresMs }),
    ...(revokedMs !== undefined && { revokedMs }),
    ...(typeof jwkKid === 'string' && { jwkKid }),
  };
}

function readKey(entry: Static<typeof methodSchema>): KeyMaterial | undefined {
  const { publicKeyJwk: jwk, publicKeyMultibase: multibase } = entry;
  if (jwk && multibase !== undefined) return undefined;
  if (multibase?.startsWith('z')) return materialOf(multibase.slice(1));
  // A private member in public means that anyone can sign; such a key proves nothing.
  if (!jwk || 'd' in jwk || (jwk['use'] !== undefined && jwk['use'] !== 'sig')) return undefined;
  const key = keyOfJwk(jwk);
  if (!key || jwk['alg'] === undefined) return key;
  const { alg } = jwk;
  return typeof alg === 'string' && isAlgorithmOf(alg, key.algorithm) ? key : undefined;
}

/** DID Core §3.2.2: `#k1` is relative to the document's own DID. */
function absolute(id: string, did: string): string {
  return id.startsWith('#') ? `${did}${id}` : id;
}
