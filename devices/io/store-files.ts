/** What a person does with encrypted databases: make the key, convert what is there, copy it. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EdgeError } from '../errors.ts';
import { backUpDatabase, convertDatabase, isPlain, lockDirectory } from './sqlite.ts';
import { type Encryption, makeStoreKey } from './store-key.ts';
import { findRottenWal, sayRotten } from './wal-check.ts';

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
    // Converting moves the WAL into the database: what cannot be seen of it would be gone.
    for (const file of files) {
      const rotten = findRottenWal(file);
      if (rotten) throw new EdgeError('DB_DAMAGED', `converting ${file}: ${sayRotten(rotten)}`);
    }
    const beside = filesBeside(data, options.names);
    return [
      ...files.map((file) => `${file}: ${convert(file, key, to)}`),
      ...beside.copies.map((file) => `${file}: ${convertCopy(file, key, to)}`),
      ...beside.halves.map((file) => {
        rmSync(file, { force: true });
        return `${file}: half a copy, removed`;
      }),
    ];
  } finally {
    unlock();
  }
}

/**
 * What lies beside the databases and has the same in it: copies that were made before an update,
 * databases that were put aside as damaged, and what was left half made when a process ended.
 */
function filesBeside(data: string, names: readonly string[]) {
  const found = readdirSync(data).sort();
  const those = (ending: RegExp) =>
    found
      .filter((file) =>
        names.some((name) => file.startsWith(name) && ending.test(file.slice(name.length))),
      )
      .map((file) => join(data, file));
  return {
    copies: those(/^(\.v\d+\.bak|\.damaged-\d+)$/),
    halves: those(/^((\.v\d+\.bak)?\.part|\.salvaged(-wal|-shm)?)$/),
  };
}

function convert(file: string, key: Uint8Array, to: 'encrypted' | 'plain'): string {
  return convertDatabase(file, key, to) ? `is ${to} now` : `was ${to}`;
}

/** What became of a copy; one that is damaged may be beyond what SQLite can convert. */
function convertCopy(file: string, key: Uint8Array, to: 'encrypted' | 'plain'): string {
  try {
    return convert(file, key, to);
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error;
    // All pages were written; only what comes behind failed.
    if (isPlain(file) === (to === 'plain')) return `is ${to}`;
    const what = to === 'encrypted' ? 'anyone can read it: remove it' : 'it is still encrypted';
    return `CANNOT BE CONVERTED (${error.code}), ${what}`;
  }
}
