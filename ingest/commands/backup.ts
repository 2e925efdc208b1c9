/** `bondline-ingest backup`: journal and twins as of one moment, also while the ingester runs. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { formatTime } from '../../devices/runtime.ts';
import { makeBackup, type ProvenBackup, proveBackup } from '../backup.ts';
import type { IngestConfig } from '../config.ts';
import { uplinkDirectory } from '../uplink-authority.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  parseArguments,
  progressOf,
  storedFilesOf,
  unlockEncryption,
} from './command.ts';

export const backupHelp = `Usage: bondline-ingest backup CONFIG --out DIR [--with-keys] [--json]
       bondline-ingest backup CONFIG --verify DIR [--json]

Copies journal and twins to DIR, both as of one moment, also while the ingester runs, with the
configuration, what belongs to the uplink, and a page that names every file by its SHA-256. Copies
of encrypted databases are encrypted with the same key. DIR is there whole or not at all.

No key is in it: without the key store nobody else can sign receipts that gateways take, and without
the store key nobody can read encrypted databases. Keep both apart from it, with their passphrase.

  --with-keys   put the files of the key store and of the store key into it, encrypted as they are
  --verify DIR  read a backup again: every file, every leaf of the journal, and twins folded anew

Examples:
  bondline-ingest backup ingest.yaml --out /backup/today
  bondline-ingest backup ingest.yaml --verify /backup/today
`;

const OPTIONS = {
  json: { type: 'boolean' },
  out: { type: 'string' },
  verify: { type: 'string' },
  'with-keys': { type: 'boolean' },
} as const;

export async function runBackup(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const [file = ''] = positionals;
  const { out, verify } = values;
  if ((out === undefined) === (verify === undefined)) {
    throw new EdgeError('CFG_USAGE', 'name either --out DIR or --verify DIR');
  }
  const config = loadConfig(file, context);
  const key = await unlockEncryption(config, context);
  if (verify !== undefined) {
    const progress = progressOf(context, 'entries');
    const proven = proveBackup(verify, key, progress.at);
    progress.end();
    if (values.json) context.out(`${JSON.stringify(proven)}\n`);
    else context.out(`${verify}: ${sentenceOf(proven)}\n`);
    return EXIT.well;
  }
  storedFilesOf(config);
  const hasKeys = values['with-keys'] === true;
  const page = makeBackup({
    ...{ data: config.ingester.data, out: out ?? '', key, hasKeys },
    ...{ name: config.ingester.name, tenant: config.ingester.tenant },
    files: [{ from: file, to: `config/${basename(file)}` }, ...uplinkFiles(config)].concat(
      hasKeys ? keyFilesOf(config) : [],
    ),
    nowMs: context.clock.nowMs(),
  });
  if (values.json) context.out(`${JSON.stringify(page)}\n`);
  else {
    context.out(`${out}: ${page.entries} entries, as of ${formatTime(page.newestMs)}\n`);
    context.out(hasKeys ? 'the keys are in it, encrypted\n' : 'no key is in it: keep them apart\n');
    context.out(`check it with: bondline-ingest backup ${file} --verify ${out}\n`);
  }
  return EXIT.well;
}

/** What is proven of a backup, for a person. */
export function sentenceOf({ page, twins }: ProvenBackup): string {
  const { entries, newestMs } = page;
  const what = `${entries} entries as of ${formatTime(newestMs)} and ${twins} twins`;
  return `${what}; every leaf is right and the twins follow from the journal`;
}

/** Where the key files are, and what they are called in a backup. */
export function keyFilesOf({ encryption, keys }: IngestConfig): { from: string; to: string }[] {
  const files = [
    ...(keys.store === 'file' ? [{ from: keys.path, to: 'keys/receipt-keys.json' }] : []),
    ...(encryption?.key.file === undefined
      ? []
      : [{ from: encryption.key.file, to: 'keys/store.key' }]),
  ];
  return files.filter(({ from, to }) => to !== '' && from !== '');
}

function uplinkFiles({ ingester }: IngestConfig): { from: string; to: string }[] {
  const folder = uplinkDirectory(ingester.data);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((one) => one.isFile() && !one.name.startsWith('.'))
    .map(({ name }) => ({ from: join(folder, name), to: `uplink/${name}` }));
}
