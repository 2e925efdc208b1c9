/** What the commands of `bondline-sim` are given by the process that they run in. */
import type { Clock, Random } from '../devices/runtime.ts';

export interface CommandContext {
  readonly clock: Clock;
  readonly random: Random;
  /** Writes to standard output, and to standard error. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether standard error is a terminal. */
  readonly terminal: boolean;
  /** Calls for every line of standard input, and once when it ends. */
  readonly onInput: (onLine: (line: string) => void, onEnd: () => void) => void;
  /** Aborts on SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Path of the running Node. */
  readonly execPath: string;
}
