/** Whether the Data Integrity proofs of a document hold (VC Data Integrity 1.0 §4.4 and §4.5). */
import type { Relationship } from '../../identity/did-document.ts';
import type { PublicKey } from '../../identity/public-key.ts';
import { type DidDocuments, keyForUrl } from '../../identity/resolve-key.ts';
import { limits } from '../../limits.ts';
import { isRefusal, isUndecided, type Refusal, refuse } from '../refusal.ts';
import type { JsonObject } from '../vcdm-values.ts';
import { canonicalize } from './jcs.ts';
import { type Proof, readProofs, withoutProof } from './proof.ts';
import { inputOf, optionsOf } from './proof-input.ts';
import { checkProofContext, checkRdfForm } from './rdf-form.ts';
import { cryptosuites, digestOf, hashData, verifyHash } from './suite.ts';

/** A document whose RDF is to be canonicalised (RDFC-1.0), and the digest used within. */
export interface RdfInput {
  readonly document: JsonObject;
  readonly digest: 'sha256' | 'sha384';
}

/** What proofs are judged with. */
export interface ProofContext {
  readonly documents: DidDocuments;
  readonly atMs: number;
  /** The N-Quads of an input, where someone has made them; else suites over RDF are undecided. */
  readonly canonicalRdf?: ((input: RdfInput) => string | Refusal) | undefined;
}

/** What the reader expects of proofs. */
export interface ProofDemands {
  readonly purposes: readonly Relationship[];
  /** Whom the proof must address, where the reader wants it addressed. */
  readonly domain?: string | readonly string[];
  /** What the reader asked for, so that the proof cannot be an older one. */
  readonly challenge?: string;
}

/** One proof and what became of it. */
export interface JudgedProof {
  readonly proof: Proof;
  /** DID of the key that signed, and its URL. */
  readonly did: string;
  readonly refusal?: Refusal;
}

/**
 * Judges every proof of a document, in its order. A refusal where the proofs have not the form of
 * proofs; otherwise each with its own. All must hold: one that does not is a document that was
 * changed, or a signature that someone else should not rely on.
 */
export function judgeProofs(
  document: JsonObject,
  context: ProofContext,
  demands: ProofDemands,
): readonly JudgedProof[] | Refusal {
  const proofs = readProofs(document);
  if (isRefusal(proofs)) return proofs;
  return proofs.map((proof) => {
    const did = proof.verificationMethod.split('#')[0] ?? '';
    const refusal =
      checkDemands(proof, context.atMs, demands) ??
      checkSignature(document, proofs, proof, context);
    return { proof, did, ...(refusal && { refusal }) };
  });
}

/** The worst of the refusals: one that decides counts more than one that leaves it open. */
export function worstOf(refusals: readonly (Refusal | undefined)[]): Refusal | undefined {
  const found = refusals.filter((refusal) => refusal !== undefined);
  return found.find(({ code }) => !isUndecided(code)) ?? found[0];
}

function checkDemands(proof: Proof, atMs: number, demands: ProofDemands): Refusal | undefined {
  const { purpose, createdMs, expiresMs, domain, challenge } = proof;
  if (!demands.purposes.includes(purpose)) {
    return refuse('VC_PROOF_PURPOSE', `the proof is for ${purpose}, not ${demands.purposes[0]}`);
  }
  // A signer's clock may be ahead of ours by as much as the skew that we tolerate.
  if (createdMs !== undefined && createdMs > atMs + limits.clockSkewMs) {
    return refuse('VC_NOT_YET_VALID', 'the proof is made later than the time of judging');
  }
  if (expiresMs !== undefined && expiresMs < atMs) {
    return refuse('VC_EXPIRED', 'the proof has expired');
  }
  if (demands.domain !== undefined && !isSameSet(domain, [demands.domain].flat())) {
    return refuse('VC_AUDIENCE', 'the proof is made for another domain');
  }
  if (demands.challenge !== undefined && demands.challenge !== challenge) {
    return refuse('VC_NONCE', 'the proof answers another challenge');
  }
  return undefined;
}

function isSameSet(found: readonly string[], wanted: readonly string[]): boolean {
  return found.every((one) => wanted.includes(one)) && wanted.every((one) => found.includes(one));
}

function checkSignature(
  document: JsonObject,
  proofs: readonly Proof[],
  proof: Proof,
  context: ProofContext,
): Refusal | undefined {
  const { verificationMethod, purpose, cryptosuite, signature } = proof;
  const { canonicalization, algorithms } = cryptosuites[cryptosuite];
  const key = keyForUrl(context.documents, verificationMethod, purpose, context.atMs);
  if (isRefusal(key)) return key;
  if (!(algorithms as readonly string[]).includes(key.algorithm)) {
    return refuse('VC_ALGORITHM', `${cryptosuite} does not go with a key for ${key.algorithm}`);
  }
  const input = inputOf(document, proofs, proof);
  const options = optionsOf(proof);
  if (canonicalization === 'rdfc') {
    return checkRdf({ input, options, key, signature }, context);
  }
  const data = hashData(canonicalize(options), canonicalize(input), key.algorithm);
  return verifyHash(data, signature, key) ? undefined : failed(key);
}

interface Signed {
  readonly input: JsonObject;
  readonly options: JsonObject;
  readonly key: PublicKey;
  readonly signature: Uint8Array;
}

/**
 * vc-di-ecdsa §3.2.3 canonicalises with RDFC-1.0, whose digest is SHA-256 unless told otherwise;
 * Digital Bazaar's library tells it SHA-384 for P-384. Where two blank nodes compete for a name the
 * two differ, and either is a canonical form, so both are tried.
 */
function checkRdf(signed: Signed, context: ProofContext): Refusal | undefined {
  const { canonicalRdf } = context;
  const { key, signature } = signed;
  if (!canonicalRdf) {
    return refuse('VC_RDF_UNAVAILABLE', 'the proof is over RDF, which is not canonicalised here');
  }
  const unfit =
    checkRdfForm(withoutProof(signed.input)) ??
    checkRdfForm(signed.options) ??
    checkProofContext(signed.options, signed.input);
  if (unfit) return unfit;
  const options = { ...signed.options, '@context': signed.input['@context'] };
  for (const digest of new Set(['sha256', digestOf(key.algorithm)] as const)) {
    const canonicalInput = canonicalRdf({ document: signed.input, digest });
    const canonicalOptions = canonicalRdf({ document: options, digest });
    if (typeof canonicalInput !== 'string') return canonicalInput;
    if (typeof canonicalOptions !== 'string') return canonicalOptions;
    const data = hashData(canonicalOptions, canonicalInput, key.algorithm);
    if (verifyHash(data, signature, key)) return undefined;
  }
  return failed(key);
}

function failed({ keyId }: PublicKey): Refusal {
  return refuse('VC_SIGNATURE', `the proof does not verify with ${keyId.slice(0, 200)}`);
}
