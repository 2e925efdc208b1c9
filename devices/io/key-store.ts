/**
 * The contract of a key store: keys are made inside and sign inside; they are never handed out, and
 * none is ever brought in from outside.
 */
import type { Algorithm, Signer } from '../identity/signer.ts';

export type { Algorithm, Signer } from '../identity/signer.ts';

export interface StoredKey {
  /** Name that the owner gave it, e.g. `gateway` or a device's name. */
  readonly label: string;
  readonly did: string;
  readonly keyId: string;
  readonly algorithm: Algorithm;
  readonly publicJwk: Readonly<Record<string, string>>;
  /** 0 where the store does not say it: a key that another tool made on a token. */
  readonly createdMs: number;
}

/** Where the keys of a store live, as a device's enrolment tells it. */
export type KeyPlace = 'file' | 'secure-element';

/** How far a key has counted: the epoch, and the sequence within it; 0 where only epochs count. */
export interface CountedPlace {
  readonly epoch: number;
  readonly sequence: number;
}

/** A place by a name, beside the keys, that only rises. */
export interface KeyCounters {
  /**
   * Epoch 0 before it was raised first; `undefined` where the store cannot keep any.
   *
   * @throws EdgeError KEY_TOKEN_FAILED and the others of a token
   */
  read(label: string): Promise<CountedPlace | undefined>;
  /** Resolves when the epoch is kept. @throws EdgeError as `read` does */
  raise(label: string, epoch: number): Promise<void>;
  /**
   * Goes from one place to the next; `false` where it stands elsewhere, or somebody else moves it
   * at the same time. Of several who go on from one place at most one is told `true`. Where it
   * throws, nobody knows whether it has moved.
   *
   * @throws EdgeError as `read` does
   */
  advance(label: string, step: CountedStep): Promise<boolean>;
}

export interface CountedStep {
  readonly from: CountedPlace;
  readonly to: CountedPlace;
}

export interface KeyStore {
  readonly place: KeyPlace;
  /** The keys as they were when this store last looked: opening it and each call below does. */
  list(): readonly StoredKey[];
  /** The keys as they are now, with those that another process has made since. */
  look(): Promise<readonly StoredKey[]>;
  /**
   * Makes a key inside the store. Its DID is the key's own `did:key` unless `name` gives another,
   * as a wallet does for an organisation's `did:web`; `keyId` is then a DID URL of it.
   *
   * @throws EdgeError KEY_LABEL_TAKEN, KEY_ALGORITHM_MISSING, and what keeps the store from it
   */
  create(
    label: string,
    algorithm: Algorithm,
    name?: Pick<Signer, 'did' | 'keyId'>,
  ): Promise<StoredKey>;
  /**
   * Opens a key, also one that another process has made since. Its signatures may be asked for
   * while others are under way; each comes when it is its turn. A signature that cannot be made
   * rejects with an EdgeError that says whether trying again can help, and so it does once the
   * store is closed.
   *
   * @throws EdgeError KEY_NOT_FOUND
   */
  signer(label: string): Promise<Signer>;
  /**
   * Numbers kept beside the keys, which a restored disk does not take back. Absent where the store
   * lives on that disk itself.
   */
  readonly counters?: KeyCounters;
  /** Forgets passphrase or PIN and keys; what signs meanwhile ends first. May be called twice. */
  close(): Promise<void>;
}
