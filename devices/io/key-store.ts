/** The contract of a key store: keys are made inside and sign inside; they are never handed out. */

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

export interface StoredKey {
  /** Name that the owner gave it, e.g. `gateway` or a device's name. */
  readonly label: string;
  readonly did: string;
  readonly keyId: string;
  readonly algorithm: Algorithm;
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly createdMs: number;
}

export interface KeyStore {
  list(): readonly StoredKey[];
  /** Makes a key inside the store. @throws EdgeError KEY_LABEL_TAKEN */
  create(label: string, algorithm: Algorithm): Promise<StoredKey>;
  /** @throws EdgeError KEY_NOT_FOUND */
  signer(label: string): Promise<Signer>;
  close(): Promise<void>;
}
