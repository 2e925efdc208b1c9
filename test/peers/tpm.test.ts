/** Keys in a TPM 2.0 (swtpm), through tpm2-pkcs11 and the resource manager that it needs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeyStore } from '../../devices/io/key-store-open.ts';
import { isSignedBy, testKeyStore } from '../contract/key-store.ts';
import { hasPeer } from '../support/peers.ts';
import { bytesOf, startTpm, type Tpm } from '../support/tpm.ts';

describe.skipIf(!hasPeer('tpm'))('TPM 2.0', () => {
  let tpm: Tpm;
  beforeAll(async () => {
    tpm = await startTpm();
  }, 60_000);
  afterAll(() => tpm?.stop());

  const settings = () =>
    ({ store: 'pkcs11', module: tpm.module, token: tpm.token, secret: {} }) as const;

  testKeyStore('pkcs11 of a TPM', async () => {
    const store = tpm.newStore();
    return {
      open: () => openKeyStore({ settings: settings(), secret: tpm.pin }),
      openWrongly: () => openKeyStore({ settings: settings(), secret: '1234' }),
      bytes: () => bytesOf(store),
      algorithms: ['ES256'],
      close: async () => undefined,
    };
  });

  it('says that it makes no Ed25519 keys, and keeps nothing of the attempt', async () => {
    tpm.newStore();
    const store = await openKeyStore({ settings: settings(), secret: tpm.pin });
    const code = 'KEY_ALGORITHM_MISSING';
    await expect(store.create('fc-1', 'EdDSA')).rejects.toMatchObject({ code });
    expect(await store.look()).toEqual([]);
    const made = await store.create('fc-1', 'ES256');
    const data = Buffer.from('x');
    expect(isSignedBy(made, data, await (await store.signer('fc-1')).sign(data))).toBe(true);
    await store.close();
  });
});
