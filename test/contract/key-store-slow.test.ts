/** A key store that takes 50 ms a signature, as a TPM does, is a key store like any other. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyStore } from '../../devices/io/key-store.ts';
import { openKeyStore } from '../../devices/io/key-store-open.ts';
import { systemClock } from '../../devices/runtime.ts';
import { SlowToken } from '../support/slow-signer.ts';
import { testKeyStore } from './key-store.ts';

testKeyStore('that takes 50 ms a signature', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slow-keys-'));
  const path = join(folder, 'keys.json');
  const settings = { store: 'file', path, secret: {} } as const;
  const open = async (secret: string): Promise<KeyStore> => {
    const store = await openKeyStore({ settings, secret });
    const token = new SlowToken(systemClock, 50);
    return { ...store, signer: async (label) => token.hold(await store.signer(label)) };
  };
  return {
    open: () => open('correct horse'),
    openWrongly: () => open('correct horsf'),
    bytes: () => readFileSync(path),
    algorithms: ['ES256', 'EdDSA'],
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
