/** What a verdict rests on: documents, a time, and what the reader expects. */
import type { Documents } from './documents.ts';
import type { ContextReading, ContextSource } from './json-ld-context.ts';
import type { ProofContext } from './proof/check-proofs.ts';
import type { DigestSource } from './vcdm-resources.ts';

/** What is at hand, and the time at which is judged. */
export interface VerifyContext {
  readonly documents: Documents;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Whom presentations must address (`aud`, or `domain` of a proof), where this matters. */
  readonly audience?: string;
  /** What presentations must answer (`nonce`, or `challenge` of a proof), where this matters. */
  readonly nonce?: string;
  /** Also takes the media types of drafts, `vc+ld+jwt` and the like. */
  readonly legacyTypes?: boolean;
  /** N-Quads that someone has made; absent, proofs over RDF are left undecided. */
  readonly canonicalRdf?: ProofContext['canonicalRdf'];
  /** JSON-LD contexts at hand, from a pinned set; what types mean is checked with them. */
  readonly contexts?: ContextSource;
  /** What was read of them for this file, so that all of its parts share it and its bound. */
  readonly reading?: ContextReading;
  /** Digests of their bytes as they came, which issuers may have named. */
  readonly digestsOf?: DigestSource;
}
