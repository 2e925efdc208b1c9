#!/usr/bin/env node
/** The command `bondline-wallet`: hands the command line and the outside world to the wallet. */
import '../io/needs-node.ts';
import { systemClock, systemRandom } from '../runtime.ts';
import { runWallet } from './commands.ts';

const output = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
};

process.exitCode = await runWallet(process.argv.slice(2), output, {
  clock: systemClock,
  random: systemRandom,
});
