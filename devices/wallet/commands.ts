/** The commands of `bondline-wallet`: which there are, and how their answers are printed. */
import { EdgeError, explain } from '../errors.ts';
import { usage } from './arguments.ts';
import type { Command } from './commands/command.ts';
import { enrol, rotate } from './commands/enrol.ts';
import { init } from './commands/init.ts';
import { publish } from './commands/publish.ts';
import { changing, status } from './commands/status.ts';
import { help } from './help.ts';
import { sign } from './sign.ts';
import type { WalletContext } from './wallet.ts';

/** Where a command prints. */
export interface CommandOutput {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const commands: Readonly<Record<string, Command>> = {
  ...{ init, enrol, rotate, sign, status, publish },
  suspend: changing('suspend'),
  reinstate: changing('reinstate'),
  revoke: changing('revoke'),
};

/**
 * Runs one command line. Exit codes: 0 done, 1 failed with nothing half done, 2 the command line
 * has a mistake.
 */
export async function runWallet(
  args: readonly string[],
  output: CommandOutput,
  context: WalletContext,
): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    output.out(help.overview);
    return args.length === 0 ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (!command) throw usage(`there is no command ${name}`);
    const answer = await command(rest, context);
    if (typeof answer === 'string') output.out(answer);
    else if (rest.includes('--json')) output.out(`${JSON.stringify(answer.json)}\n`);
    else output.out(answer.lines.map((line) => `${line}\n`).join(''));
    return 0;
  } catch (error) {
    output.err(`bondline-wallet: ${explain(error)}\n`);
    return error instanceof EdgeError && error.code === 'CFG_USAGE' ? 2 : 1;
  }
}
