/** The encrypted file as a key store. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeyStore } from '../../devices/io/key-store-open.ts';
import { testKeyStore } from './key-store.ts';

testKeyStore('file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'));
  const path = join(folder, 'keys.json');
  const settings = { store: 'file', path, secret: { file: 'not read here' } } as const;
  return {
    open: () => openKeyStore({ settings, secret: 'correct horse' }),
    openWrongly: () => openKeyStore({ settings, secret: 'correct horsf' }),
    bytes: () => readFileSync(path),
    algorithms: ['ES256', 'EdDSA'],
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
