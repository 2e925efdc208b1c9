/** An ingester in a process of its own, with a folder and nothing else. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunningCommand } from '../../support/commands.ts';

export interface LoneIngester {
  readonly command: RunningCommand;
  readonly config: string;
  readonly journalFile: string;
  readonly did: string;
  /** Base of console and API, without a slash at its end. */
  readonly http: string;
  readonly mqtt: string;
  /** Addresses of all its sources. */
  readonly uplinks: readonly string[];
}

/** @param folder A folder of its own, which the caller removes. */
export async function startLoneIngester(
  folder: string,
  options: { readonly sources?: readonly string[]; readonly lines?: readonly string[] } = {},
): Promise<LoneIngester> {
  const { lines = [], sources = [] } = options;
  const config = join(folder, 'ingest.yaml');
  const embedded = '{ source: embedded, connection: { host: 127.0.0.1, port: 0 } }';
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'passphrase'), 'a passphrase for one fault only\n', { mode: 0o600 });
  const text = [
    'ingester: { name: lone, tenant: test, data: ./data }',
    'keys: { store: file, path: keys.json, passphraseFile: passphrase }',
    'http: { host: 127.0.0.1, port: 0 }',
    `sources: [ ${[embedded, ...sources].join(', ')} ]`,
    ...lines,
  ];
  writeFileSync(config, `${text.join('\n')}\n`);
  const command = new RunningCommand('ingest', ['run', config, '--json', '--attached']);
  const ready = await command.ready();
  return {
    ...{ command, config, journalFile: join(folder, 'data', 'journal.db') },
    did: String(ready['ingester']),
    http: String(ready['http']).replace(/\/$/, ''),
    mqtt: String(ready['mqtt']),
    uplinks: ready['uplinks'] as string[],
  };
}
