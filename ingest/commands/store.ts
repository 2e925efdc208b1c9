/** `bondline-ingest store`: encryption of journal and twins; copies are made by `backup`. */
import { EdgeError } from '../../devices/errors.ts';
import { unlockKeyStore } from '../../devices/io/key-store-open.ts';
import { actOnStore, storeActions } from '../../devices/io/store-files.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  parseArguments,
  unlockEncryption,
} from './command.ts';

/** Journal and twins are copied together, by a command of their own. */
const actions = storeActions.filter((one) => one !== 'backup');

export async function runStore(args: readonly string[], context: CommandContext): Promise<number> {
  const what = actions.join('|');
  const { positionals } = parseArguments(args, {}, ['CONFIG', what]);
  const [file = '', wanted] = positionals;
  const action = actions.find((one) => one === wanted);
  if (action === undefined) throw new EdgeError('CFG_USAGE', `"${wanted}" is not one of ${what}`);
  const config = loadConfig(file, context);
  const isKeygen = action === 'keygen';
  const lines = actOnStore({
    action,
    encryption: config.encryption,
    passphrase: isKeygen ? (await unlockKeyStore(config.keys, context)).secret : '',
    key: isKeygen ? undefined : await unlockEncryption(config, context),
    data: config.ingester.data,
    names: ['journal.db', 'twins.db'],
    out: undefined,
  });
  for (const line of lines) context.out(`${line}\n`);
  return EXIT.well;
}
