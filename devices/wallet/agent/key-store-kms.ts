/**
 * Our key stores as a key management system of the agent: keys are made and sign inside the store,
 * whichever it is (encrypted file, PKCS#11, TPM), and nothing of them but the public part and
 * signatures ever reaches the agent.
 */
import { strict as assert } from 'node:assert';
import { EdgeError } from '../../errors.ts';
import type { KeyStore, StoredKey } from '../../io/key-store.ts';
import type { AgentLibrary, KeyManagementSystem, ManagedKey } from './library.ts';

/** Name of this system in the agent. */
export const KMS = 'bondline';

const TYPES = { ES256: 'Secp256r1', EdDSA: 'Ed25519' } as const;

/**
 * A key management system over `store`. The agent knows keys by the labels of the store;
 * `nextLabel` names a key that the agent asks for.
 */
export function createKeyStoreKms(
  library: Pick<AgentLibrary, 'AbstractKeyManagementSystem'>,
  store: Pick<KeyStore, 'create' | 'list' | 'signer'>,
  nextLabel: () => string,
): KeyManagementSystem {
  class KeyStoreKms extends library.AbstractKeyManagementSystem {
    override async createKey({ type }: { type: string }): Promise<ManagedKey> {
      const algorithm = type === TYPES.ES256 ? 'ES256' : type === TYPES.EdDSA ? 'EdDSA' : undefined;
      if (!algorithm) throw refused(`making a key of type ${type}`);
      const label = nextLabel();
      // A run that was cut off before it wrote down what its key is for left it in the store.
      const left = store.list().find((key) => key.label === label && key.algorithm === algorithm);
      return managedKeyOf(left ?? (await store.create(label, algorithm)));
    }

    /** Takes up a key that lies in the store; a private key from outside never. */
    override async importKey(key: { kid?: string; privateKeyHex?: string }): Promise<ManagedKey> {
      if (key.privateKeyHex) throw refused('importing a private key');
      const stored = store.list().find(({ label }) => label === key.kid);
      if (!stored) throw new EdgeError('KEY_NOT_FOUND', `looking for "${key.kid ?? ''}"`);
      return managedKeyOf(stored);
    }

    override async listKeys(): Promise<ManagedKey[]> {
      return store.list().map(managedKeyOf);
    }

    override async deleteKey(): Promise<boolean> {
      throw refused('deleting a key');
    }

    override async sharedSecret(): Promise<string> {
      throw refused('agreeing on a secret');
    }

    /** JOSE signature in base64url. The algorithm is the key's own; another is refused. */
    override async sign(asked: {
      keyRef: { kid: string };
      algorithm?: string;
      data: Uint8Array;
    }): Promise<string> {
      const signer = await store.signer(asked.keyRef.kid);
      if (asked.algorithm !== undefined && asked.algorithm !== signer.algorithm) {
        throw refused(`signing ${asked.algorithm} with a key for ${signer.algorithm}`);
      }
      return Buffer.from(await signer.sign(asked.data)).toString('base64url');
    }
  }
  return new KeyStoreKms();
}

/** A stored key as the agent knows it. */
export function managedKeyOf({ algorithm, label, publicJwk }: StoredKey): ManagedKey {
  const publicKeyHex = hexOf(publicJwk);
  return { kid: label, kms: KMS, type: TYPES[algorithm], publicKeyHex };
}

/** The public key as the SDK wants it: raw, P-256 compressed, or it does not find it again. */
function hexOf(jwk: Readonly<Record<string, string>>): string {
  const { x, y } = jwk as { x?: string; y?: string };
  assert(x, 'a public key has an x');
  const point = Buffer.from(x, 'base64url');
  if (y === undefined) return point.toString('hex');
  // SEC 1 §2.3.3: the first byte of a compressed point is 2 plus the parity of y.
  const parity = (Buffer.from(y, 'base64url').at(-1) ?? 0) & 1;
  return Buffer.concat([Buffer.from([0x02 + parity]), point]).toString('hex');
}

function refused(what: string): EdgeError {
  return new EdgeError('WALLET_AGENT_FAILED', `${what}: our key stores do not do that`);
}
