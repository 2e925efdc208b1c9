/**
 * One Data Integrity proof (VC Data Integrity 1.0 §2.1), taken apart strictly. Nothing in it is
 * proven until `checkProofs` says so.
 */
import { decodeBase58 } from '../../identity/base58.ts';
import type { Relationship } from '../../identity/did-document.ts';
import { limits } from '../../limits.ts';
import { millisecondsOf } from '../claims.ts';
import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import { isObject, isUrl, type JsonObject } from '../vcdm-values.ts';
import { canonicalize } from './jcs.ts';
import { type CryptosuiteName, cryptosuites, isCryptosuite } from './suite.ts';

/** A proof that has the form of one. */
export interface Proof {
  /** As it came: its members are hashed, also those that are not named here. */
  readonly raw: JsonObject;
  readonly cryptosuite: CryptosuiteName;
  readonly id?: string;
  /** Absolute URL of the key. */
  readonly verificationMethod: string;
  readonly purpose: Relationship;
  /** Ids of the proofs that this one was made over. */
  readonly previous: readonly string[];
  readonly signature: Uint8Array;
  readonly createdMs?: number;
  readonly expiresMs?: number;
  readonly domain: readonly string[];
  readonly challenge?: string;
}

/**
 * The proofs of a secured document, in its order; a proof alone is a set of one. Refusals:
 * VC_PROOF, VC_PROOF_CHAIN, VC_PROOF_CONTEXT, VC_PROOF_PURPOSE, VC_PROOF_SUITE.
 */
export function readProofs(document: JsonObject): readonly Proof[] | Refusal {
  const { proof } = document as { proof?: unknown };
  const entries = Array.isArray(proof) ? proof : [proof];
  if (entries.length === 0) return refuse('VC_PROOF', 'the set of proofs is empty');
  if (entries.length > limits.proofsMax) {
    return refuse('VC_PROOF', `${entries.length} proofs, at most ${limits.proofsMax} are read`);
  }
  const proofs: Proof[] = [];
  for (const entry of entries) {
    const read = readProof(entry, document);
    if (isRefusal(read)) return read;
    proofs.push(read);
  }
  return checkChain(proofs) ?? proofs;
}

/** The document without its proofs: what is claimed. */
export function withoutProof(document: JsonObject): JsonObject {
  const { proof: _, ...rest } = document as JsonObject & { proof?: unknown };
  return rest;
}

/** Contexts that stand in `@context`, of which a single one may stand without brackets. */
export function contextsOf(document: JsonObject): readonly unknown[] {
  const { '@context': contexts } = document as { '@context'?: unknown };
  if (contexts === undefined) return [];
  return Array.isArray(contexts) ? contexts : [contexts];
}

