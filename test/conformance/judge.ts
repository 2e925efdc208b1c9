/** The one place where suites meet the public verifier, and what they give it. */
import type { Documents } from '../../devices/credential/documents.ts';
import type { ContextSource } from '../../devices/credential/json-ld-context.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import type { VerdictReport } from '../../devices/credential/verdict.ts';
import { type CanonizeRdf, verifyAny } from '../../devices/credential/verify-any.ts';
import { type DidDocument, readDidDocument } from '../../devices/identity/did-document.ts';
import { noDocuments, openDocuments } from '../../devices/io/documents.ts';
import { contextOf, openJsonLd } from '../../devices/io/json-ld.ts';
import { contextFolders, type Vectors } from './vectors.ts';

/** What a case gives the verifier; contexts are those beside the vectors. */
export interface Judging {
  readonly documents?: Documents;
  readonly atMs: number;
  /** Also takes the media types of drafts. */
  readonly legacyTypes?: boolean;
}

/** Judges bytes as `bondline-ingest verify` does. */
export async function judge(
  { root }: Vectors,
  bytes: Uint8Array,
  { documents = noDocuments, atMs, legacyTypes = false }: Judging,
): Promise<VerdictReport> {
  const { contexts, canonize } = jsonLdOf(root);
  return verifyAny(bytes, { documents, atMs, legacyTypes, contexts }, canonize);
}

interface JsonLdAtHand {
  readonly contexts: ContextSource;
  readonly canonize: CanonizeRdf;
}

const opened = new Map<string, JsonLdAtHand>();

/** The pinned contexts beside the vectors, and the canonicaliser over them. */
export function jsonLdOf(root: string): JsonLdAtHand {
  const known = opened.get(root);
  if (known) return known;
  const found = contextFolders(root).map((folder) => openDocuments(folder).contexts);
  const byHash = new Map(found.flatMap((contexts) => [...contexts]));
  const contexts: ContextSource = (url) => {
    const context = contextOf(url, byHash);
    return isRefusal(context) ? undefined : context;
  };
  const made = { contexts, canonize: openJsonLd(byHash) };
  opened.set(root, made);
  return made;
}

/** Documents as someone would have pinned them; what is no DID document is left out. */
export function pinned(
  didDocuments: readonly unknown[],
  statusLists: ReadonlyMap<string, Uint8Array> = new Map(),
): Documents {
  const read = didDocuments.map(readDidDocument).filter((one) => !isRefusal(one)) as DidDocument[];
  const byDid = new Map(read.map((document) => [document.id, document]));
  return {
    ...noDocuments,
    didDocument: (did) => byDid.get(did),
    statusList: (url) => statusLists.get(url),
  };
}

/** What a verdict says, in a sentence for a case that failed. */
export function told({ verdict, code, reason }: VerdictReport): string {
  return `${verdict}, ${code}: ${reason}`;
}
