/** What every command of the wallet is: a function from a command line to an answer. */
import type { WalletContext } from '../wallet.ts';

/** What a command answers: an object for `--json`, lines for people; or its own help. */
export type Answer = { readonly json: object; readonly lines: readonly string[] } | string;

/** A mistake throws CFG_USAGE; every other failure leaves nothing half done. */
export type Command = (args: readonly string[], context: WalletContext) => Promise<Answer>;

/** A hint for who has never done this: what comes next, as it is to be typed. */
export function next(...commands: readonly string[]): string[] {
  return commands.map((command, at) => `${at === 0 ? 'next: ' : '      '}${command}`);
}
