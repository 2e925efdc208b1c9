/** The one place where suites meet the public verifier, and what they give it. */
import type { Documents } from '../../devices/credential/documents.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import type { VerdictReport } from '../../devices/credential/verdict.ts';
import { verifyCredential } from '../../devices/credential/verify.ts';
import type { VerifyContext } from '../../devices/credential/verify-context.ts';
import { type DidDocument, readDidDocument } from '../../devices/identity/did-document.ts';
import { noDocuments } from '../../devices/io/documents.ts';

/** Judges bytes as `bondline-ingest verify` does. */
export async function judge(bytes: Uint8Array, context: VerifyContext): Promise<VerdictReport> {
  return verifyCredential(bytes, context);
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
