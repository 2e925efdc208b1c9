/** Composes Data Integrity proofs: one alone, beside others, or over earlier ones (a chain). */
import { strict as assert } from 'node:assert';
import { encodeBase58 } from '../../identity/base58.ts';
import type { Relationship } from '../../identity/did-document.ts';
import type { Signer } from '../../identity/signer.ts';
import { parseTime } from '../../runtime.ts';
import { isRefusal } from '../refusal.ts';
import type { JsonObject } from '../vcdm-values.ts';
import { canonicalize } from './jcs.ts';
import { readProofs, withoutProof } from './proof.ts';
import { inputOf } from './proof-input.ts';
import { type CryptosuiteName, hashData } from './suite.ts';

/** What a proof says besides its signature. */
export interface ProofOptions {
  readonly purpose: Relationship;
  /** When it is made, RFC 3339 with a zone, e.g. `formatTime(clock.nowMs())`. */
  readonly created: string;
  readonly expires?: string;
  /** A name, needed where a later proof is made over this one: a URL such as `urn:uuid:…`. */
  readonly id?: string;
  /** Ids of proofs of the document over which this one is made: it vouches for them too. */
  readonly previousProof?: string | readonly string[];
  readonly domain?: string | readonly string[];
  readonly challenge?: string;
}

/** The suite in which a key signs. */
const SUITES = {
  ES256: 'ecdsa-jcs-2019',
  EdDSA: 'eddsa-jcs-2022',
} as const satisfies Record<Signer['algorithm'], CryptosuiteName>;

/**
 * The document with one more proof by `signer` (VC Data Integrity §4.3, Add Proof Set/Chain):
 * `ecdsa-jcs-2019` for a P-256 key, `eddsa-jcs-2022` for Ed25519. Proofs that are there stay as
 * they are, so check a document of others before adding to it.
 */
export async function addProof(
  document: JsonObject,
  signer: Signer,
  options: ProofOptions,
): Promise<JsonObject> {
  const { created, expires, id, previousProof } = options;
  for (const time of [created, expires]) {
    assert(time === undefined || parseTime(time) !== undefined, `${time} is a time with a zone`);
  }
  const before = Object.hasOwn(document, 'proof') ? readProofs(document) : [];
  assert(!isRefusal(before), 'the proofs that are there have the form of proofs');
  const previous = [previousProof ?? []].flat();
  assert(
    previous.every((wanted) => before.some((proof) => proof.id === wanted)),
    'the previous proof is there',
  );
  assert(id === undefined || before.every((proof) => proof.id !== id), `${id} is a new id`);
  const cryptosuite = SUITES[signer.algorithm];
  const proof = proofOptions(document, signer, options);
  const input = inputOf(document, before, { raw: proof, previous, cryptosuite });
  const data = hashData(canonicalize(proof), canonicalize(input), signer.algorithm);
  const signature = await signer.sign(data);
  assert(signature.length === 64, 'a signature of P-256 or Ed25519 has 64 bytes');
  const made = { ...proof, proofValue: `z${encodeBase58(signature)}` };
  const raws = before.map(({ raw }) => raw);
  return { ...withoutProof(document), proof: raws.length === 0 ? made : [...raws, made] };
}

function proofOptions(document: JsonObject, signer: Signer, options: ProofOptions): JsonObject {
  const { id, purpose, created, expires, domain, challenge, previousProof } = options;
  const { '@context': contexts } = document as { '@context'?: unknown };
  return {
    ...(contexts !== undefined && { '@context': contexts }),
    ...(id !== undefined && { id }),
    type: 'DataIntegrityProof',
    cryptosuite: SUITES[signer.algorithm],
    created,
    ...(expires !== undefined && { expires }),
    verificationMethod: signer.keyId,
    proofPurpose: purpose,
    ...(domain !== undefined && { domain }),
    ...(challenge !== undefined && { challenge }),
    ...(previousProof !== undefined && { previousProof }),
  };
}
