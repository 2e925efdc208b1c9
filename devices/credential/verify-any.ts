/**
 * `verifyCredential` with proofs over RDF too. Judging stays one synchronous pass; the canonical
 * forms that it lacks are made in between, and then it is judged again.
 */
import { limits } from '../limits.ts';
import type { RdfInput } from './proof/check-proofs.ts';
import { canonicalize } from './proof/jcs.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { VerdictReport } from './verdict.ts';
import { verifyCredential } from './verify.ts';
import type { VerifyContext } from './verify-context.ts';

/** Makes the canonical N-Quads of a document (RDFC-1.0), or says why not; devices/io/json-ld.ts. */
export type CanonizeRdf = (input: RdfInput) => Promise<string | Refusal>;

/** Judges the bytes of a file; each document over RDF is canonicalised once. */
export async function verifyAny(
  bytes: Uint8Array,
  context: VerifyContext,
  canonize: CanonizeRdf,
): Promise<VerdictReport> {
  const made = new Map<string, string | Refusal>();
  for (;;) {
    const wanted = new Map<string, RdfInput>();
    const canonicalRdf = (input: RdfInput): string | Refusal => {
      const name = `${input.digest} ${canonicalize(input.document)}`;
      const found = made.get(name);
      if (found !== undefined) return found;
      if (made.size + wanted.size >= limits.rdfDocumentsMax) {
        return refuse('VC_RDF_WORK', `more than ${limits.rdfDocumentsMax} documents over RDF`);
      }
      wanted.set(name, input);
      return refuse('VC_RDF_UNAVAILABLE', 'the RDF is being canonicalised');
    };
    const report = verifyCredential(bytes, { ...context, canonicalRdf });
    if (wanted.size === 0) return report;
    for (const [name, input] of wanted) made.set(name, await attempt(canonize, input));
  }
}

/** A failure of the canonicaliser leaves the verdict open, like any other of ours. */
async function attempt(canonize: CanonizeRdf, input: RdfInput): Promise<string | Refusal> {
  try {
    return await canonize(input);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return refuse('VC_INTERNAL', `canonicalising failed: ${what.slice(0, 200)}`);
  }
}
