/** The contract of a subcommand, and what they all need: arguments, a configuration, output. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EdgeError } from '../../devices/errors.ts';
import { formatMistake, resolveFrom } from '../../devices/io/config-file.ts';
import type { KeyStore } from '../../devices/io/key-store.ts';
import { openKeyStore, unlockKeyStore } from '../../devices/io/key-store-open.ts';
import { keyStoreSettings } from '../../devices/io/key-store-settings.ts';
import type { SecretAccess } from '../../devices/io/secret.ts';
import { lockDirectory } from '../../devices/io/sqlite.ts';
import { readStoreKey, useStoreKey } from '../../devices/io/store-key.ts';
import type { Clock, Random } from '../../devices/runtime.ts';
import type { GatewayConfig } from '../config.ts';
import { readGatewayConfig } from '../gateway.ts';

/** The world as a command sees it; only cli.ts touches the process itself. */
export interface CommandContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether a person reads standard error. */
  readonly terminal: boolean;
  /** Size of the terminal that standard output goes to; absent where it goes elsewhere. */
  readonly screen?: () => { readonly columns?: number; readonly rows?: number };
  /** Aborts on SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
  /** Calls `action` on each SIGHUP; absent, there is none. */
  readonly onHangup?: (action: () => void) => void;
  /** Environment variables that systemd sets; absent where a test runs a command. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Asks the person at the terminal, without echo; absent where there is none. */
  readonly askSecret?: (prompt: string) => Promise<string>;
  /** Calls `onEnd` when standard input ends. */
  readonly onInputEnd: (onEnd: () => void) => void;
}

/** Exit codes that scripts can trust. */
export const EXIT = { well: 0, failed: 1, usage: 2 } as const;

/**
 * Arguments taken apart. The last positional may be repeated where its name ends in `...`.
 *
 * @throws EdgeError CFG_USAGE for anything that is not known
 */
export function parseArguments<const T extends Record<string, { type: 'boolean' | 'string' }>>(
  args: readonly string[],
  options: T,
  positionals: readonly string[],
) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    const missing = positionals[parsed.positionals.length];
    if (missing && !missing.startsWith('[')) throw new Error(`${missing} is missing`);
    const isOpen = positionals.at(-1)?.endsWith('...');
    const surplus = isOpen ? undefined : parsed.positionals[positionals.length];
    if (surplus !== undefined) throw new Error(`"${surplus}" is one argument too many`);
    return parsed;
  } catch (cause) {
    throw new EdgeError('CFG_USAGE', 'reading the command line', { cause });
  }
}

/** Opens the key store that a configuration names. @throws EdgeError KEY_… */
export async function openKeys(
  { config, resolvePath }: Pick<LoadedConfig, 'config' | 'resolvePath'>,
  context: CommandContext,
): Promise<KeyStore> {
  const settings = keyStoreSettings(config.keys, resolvePath);
  return openKeyStore(await unlockKeyStore(settings, context), context.clock);
}

/** Takes the data directory; `undefined` while a gateway has it. */
export function lockIfFree(data: string): (() => void) | undefined {
  try {
    return lockDirectory(data);
  } catch (error) {
    if (error instanceof EdgeError && error.code === 'DB_IN_USE') return undefined;
    throw error;
  }
}

/** A progress is said at most this often. */
const PROGRESS_MS = 500;

/** A line on a terminal that says how many are done; nothing where nobody looks. */
export function progressOf(
  { clock, err, terminal }: Pick<CommandContext, 'clock' | 'err' | 'terminal'>,
  what: string,
): { at(done: number): void; end(): void } {
  let saidMs = clock.monotonicMs();
  let isSaid = false;
  return {
    at(done) {
      if (!terminal || clock.monotonicMs() - saidMs < PROGRESS_MS) return;
      saidMs = clock.monotonicMs();
      isSaid = true;
      err(`\r${done} ${what}`);
    },
    end() {
      if (isSaid) err('\r\u001b[K');
    },
  };
}

/** A number of seconds from an option. @throws EdgeError CFG_USAGE */
export function parseSeconds(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= 86_400) return seconds;
  throw new EdgeError('CFG_USAGE', `--${name} ${text} is not a number of seconds`);
}

/** A checked configuration with the file that it stands in. */
export interface LoadedConfig {
  readonly config: GatewayConfig;
  readonly text: string;
  /** Resolves a path named in it. */
  readonly resolvePath: (path: string) => string;
}

/**
 * Reads a configuration. Its mistakes are written to standard error, one a line.
 *
 * @throws EdgeError CFG_UNREADABLE, CFG_INVALID
 */
export function loadConfig(file: string, { err }: Pick<CommandContext, 'err'>): LoadedConfig {
  const result = readGatewayConfig(file);
  if (!result.ok) {
    for (const mistake of result.mistakes) err(`${formatMistake(mistake)}\n`);
    throw new EdgeError('CFG_INVALID', `checking ${file}`);
  }
  const resolvePath = (path: string) => resolveFrom(file, path);
  return { config: result.value, text: result.text, resolvePath };
}

/**
 * Bytes of a file, or `undefined` where there is none.
 *
 * @throws EdgeError CFG_UNREADABLE when the file is there and cannot be read
 */
export function readFileIfAny(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENOENT') return undefined;
    throw new EdgeError('CFG_UNREADABLE', `reading ${path}`, { cause });
  }
}

/** From now on the outbox is opened with its key, if the configuration names one. */
export async function useEncryption(
  { config, resolvePath }: Pick<LoadedConfig, 'config' | 'resolvePath'>,
  passphrase: string,
  access: SecretAccess,
): Promise<Uint8Array | undefined> {
  if (config.encryption === undefined) return undefined;
  const { credential, file } = config.encryption.key;
  const key = file === undefined ? { credential: credential ?? '' } : { file: resolvePath(file) };
  const found = await readStoreKey({ key }, passphrase, access);
  useStoreKey(resolvePath(config.gateway.data), found);
  return found;
}

/** The same for commands that need no other key. Asks for a passphrase only where it is needed. */
export async function unlockEncryption(
  loaded: LoadedConfig,
  access: SecretAccess,
): Promise<Uint8Array | undefined> {
  const { config, resolvePath } = loaded;
  if (config.encryption?.key.file === undefined) return useEncryption(loaded, '', access);
  const { secret } = await unlockKeyStore(keyStoreSettings(config.keys, resolvePath), access);
  return useEncryption(loaded, secret, access);
}
