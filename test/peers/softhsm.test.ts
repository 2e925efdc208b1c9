/** Keys in SoftHSM2, a PKCS#11 token in software; OpenSC's pkcs11-tool looks at it from outside. */
import { afterAll, beforeAll, describe } from 'vitest';
import { openKeyStore } from '../../devices/io/key-store-open.ts';
import { testKeyStore } from '../contract/key-store.ts';
import { hasPeer } from '../support/peers.ts';
import { makeSoftHsm, type SoftHsm } from '../support/softhsm.ts';

describe.skipIf(!hasPeer('softhsm'))('SoftHSM2', () => {
  let hsm: SoftHsm;
  let tokens = 0;
  beforeAll(() => {
    hsm = makeSoftHsm();
  });
  afterAll(() => hsm.remove());

  function newToken(): string {
    tokens += 1;
    hsm.addToken(`token-${tokens}`);
    return `token-${tokens}`;
  }

  testKeyStore('pkcs11 of SoftHSM2', async () => {
    const { module } = hsm;
    const settings = { store: 'pkcs11', module, token: newToken(), secret: {} } as const;
    return {
      open: () => openKeyStore({ settings, secret: hsm.pin }),
      openWrongly: () => openKeyStore({ settings, secret: '1234' }),
      bytes: () => hsm.bytes(),
      algorithms: ['ES256', 'EdDSA'],
      close: async () => undefined,
    };
  });
});
