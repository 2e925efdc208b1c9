/** A key store in memory, for tests that need keys of a certain shape. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { didOfPublicJwk, keyIdOfDid } from '../../devices/identity/did-key.ts';
import { jwkOfKey } from '../../devices/identity/public-key.ts';
import type { KeyStore, StoredKey } from '../../devices/io/key-store.ts';

/** Its keys are of P-256, and made again until `fits` likes their public part. */
export function memoryKeyStore(
  options: { readonly fits?: (publicJwk: Record<string, string>) => boolean } = {},
): KeyStore {
  const keys = new Map<string, { readonly stored: StoredKey; readonly key: KeyObject }>();
  return {
    place: 'file',
    list: () => [...keys.values()].map(({ stored }) => stored),
    look: async () => [...keys.values()].map(({ stored }) => stored),
    async create(label, algorithm, name) {
      if (algorithm !== 'ES256') throw new Error('this store makes keys of P-256');
      for (;;) {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const publicJwk = { ...jwkOfKey(createPublicKey(privateKey)) };
        if (options.fits?.(publicJwk) === false) continue;
        const did = name?.did ?? didOfPublicJwk(publicJwk);
        const keyId = name?.keyId ?? keyIdOfDid(did);
        const stored = { label, did, keyId, algorithm, publicJwk, createdMs: 0 };
        keys.set(label, { stored, key: privateKey });
        return stored;
      }
    },
    async signer(label) {
      const found = keys.get(label);
      if (!found) throw new Error(`no key is called ${label}`);
      const { key, stored } = found;
      const { algorithm, did, keyId } = stored;
      const options = { key, dsaEncoding: 'ieee-p1363' } as const;
      return { did, keyId, algorithm, sign: (data) => sign('sha256', data, options) };
    },
    async close() {
      keys.clear();
    },
  };
}
