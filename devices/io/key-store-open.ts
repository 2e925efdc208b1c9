/** The kinds of key stores: opens the one that settings name. */
import { type Clock, systemClock } from '../runtime.ts';
import type { KeyStore } from './key-store.ts';
import { openKeyFile } from './key-store-file.ts';
import { openPkcs11KeyStore } from './key-store-pkcs11.ts';
import type { KeyStoreSettings } from './key-store-settings.ts';
import { readSecret, type SecretAccess } from './secret.ts';

/** A key store to open, with its passphrase or PIN; plain data, so that it can go to a thread. */
export interface UnlockedKeyStore {
  readonly settings: KeyStoreSettings;
  readonly secret: string;
}

/**
 * Fetches the passphrase or PIN of a key store from where the process can.
 *
 * @throws EdgeError KEY_PASSPHRASE_UNREADABLE
 */
export async function unlockKeyStore(
  settings: KeyStoreSettings,
  access: SecretAccess,
): Promise<UnlockedKeyStore> {
  const what =
    settings.store === 'file'
      ? `Passphrase of ${settings.path}`
      : `PIN of the token ${settings.token ?? `in slot ${settings.slot}`}`;
  return { settings, secret: await readSecret(settings.secret, what, access) };
}

/**
 * Opens a key store.
 *
 * @throws EdgeError KEY_… of the kind; nothing is changed then
 */
export function openKeyStore(
  { settings, secret }: UnlockedKeyStore,
  clock: Clock = systemClock,
): Promise<KeyStore> {
  return settings.store === 'file'
    ? openKeyFile(settings.path, secret, clock)
    : openPkcs11KeyStore(settings, secret, clock);
}
