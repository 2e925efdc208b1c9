/** `bondline-gateway store`: encryption of the outbox, and copies of it. */
import { EdgeError } from '../../devices/errors.ts';
import { unlockKeyStore } from '../../devices/io/key-store-open.ts';
import { keyStoreSettings } from '../../devices/io/key-store-settings.ts';
import { actOnStore, storeActions } from '../../devices/io/store-files.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  parseArguments,
  unlockEncryption,
} from './command.ts';

export async function runStore(args: readonly string[], context: CommandContext): Promise<number> {
  const what = storeActions.join('|');
  const options = { out: { type: 'string' } } as const;
  const { positionals, values } = parseArguments(args, options, ['CONFIG', what]);
  const [file = '', wanted] = positionals;
  const action = storeActions.find((one) => one === wanted);
  if (action === undefined) throw new EdgeError('CFG_USAGE', `"${wanted}" is not one of ${what}`);
  const loaded = loadConfig(file, context);
  const { config, resolvePath } = loaded;
  const named = config.encryption?.key;
  const place = named?.file === undefined ? named : { file: resolvePath(named.file) };
  const lines = actOnStore({
    action,
    encryption: place && { key: place },
    passphrase:
      action === 'keygen'
        ? (await unlockKeyStore(keyStoreSettings(config.keys, resolvePath), context)).secret
        : '',
    key: action === 'keygen' ? undefined : await unlockEncryption(loaded, context),
    data: resolvePath(config.gateway.data),
    names: ['outbox.db'],
    out: values.out,
  });
  for (const line of lines) context.out(`${line}\n`);
  return EXIT.well;
}
