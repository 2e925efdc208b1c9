/** The contract of a subcommand, and what they all need: arguments and a configuration. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EdgeError } from '../../devices/errors.ts';
import { formatMistake } from '../../devices/io/config-file.ts';
import { unlockKeyStore } from '../../devices/io/key-store-open.ts';
import type { SecretAccess } from '../../devices/io/secret.ts';
import type { Clock, Random } from '../../devices/runtime.ts';
import { type IngestConfig, loadIngestConfig } from '../config.ts';
import type { Source } from '../source.ts';
import { useEncryption } from '../startup.ts';

/** The world as a command sees it; only cli.ts touches the process itself. */
export interface CommandContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether a person reads standard error. */
  readonly terminal: boolean;
  readonly pid: number;
  /** The registered sources, against which a configuration is checked. */
  readonly sources: ReadonlyMap<string, Source>;
  /** Aborts on SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
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
 * Arguments taken apart; the last of `positionals` may be `NAME...` for any number of them, or
 * `[NAME]` for one that may be absent.
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
    if (missing && !/^\[|\.\.\.$/.test(missing)) throw new Error(`${missing} is missing`);
    const surplus = parsed.positionals[positionals.length];
    if (surplus !== undefined && !positionals.at(-1)?.endsWith('...')) {
      throw new Error(`"${surplus}" is one argument too many`);
    }
    return parsed;
  } catch (cause) {
    throw new EdgeError('CFG_USAGE', 'reading the command line', { cause });
  }
}

/**
 * Reads a configuration. Its mistakes are written to standard error, one a line.
 *
 * @throws EdgeError CFG_UNREADABLE, CFG_INVALID
 */
export function loadConfig(
  file: string,
  { err, sources }: Pick<CommandContext, 'err' | 'sources'>,
): IngestConfig {
  const loaded = loadIngestConfig(file, sources);
  if (loaded.ok) return loaded.config;
  for (const mistake of loaded.mistakes) err(`${formatMistake(mistake)}\n`);
  throw new EdgeError('CFG_INVALID', `checking ${file}`);
}

/** A progress is said at most this often. */
const PROGRESS_MS = 500;

/** On a terminal, a line that says how far it is; nothing where nobody looks. */
export function progressOf(
  { clock, err, terminal }: Pick<CommandContext, 'clock' | 'err' | 'terminal'>,
  what: string,
): { at(done: number, all: number): void; end(): void } {
  let saidMs = clock.monotonicMs();
  let isSaid = false;
  return {
    at(done, all) {
      if (!terminal || clock.monotonicMs() - saidMs < PROGRESS_MS) return;
      saidMs = clock.monotonicMs();
      isSaid = true;
      err(`\r${done} of ${all} ${what}`);
    },
    end() {
      if (isSaid) err('\r\u001b[K');
    },
  };
}

/** The databases of a configuration. */
export function filesOf({ ingester }: IngestConfig): { journalFile: string; twinsFile: string } {
  return {
    journalFile: join(ingester.data, 'journal.db'),
    twinsFile: join(ingester.data, 'twins.db'),
  };
}

/** The same where they are to be read. @throws EdgeError IN_JOURNAL_ABSENT */
export function storedFilesOf(config: IngestConfig): ReturnType<typeof filesOf> {
  const files = filesOf(config);
  if (existsSync(files.journalFile)) return files;
  throw new EdgeError('IN_JOURNAL_ABSENT', `opening ${files.journalFile}`);
}

/** Lets the databases be opened; asks for a passphrase only where the store key needs it. */
export async function unlockEncryption(
  config: IngestConfig,
  access: SecretAccess,
): Promise<Uint8Array | undefined> {
  if (config.encryption?.key.file === undefined) return useEncryption(config, '', access);
  const { secret } = await unlockKeyStore(config.keys, access);
  return useEncryption(config, secret, access);
}
