/** The contract of a key store: keys are made inside and sign inside; they are never handed out. */
import type { Algorithm, Signer } from '../identity/signer.ts';

export type { Algorithm, Signer } from '../identity/signer.ts';

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
  /**
   * Makes a key inside the store. Its DID is the key's own `did:key` unless `name` gives another,
   * as a wallet does for an organisation's `did:web`. @throws EdgeError KEY_LABEL_TAKEN
   */
  create(
    label: string,
    algorithm: Algorithm,
    name?: Pick<Signer, 'did' | 'keyId'>,
  ): Promise<StoredKey>;
  /** @throws EdgeError KEY_NOT_FOUND */
  signer(label: string): Promise<Signer>;
  close(): Promise<void>;
}
