/** What a person does with encrypted databases: make the key, convert what is there, copy it. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EdgeError } from '../errors.ts';
import { backUpDatabase, convertDatabase, lockDirectory } from './sqlite.ts';
import { type Encryption, makeStoreKey } from './store-key.ts';

export const storeActions = ['keygen', 'encrypt', 'decrypt', 'backup'] as const;
export type StoreAction = (typeof storeActions)[number];

/**
 * Does it, and returns lines for a person. The folder must have been given its key (`useStoreKey`)
 * unless the action is keygen.
 *
 * @throws EdgeError CFG_USAGE, KEY_STORE_UNWRITABLE, and as the databases do
 */
export function actOnStore(options: {
  readonly action: StoreAction;
  readonly encryption: Encryption | undefined;
  /** Of the key store: it seals a key that is made. */
  readonly passphrase: string;
  readonly key: Uint8Array | undefined;
  readonly data: string;
  /** Names of the databases in that folder. */
  readonly names: readonly string[];
  readonly out: string | undefined;
}): string[] {
  const { action, data, encryption, key, out } = options;
  const files = options.names.map((name) => join(data, name)).filter((file) => existsSync(file));
  if (action === 'backup') {
    if (out === undefined) throw new EdgeError('CFG_USAGE', '--out DIR is missing');
    return files.map((file) => {
      const copy = join(out, basename(file));
      if (existsSync(copy)) throw new EdgeError('CFG_USAGE', `${copy} is there already`);
      backUpDatabase(file, copy);
      return `${copy}: copied`;
    });
  }
  if (encryption === undefined) {
    throw new EdgeError('CFG_USAGE', 'the configuration has no encryption: name encryption.key');
  }
  if (action === 'keygen') {
    const { file } = encryption.key;
    if (file === undefined) throw new EdgeError('CFG_USAGE', 'encryption.key.file is not named');
    if (existsSync(file)) throw new EdgeError('CFG_USAGE', `${file} is there already`);
    makeStoreKey(file, options.passphrase);
    return [`${file}: made; keep a copy of it and of the passphrase`];
  }
  if (key === undefined) throw new EdgeError('DB_KEY_UNREADABLE', `converting ${data}`);
  const to = action === 'encrypt' ? 'encrypted' : 'plain';
  const unlock = lockDirectory(data);
  try {
    return files.map((file) => {
      const isChanged = convertDatabase(file, key, to);
      return `${file}: ${isChanged ? `is ${to} now` : `was ${to}`}`;
    });
  } finally {
    unlock();
  }
}
