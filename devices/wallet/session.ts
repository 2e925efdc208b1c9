/**
 * The wallet while its keys are open: what signs in the organisation's name. The key store is
 * opened for one piece of work and closed after it, so that no key lies open longer than needed.
 */
import { strict as assert } from 'node:assert';
import type { Signer } from '../identity/signer.ts';
import type { KeyStore } from '../io/key-store.ts';
import { openKeyStore, unlockKeyStore } from '../io/key-store-open.ts';
import type { KeyStoreSettings } from '../io/key-store-settings.ts';
import type { Clock } from '../runtime.ts';
import {
  type Identity,
  openWalletAgent,
  type Presentation,
  type SignatureVerdict,
  type WalletAgent,
} from './agent/agent.ts';
import { didDocumentOf } from './did-document.ts';
import { type WalletFile, walletPaths } from './wallet-file.ts';

/** What the organisation can do while its keys are open. */
export interface WalletSession {
  /** The key itself, for what is signed outside of JOSE (Data Integrity proofs). */
  readonly signer: Signer;
  /**
   * Signs a credential by the agent: JSON text exactly as it is to be signed.
   * @throws EdgeError WALLET_PACKAGE_MISSING, WALLET_AGENT_FAILED
   */
  issue(payload: string): Promise<Uint8Array>;
  /** Signs a presentation of credentials, as their holder. */
  present(presentation: Presentation): Promise<Uint8Array>;
  /** Asks the agent whether a token's signature holds; `unknown` where it has no key for it. */
  verify(token: Uint8Array): Promise<SignatureVerdict>;
}

/** Opens the key store of the wallet in `folder` for `use`, and closes it whatever happens. */
export async function withKeyStore<T>(
  at: {
    readonly folder: string;
    readonly passphraseFile: string;
    readonly token: WalletFile['token'];
    readonly clock: Clock;
  },
  use: (store: KeyStore) => Promise<T>,
): Promise<T> {
  const { clock, folder, passphraseFile, token } = at;
  const secret = { file: passphraseFile };
  const settings: KeyStoreSettings = token
    ? { store: 'pkcs11', module: token.module, token: token.label, secret }
    : { store: 'file', path: walletPaths(folder).keys, secret };
  const store = await openKeyStore(await unlockKeyStore(settings, {}), clock);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Opens the agent over a store; it knows the wallet's own DID document, published or not. */
export function openAgent(store: KeyStore, file?: WalletFile): Promise<WalletAgent> {
  const webDocument = async (did: string): Promise<object | undefined> =>
    file?.did === did ? didDocumentOf(file) : undefined;
  return openWalletAgent({ store, webDocument });
}

/** The session of a wallet over its open store; the agent is loaded when it is first needed. */
export async function openSession(
  store: KeyStore,
  file: WalletFile,
  clock: Clock,
): Promise<WalletSession> {
  const key = file.keys.at(-1);
  assert(key, 'a wallet has a key');
  const { did } = file;
  const identity: Identity = { did, keyId: key.keyId, label: key.label };
  const stored = await store.signer(key.label);
  const signer: Signer = {
    did,
    keyId: key.keyId,
    algorithm: stored.algorithm,
    sign: (data) => stored.sign(data),
  };
  let opening: Promise<WalletAgent> | undefined;
  const agent = (): Promise<WalletAgent> => {
    opening ??= openAgent(store, file);
    return opening;
  };
  return {
    signer,
    issue: async (payload) => (await agent()).issue(identity, payload),
    present: async (presentation) => (await agent()).present(identity, presentation),
    verify: async (token) => (await agent()).verify(token, clock.nowMs()),
  };
}
