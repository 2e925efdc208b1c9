/** The contract of the documents at hand: what verification may rest on, and nothing is fetched. */
import type { DidDocument } from '../identity/did-document.ts';

/** Documents that someone put there: a folder, a journal, a test's own. */
export interface Documents {
  /** The pinned document of an organisation. */
  didDocument(did: string): DidDocument | undefined;
  /**
   * The status list credential that is published at `url`, as a token or as JSON with a proof
   * inside; not verified.
   */
  statusList(url: string): Uint8Array | undefined;
  /**
   * Tokens of enrolments of a device, newest first; not verified. With `digest` only the one that
   * it names.
   */
  enrolments(device: string, digest?: string): readonly Uint8Array[];
}
