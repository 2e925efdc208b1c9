/** Signed receipts: the only acknowledgement that deletes anything. */

export type ReceiptOutcome = 'accepted' | 'refused' | 'held';

/** What became of one credential. */
export interface ReceiptResult {
  /** `credentialDigest` of the bytes received. */
  readonly digest: string;
  readonly outcome: ReceiptOutcome;
  /**
   * `digestMultibase` of all bytes received, signature included, where a refusal rests on those
   * very bytes. Whoever changes a signature on the way has the digest of the genuine credential
   * refused; a gateway that sent other bytes takes no notice.
   */
  readonly bytes?: string;
  /** Reason code where the outcome is not `accepted`. */
  readonly code?: string;
  /** Position in the journal; absent when held. */
  readonly position?: number;
  /** The journal's leaf hash at that position, lower-case hex. */
  readonly leaf?: string;
}

/** What an ingester says to one gateway about one or more credentials. */
export interface Receipt {
  /** DID of the ingester (`did:key`), pinned at the gateway. */
  readonly issuer: string;
  /** Fingerprint of the gateway that it is for. */
  readonly gateway: string;
  readonly issuedMs: number;
  readonly results: readonly ReceiptResult[];
  /** Whether it takes batches in the packed form; its header says so. */
  readonly takesPacked?: boolean;
}
