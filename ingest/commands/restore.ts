/** `bondline-ingest restore`: a backup into an empty data directory, proven before it says so. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { lockDirectory } from '../../devices/io/sqlite.ts';
import { formatTime } from '../../devices/runtime.ts';
import { restoreBackup } from '../backup.ts';
import { keyFilesOf, sentenceOf } from './backup.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  parseArguments,
  progressOf,
  unlockEncryption,
} from './command.ts';

export const restoreHelp = `Usage: bondline-ingest restore CONFIG DIR [--json]

Restores the backup in DIR into the data directory of CONFIG, which must be empty. Everything is
copied, read again and folded anew before it takes its place: each file by its SHA-256, each leaf of
the journal, no hole in its positions, and twins that equal those of the backup.

What came after the backup is NOT in it, and gateways have deleted what was receipted since: it is
lost unless the old journal can still be read, so keep its disk. The gaps show open on the console.

Key files of the backup are put where CONFIG expects them, if nothing is there. docs/backup.md says
what to do first.

Example:
  bondline-ingest restore ingest.yaml /backup/today
`;

const OPTIONS = { json: { type: 'boolean' } } as const;

export async function runRestore(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'DIR']);
  const [file = '', from = ''] = positionals;
  const config = loadConfig(file, context);
  const placed = keyFilesOf(config).filter(
    ({ from: place, to }) => !existsSync(place) && existsSync(join(from, to)),
  );
  // The store key opens what is copied; nothing that is there is ever replaced.
  for (const { from: place, to } of placed) copyFileSync(join(from, to), place);
  const key = await unlockEncryption(config, context);
  const { data } = config.ingester;
  const unlock = lockDirectory(data);
  try {
    const progress = progressOf(context, 'entries');
    const proven = restoreBackup({ from, data, key, onProgress: progress.at });
    progress.end();
    const missing = keyFilesOf(config)
      .map((one) => one.from)
      .filter((place) => !existsSync(place));
    const keys = placed.map((one) => one.from);
    if (values.json) context.out(`${JSON.stringify({ ...proven, keys, missing })}\n`);
    else context.out(`${data}: ${sentenceOf(proven)}\n`);
    const { newestMs } = proven.page;
    for (const line of warnings(formatTime(newestMs), missing)) context.err(`${line}\n`);
    return EXIT.well;
  } finally {
    unlock();
  }
}

function warnings(time: string, missing: readonly string[]): string[] {
  return [
    `ENTRIES AFTER ${time} ARE NOT HERE. Gateways have deleted what was receipted since: it is lost`,
    'unless the old journal can still be read, so keep its disk. The gaps show open on the console.',
    ...missing.map((file) => `${file} is missing: put it there first, or gateways take no receipt`),
  ];
}
