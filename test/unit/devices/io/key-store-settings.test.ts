import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type KeyStoreBlock,
  keyStoreMistakes,
  keyStoreSchema,
  keyStoreSettings,
} from '../../../../devices/io/key-store-settings.ts';
import { compileReporter } from '../../../../devices/schema.ts';

const report = compileReporter(keyStoreSchema);
/** All that is wrong with a block as a person wrote it, as `path: message`. */
function mistakes(block: object): string[] {
  const own = structuredClone(block);
  const found = report(own);
  const all = found.length > 0 ? found : keyStoreMistakes(own as KeyStoreBlock);
  return all.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const module = '/usr/lib/softhsm/libsofthsm2.so';
const pin = { file: 'pin' };

describe('the block keys', () => {
  it.each([
    { path: 'keys.json', passphraseFile: 'passphrase' },
    { store: 'file', path: 'keys.json', passphrase: { credential: 'bondline' } },
    { store: 'file', path: 'keys.json', passphrase: { terminal: true } },
    { store: 'pkcs11', module, token: 'bondline', pin },
    { store: 'pkcs11', module, slot: 0, pin: { terminal: true } },
    { store: 'pkcs11', module, token: 'bondline', slot: 7, pin },
  ])('may say %j', (block) => expect(mistakes(block)).toEqual([]));

  it.each([
    [{ passphraseFile: 'p' }, [/^: "path" is required/]],
    [{ path: 'k' }, [/^: one of "passphraseFile" and "passphrase"/]],
    [{ path: 'k', passphraseFile: 'p', passphrase: pin }, [/and not both/]],
    [{ path: 'k', passphraseFile: 'p', module, token: 'a' }, [/^module: .*file$/, /^token: /]],
    [{ store: 'pkcs11' }, [/"module" is required/, /"token" is required/, /"pin" is required/]],
    [{ store: 'pkcs11', module, token: 'a', pin, passphraseFile: 'p' }, [/^passphraseFile: /]],
    [{ store: 'pkcs11', module, token: 'a', pin: {} }, [/^pin: /]],
    [{ store: 'pkcs11', module, token: 'a', pin: '1234' }, [/^pin: /]],
    [{ store: 'pkcs11', module, token: 'x'.repeat(33), pin }, [/^token: /]],
    [{ store: 'pkcs11', module, slot: -1, pin }, [/^slot: /]],
    [{ store: 'tpm', path: 'k', passphraseFile: 'p' }, [/^store: /]],
    [{ path: 'k', passphraseFile: 'p', passPhrase: 'x' }, [/passPhrase/]],
  ])('is told each of its mistakes: %j', (block, expected) => {
    const found = mistakes(block);
    expect(found).toHaveLength(expected.length);
    for (const [at, mistake] of found.entries()) expect(mistake).toMatch(expected[at] ?? /^$/);
  });
});

describe('the settings of a block', () => {
  const resolvePath = (path: string) => join('/etc/bondline', path);

  it('have absolute paths, and the default store', () => {
    const block = { path: 'keys.json', passphraseFile: 'p' } as KeyStoreBlock;
    report(block);
    expect(keyStoreSettings(block, resolvePath)).toEqual({
      store: 'file',
      path: '/etc/bondline/keys.json',
      secret: { file: '/etc/bondline/p' },
    });
  });

  it.each([
    [{ file: 'pin' }, { file: '/etc/bondline/pin' }],
    [{ credential: 'pin' }, { credential: 'pin' }],
    [{ terminal: true as const }, { terminal: true }],
  ])('say where the PIN comes from: %j', (place, secret) => {
    const block = { store: 'pkcs11', module: 'p11.so', token: 'a', slot: 3, pin: place } as const;
    expect(keyStoreSettings(block, resolvePath)).toEqual({
      store: 'pkcs11',
      module: '/etc/bondline/p11.so',
      token: 'a',
      slot: 3,
      secret,
    });
  });
});
