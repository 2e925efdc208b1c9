/** Over which document a proof is made (VC Data Integrity 1.0 §4.3 and §4.5). */
import type { JsonObject } from '../vcdm-values.ts';
import { contextsOf, type Proof, withoutProof } from './proof.ts';
import { cryptosuites } from './suite.ts';

type Made = Pick<Proof, 'raw' | 'previous' | 'cryptosuite'>;

/**
 * The document as it was signed: without its proofs, but with those that this one was made over.
 * A proof over JSON may name contexts of its own (vc-di-eddsa §3.3.2 step 4), and then these are
 * the document's; one over RDF always has the document's.
 */
export function inputOf(document: JsonObject, proofs: readonly Proof[], made: Made): JsonObject {
  const { previous, raw } = made;
  const matching = proofs.filter(({ id }) => id !== undefined && previous.includes(id));
  return {
    ...withoutProof(document),
    ...(namesContexts(made) && { '@context': raw['@context'] }),
    ...(matching.length > 0 && { proof: matching.map((proof) => proof.raw) }),
  };
}

/** What the proof says about itself, which is signed too: all but the signature. */
export function optionsOf({ raw }: Pick<Proof, 'raw'>): JsonObject {
  const { proofValue: _, ...options } = raw as JsonObject & { proofValue?: unknown };
  return options;
}

/** How many of the document's contexts, at its end, a proof leaves out. */
export function uncoveredContexts(document: JsonObject, made: Made): number {
  return namesContexts(made) ? contextsOf(document).length - contextsOf(made.raw).length : 0;
}

function namesContexts({ cryptosuite, raw }: Made): boolean {
  return cryptosuites[cryptosuite].canonicalization === 'jcs' && Object.hasOwn(raw, '@context');
}
