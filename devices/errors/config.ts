/** Codes about configuration files and the directories that they name. */
import type { ErrorEntry } from '../errors.ts';

export const configErrors = {
  CFG_UNREADABLE: {
    meaning: 'The configuration file cannot be read.',
    hint: 'Check the path and its permissions.',
    retryable: false,
  },
  CFG_INVALID: {
    meaning: 'The configuration has mistakes; each is listed with its line and column.',
    hint: 'Correct every line that is listed, then run the check command again.',
    retryable: false,
  },
  CFG_DIRECTORY_UNWRITABLE: {
    meaning: 'The data directory cannot be written.',
    hint: 'Give the account that runs this command write permission, or name another directory.',
    retryable: false,
  },
  CFG_USAGE: {
    meaning: 'The command line has a mistake.',
    hint: 'Run the command with --help.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
