/** `bondline-ingest rebuild`: twins anew from the journal, or proof that they follow from it. */
import { EdgeError } from '../../devices/errors.ts';
import { lockDirectory } from '../../devices/io/sqlite.ts';
import { rebuildTwins } from '../apply-rebuild.ts';
import { goOnWithLeft } from '../journal-left.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  parseArguments,
  progressOf,
  storedFilesOf,
  unlockEncryption,
} from './command.ts';

const OPTIONS = { json: { type: 'boolean' }, check: { type: 'boolean' } } as const;

export async function runRebuild(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const config = loadConfig(positionals[0] ?? '', context);
  const files = storedFilesOf(config);
  await unlockEncryption(config, context);
  const replace = values.check !== true;
  // To compare needs no lock: both databases are read only, as of one position.
  const unlock = replace ? lockDirectory(config.ingester.data) : () => {};
  try {
    const left = replace ? goOnWithLeft(files.journalFile) : undefined;
    const progress = progressOf(context, 'entries');
    const result = rebuildTwins({ ...files, replace, onProgress: progress.at });
    progress.end();
    const { equal, entries, twins, differences } = result;
    if (left && !values.json) {
      context.out(`${left.transactions} committed transactions of the journal are lost\n`);
      context.out(`the journal as it was is kept as ${left.kept}\n`);
    }
    if (values.json) context.out(`${JSON.stringify({ ...result, ...(left && { left }) })}\n`);
    else if (replace) context.out(`${twins} twins made of ${entries} journal entries\n`);
    else {
      const verdict = equal ? 'equal the live ones' : 'DIFFER from the live ones';
      context.out(`${twins} twins rebuilt from ${entries} journal entries ${verdict}\n`);
      for (const difference of differences) context.out(`  ${difference}\n`);
    }
    return equal ? EXIT.well : EXIT.failed;
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    throw new EdgeError('IN_REBUILD', 'folding the journal', { cause: error });
  } finally {
    unlock();
  }
}
