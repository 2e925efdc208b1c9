/**
 * A party credential with proofs inside (Data Integrity): what names it, and whether those signed
 * who have to, in their order. Tokens need neither: their digest is that of every token.
 */
import { strict as assert } from 'node:assert';
import { digestMultibase } from '../../profile.ts';
import { judgeProofs, type ProofContext, worstOf } from '../proof/check-proofs.ts';
import { canonicalize } from '../proof/jcs.ts';
import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import { isObject, type JsonObject } from '../vcdm-values.ts';

/**
 * The digest that names a document with proofs: SHA-256 of its canonical form without the values of
 * its proofs, since a second valid signature can be made of one without the key.
 */
export function documentDigest(document: JsonObject): string {
  const { proof } = document as { proof?: unknown };
  const proofs = [proof ?? []].flat().map(withoutValue);
  return digestMultibase(Buffer.from(canonicalize({ ...document, proof: proofs }), 'utf8'));
}

function withoutValue(proof: unknown): unknown {
  if (!isObject(proof)) return proof;
  const { proofValue: _value, ...rest } = proof as JsonObject & { proofValue?: unknown };
  return rest;
}

/**
 * Whether exactly `signers` signed, each once, in this order, every proof made over the one before
 * it. `undefined` when it holds; VC_PROOF_CHAIN, VC_ISSUER and the codes of `judgeProofs` otherwise.
 */
export function checkSigners(
  document: JsonObject,
  signers: readonly string[],
  context: ProofContext,
): Refusal | undefined {
  assert(signers.length > 0, 'a credential has a signer');
  const judged = judgeProofs(document, context, { purposes: ['assertionMethod'] });
  if (isRefusal(judged)) return judged;
  const worst = worstOf(judged.map(({ refusal }) => refusal));
  if (worst) return worst;
  const stranger = judged.find(({ did }, index) => did !== signers[index]);
  if (stranger) {
    const reason = `${stranger.did.slice(0, 200)} signed where another has to`;
    return refuse('VC_ISSUER', reason);
  }
  if (judged.length < signers.length) {
    const missing = signers[judged.length] ?? '';
    return refuse('VC_PROOF_CHAIN', `${missing.slice(0, 200)} has not signed yet`);
  }
  for (const [index, { proof }] of judged.entries()) {
    const before = judged[index - 1]?.proof.id;
    if (index > 0 && (before === undefined || !proof.previous.includes(before))) {
      return refuse('VC_PROOF_CHAIN', 'a proof is not made over the one before it');
    }
  }
  return undefined;
}