function readProof(entry: unknown, document: JsonObject): Proof | Refusal {
  if (!isObject(entry)) return refuse('VC_PROOF', 'a proof is not a JSON object');
  const raw: Record<string, unknown> = entry;
  const cryptosuite = readSuite(raw);
  if (typeof cryptosuite !== 'string') return cryptosuite;
  const { verificationMethod, proofPurpose: purpose, id } = raw;
  // VC Data Integrity §2.1: an absolute URL; a key is one part of a document, so it has a fragment.
  if (
    typeof verificationMethod !== 'string' ||
    !/^[a-z]+:[^#\s]+#[^#\s]+$/.test(verificationMethod)
  ) {
    return refuse('VC_PROOF', 'verificationMethod is not the absolute URL of a key');
  }
  if (purpose !== 'assertionMethod' && purpose !== 'authentication') {
    return refuse('VC_PROOF_PURPOSE', `proofPurpose is ${shown(purpose)}`);
  }
  // VC Data Integrity §2.1: a URL, where there is one.
  if (id !== undefined && !isUrl(id)) return refuse('VC_PROOF', 'the id of a proof is not a URL');
  const signature = readSignature(raw['proofValue']);
  if (isRefusal(signature)) return signature;
  const rest = readOptions(raw);
  if (isRefusal(rest)) return rest;
  const isJson = cryptosuites[cryptosuite].canonicalization === 'jcs';
  const unfit = isJson ? checkContext(raw, document) : undefined;
  if (unfit) return unfit;
  return {
    raw,
    cryptosuite,
    ...(id !== undefined && { id }),
    verificationMethod,
    purpose,
    signature,
    ...rest,
  };
}

/** Suites and older types of proof that others use, and that this program does not judge. */
const FOREIGN_SUITES = ['bbs-2023', 'ecdsa-sd-2023', 'ecdsa-xi-2023'];
const FOREIGN_TYPES = /^(Ed25519Signature20|JsonWebSignature20|Bbs|EcdsaSecp256|RsaSignature20)/;

function readSuite({ type, cryptosuite }: Record<string, unknown>): CryptosuiteName | Refusal {
  if (type !== 'DataIntegrityProof') {
    const isForeign = typeof type === 'string' && FOREIGN_TYPES.test(type);
    return isForeign && cryptosuite === undefined
      ? refuse('VC_FORM_UNSUPPORTED', `secured by a proof of type ${type}`)
      : refuse('VC_PROOF_SUITE', `the type of the proof is ${shown(type)}`);
  }
  if (typeof cryptosuite !== 'string') return refuse('VC_PROOF_SUITE', 'cryptosuite is missing');
  if (isCryptosuite(cryptosuite)) return cryptosuite;
  return FOREIGN_SUITES.includes(cryptosuite)
    ? refuse('VC_FORM_UNSUPPORTED', `secured by the cryptosuite ${cryptosuite}`)
    : refuse('VC_PROOF_SUITE', `cryptosuite is ${shown(cryptosuite)}`);
}

/** Longest base58 text of a signature that is accepted: 96 bytes need 132 digits. */
const DIGITS_MAX = 132;

/** vc-di-eddsa §3.3.1, vc-di-ecdsa §3.3.1: multibase `z`, the base58btc of the signature. */
function readSignature(value: unknown): Uint8Array | Refusal {
  const isMultibase = typeof value === 'string' && value.startsWith('z');
  const bytes =
    isMultibase && value.length <= 1 + DIGITS_MAX ? decodeBase58(value.slice(1)) : undefined;
  if (!bytes || ![64, 96].includes(bytes.length)) {
    return refuse('VC_PROOF', 'proofValue is not multibase z… of a signature');
  }
  return bytes;
}

type Options = Pick<Proof, 'createdMs' | 'expiresMs' | 'previous' | 'domain' | 'challenge'>;

function readOptions(raw: Record<string, unknown>): Options | Refusal {
  const { created, expires, previousProof, domain, challenge, nonce } = raw;
  const [createdMs, expiresMs] = [millisecondsOf(created), millisecondsOf(expires)];
  if (createdMs === null || expiresMs === null) {
    return refuse('VC_PROOF', 'created or expires is not a time with a zone');
  }
  const [previous, domains] = [textsOf(previousProof), textsOf(domain)];
  if (!previous) return refuse('VC_PROOF_CHAIN', 'previousProof is neither text nor a list of it');
  if (!domains) return refuse('VC_PROOF', 'domain is neither text nor a list of it');
  if (!isOptionalText(challenge) || !isOptionalText(nonce)) {
    return refuse('VC_PROOF', 'challenge or nonce is not text');
  }
  return {
    previous,
    domain: domains,
    ...(createdMs !== undefined && { createdMs }),
    ...(expiresMs !== undefined && { expiresMs }),
    ...(challenge !== undefined && { challenge }),
  };
}

/** The contexts under which a proof was made are the first ones of the document (§3.3.2 step 4). */
function checkContext(raw: JsonObject, document: JsonObject): Refusal | undefined {
  if (!Object.hasOwn(raw, '@context')) return undefined;
  const [signed, all] = [contextsOf(raw), contextsOf(document)];
  const isPrefix =
    signed.length > 0 &&
    signed.length <= all.length &&
    signed.every((context, index) => canonicalize(context) === canonicalize(all[index]));
  if (isPrefix) return undefined;
  return refuse('VC_PROOF_CONTEXT', "the proof's @context does not begin the document's");
}

/** Every id once, every previous proof there, and no proof made over itself. */
function checkChain(proofs: readonly Proof[]): Refusal | undefined {
  const byId = new Map<string, Proof>();
  for (const proof of proofs) {
    if (proof.id === undefined) continue;
    if (byId.has(proof.id)) {
      return refuse('VC_PROOF_CHAIN', `two proofs are called ${shown(proof.id)}`);
    }
    byId.set(proof.id, proof);
  }
  for (const { previous } of proofs) {
    const missing = previous.find((id) => !byId.has(id));
    if (missing !== undefined) {
      return refuse('VC_PROOF_CHAIN', `the previous proof ${shown(missing)} is not there`);
    }
    if (new Set(previous).size !== previous.length) {
      return refuse('VC_PROOF_CHAIN', 'previousProof names a proof twice');
    }
  }
  return hasCycle(proofs, byId)
    ? refuse('VC_PROOF_CHAIN', 'proofs are made over one another in a circle')
    : undefined;
}

/** Takes away, again and again, the proofs that rest on none of the others. */
function hasCycle(proofs: readonly Proof[], byId: ReadonlyMap<string, Proof>): boolean {
  let left = [...proofs];
  for (let before = -1; left.length !== before; ) {
    before = left.length;
    const waiting = new Set(left);
    left = left.filter(({ previous }) =>
      previous.some((id) => {
        const found = byId.get(id);
        return found !== undefined && waiting.has(found);
      }),
    );
  }
  return left.length > 0;
}

/** Nothing, a text or a list of texts as a list; `undefined` for anything else. */
function textsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return [];
  const entries: unknown[] = Array.isArray(value) ? value : [value];
  const texts = entries.filter((entry) => typeof entry === 'string' && entry !== '');
  return entries.length > 0 && texts.length === entries.length ? (texts as string[]) : undefined;
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function shown(value: unknown): string {
  return value === undefined ? 'absent' : (JSON.stringify(value)?.slice(0, 80) ?? 'not text');
}
