/**
 * A DID document (W3C DID Core, Controlled Identifiers): which keys may sign for its subject, and
 * where its services stand. Where the document comes from is not decided here, and never by what a
 * message points at.
 */
import type { CredentialCode } from '../errors/credential.ts';
import { limits } from '../limits.ts';
import { parseTime } from '../runtime.ts';
import { compileChecker, type Static, Type } from '../schema.ts';
import { materialOf } from './did-key.ts';
import { type KeyMaterial, keyOfPublishedJwk, type PublicKey } from './public-key.ts';

/** What a key may be used for: claims of an issuer, presentations of a holder. */
export type Relationship = 'assertionMethod' | 'authentication';

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

/** A service of the subject. */
interface Service {
  readonly types: readonly string[];
  /** Endpoints that are URLs; those that are objects are passed over. */
  readonly endpoints: readonly string[];
}

/** What was read of a document. */
export interface DidDocument {
  readonly id: string;
  readonly methods: readonly Method[];
  /** Ids of the methods that may be used, by what for. */
  readonly relationships: Readonly<Record<Relationship, readonly string[]>>;
  readonly services: readonly Service[];
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

const relationshipSchema = Type.Optional(
  Type.Array(Type.Union([Type.String(), methodSchema]), { maxItems: 256 }),
);

/** Open: a document says much that is not about keys. */
const documentSchema = Type.Object({
  id: Type.String({ pattern: '^(did:|https://)[^\\s#?]+$', maxLength: limits.didLengthMax }),
  verificationMethod: Type.Optional(Type.Array(methodSchema, { maxItems: 256 })),
  assertionMethod: relationshipSchema,
  authentication: relationshipSchema,
});

const check = compileChecker(documentSchema);

/** The document of parsed JSON, or a refusal VC_DOCUMENT_INVALID. */
export function readDidDocument(value: unknown): DidDocument | KeyRefusal {
  const invalid = (reason: string): KeyRefusal => ({ code: 'VC_DOCUMENT_INVALID', reason });
  if (!check(value)) return invalid('not a DID document');
  const { id, verificationMethod = [], assertionMethod = [], authentication = [] } = value;
  const embedded = [...assertionMethod, ...authentication].filter(
    (entry) => typeof entry !== 'string',
  );
  const methods = new Map<string, Method>();
  for (const entry of [...verificationMethod, ...embedded]) {
    const method = readMethod(entry, id);
    if (typeof method === 'string') return invalid(method);
    if (methods.has(method.id)) return invalid(`${method.id} is listed twice`);
    methods.set(method.id, method);
  }
  const idsOf = (entries: typeof assertionMethod) =>
    entries.map((entry) => absolute(typeof entry === 'string' ? entry : entry.id, id));
  return {
    id,
    methods: [...methods.values()],
    relationships: {
      assertionMethod: idsOf(assertionMethod),
      authentication: idsOf(authentication),
    },
    services: readServices(value),
  };
}

/**
 * Why a document is not that of an organisation in the trade programme, if it is not (Traceability
 * Interop §5.2.2): VC_KEY_CONTROLLER when a method is controlled by another than its subject,
 * VC_KEY_UNKNOWN when no method is for claims.
 */
export function checkOrganisationDocument(document: DidDocument): KeyRefusal | undefined {
  const { id, methods, relationships } = document;
  const foreign = checkControllers(document);
  if (foreign) return foreign;
  if (methods.some((method) => relationships.assertionMethod.includes(method.id))) return undefined;
  return { code: 'VC_KEY_UNKNOWN', reason: `${id} has no key for claims` };
}

/** A refusal VC_KEY_CONTROLLER when any method has another controller than the subject. */
export function checkControllers({ id, methods }: DidDocument): KeyRefusal | undefined {
  const foreign = methods.find(({ controller }) => controller !== id);
  if (!foreign) return undefined;
  return {
    code: 'VC_KEY_CONTROLLER',
    reason: `${foreign.id} is controlled by ${foreign.controller}`,
  };
}

/** URLs of a document's services of a type, e.g. `TraceabilityAPI`, in the document's order. */
export function serviceEndpoints({ services }: DidDocument, type: string): readonly string[] {
  return services.filter(({ types }) => types.includes(type)).flatMap(({ endpoints }) => endpoints);
}

/** `keyInDocument` for claims. */
export function assertionKeyOf(
  document: DidDocument,
  keyId: string,
  atMs: number,
): PublicKey | KeyRefusal {
  return keyInDocument(document, { keyId, relationship: 'assertionMethod', atMs });
}

/**
 * The key with which `document`'s subject signed under `keyId` (a header's `kid`), judged at
 * `atMs`. Where `keyId` is empty it is the only one that is listed, and VC_KEY_UNNAMED leaves it
 * open which of several. Refusals: VC_KEY_UNKNOWN, VC_KEY_CONTROLLER, VC_KEY_REVOKED,
 * VC_KEY_EXPIRED, VC_KEY_INVALID. The returned key answers to `keyId`, so that `verifyToken`
 * accepts that name.
 *
 * A date of revocation or expiry in the past of `atMs` refuses whatever the key signed, since the
 * signer chooses the dates inside a credential.
 */
export function keyInDocument(
  document: DidDocument,
  wanted: { readonly keyId: string; readonly relationship: Relationship; readonly atMs: number },
): PublicKey | KeyRefusal {
  const { keyId, relationship, atMs } = wanted;
  const ids = document.relationships[relationship];
  const listed = document.methods.filter(({ id }) => ids.includes(id));
  const [only, another] = listed;
  if (keyId === '' && another !== undefined) {
    const reason = `no kid says which key of ${document.id} signed`;
    return { code: 'VC_KEY_UNNAMED', reason };
  }
  const url = keyId === '' ? (only?.id ?? '') : absolute(keyId, document.id);
  // vc-jose-cose §3.3.2: a kid that is no URL names a key within the issuer's own document.
  const method =
    listed.find(({ id }) => id === url) ??
    listed.find(({ id, jwkKid }) => jwkKid === keyId || id === `${document.id}#${keyId}`);
  if (!method) {
    const use = relationship === 'authentication' ? 'present' : 'sign';
    return { code: 'VC_KEY_UNKNOWN', reason: `${keyId || 'it'} may not ${use} for ${document.id}` };
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
    return {
      code: 'VC_KEY_INVALID',
      reason: `${keyId} is not a P-256, P-384, P-521 or Ed25519 key`,
    };
  }
  return { ...method.key, did: document.id, keyId };
}

/** The method, or what is wrong with it. */
function readMethod(entry: Static<typeof methodSchema>, did: string): Method | string {
  const { controller, expires, revoked, publicKeyJwk } = entry;
  const id = absolute(entry.id, did);
  const expiresMs = expires === undefined ? undefined : parseTime(expires);
  const revokedMs = revoked === undefined ? undefined : parseTime(revoked);
  const isTimeless = expires !== undefined && expiresMs === undefined;
  if (isTimeless || (revoked !== undefined && revokedMs === undefined)) {
    return `${id} expires or was revoked at no time that can be read`;
  }
  // Whoever publishes a symmetric key mixes up what is secret (RFC 8725 §3.5): nothing counts.
  if (publicKeyJwk?.['kty'] === 'oct') return `${id} is a symmetric key`;
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

/** Types whose key is a JWK, and types whose key is a Multikey; the older names say the same. */
const JWK_TYPES = ['JsonWebKey', 'JsonWebKey2020'];
const MULTIBASE_TYPES = ['Multikey', 'Ed25519VerificationKey2020'];
/** A secret in public means that anyone can sign; such a key proves nothing. */
const SECRETS = ['secretKeyJwk', 'privateKeyJwk', 'secretKeyMultibase', 'privateKeyMultibase'];

function readKey(entry: Static<typeof methodSchema>): KeyMaterial | undefined {
  const { type, publicKeyJwk: jwk, publicKeyMultibase: multibase } = entry;
  const members = new Map(Object.entries(entry));
  if (SECRETS.some((name) => members.get(name) !== undefined)) return undefined;
  if (jwk && multibase !== undefined) return undefined;
  if (jwk) return JWK_TYPES.includes(type) ? keyOfPublishedJwk(jwk) : undefined;
  if (!MULTIBASE_TYPES.includes(type) || !multibase?.startsWith('z')) return undefined;
  return materialOf(multibase.slice(1));
}

/** Services as far as they are in order: they say where, never who, so a bad one is no mistake. */
function readServices(document: object): Service[] {
  const { service } = document as { service?: unknown };
  if (!Array.isArray(service)) return [];
  return service.slice(0, limits.didServicesMax).flatMap((entry: unknown) => {
    const { type, serviceEndpoint } = (entry ?? {}) as Record<string, unknown>;
    const [types, endpoints] = [textsOf(type), textsOf(serviceEndpoint)];
    return types.length > 0 ? [{ types, endpoints }] : [];
  });
}

function textsOf(value: unknown): string[] {
  return [value].flat().filter((one) => typeof one === 'string');
}

/** DID Core §3.2.2: `#k1` is relative to the document's own DID. */
function absolute(id: string, did: string): string {
  return id.startsWith('#') ? `${did}${id}` : id;
}
