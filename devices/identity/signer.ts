/** What signs: a key that stays where it is, with the name under which others know it. */

export type Algorithm = 'ES256' | 'EdDSA';

/** A key that signs. */
export interface Signer {
  /** `did:key` of the key, or the DID that the store was told to use for it. */
  readonly did: string;
  /** DID URL of the verification method; the header's `kid`. */
  readonly keyId: string;
  readonly algorithm: Algorithm;
  /** JOSE signature over `data`: 64 bytes, r‖s for ES256 (RFC 7518 §3.4). */
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
