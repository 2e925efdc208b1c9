#!/usr/bin/env node
/** The command `bondline-sim`: arguments, signals and exit codes. */
import '../devices/io/needs-node.ts';
import { createInterface } from 'node:readline';
import { EdgeError, explain } from '../devices/errors.ts';
import { allowReaderToLeave, endProcess } from '../devices/io/end-process.ts';
import { systemClock, systemRandom } from '../devices/runtime.ts';
import type { CommandContext } from './command.ts';
import { deviceHelp, overview, runHelp } from './help.ts';

const EXIT = { well: 0, failed: 1, usage: 2 } as const;

allowReaderToLeave(process);
await endProcess(process, await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return error instanceof EdgeError && error.code === 'CFG_USAGE' ? EXIT.usage : EXIT.failed;
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  const help = rest.includes('--help') || rest.includes('-h');
  switch (command) {
    case undefined:
    case '--help':
    case '-h':
    case 'help':
      process.stdout.write(overview);
      return command === undefined ? EXIT.usage : EXIT.well;
    case 'run': {
      const { scenarios } = await import('./scenarios/registry.ts');
      if (help) {
        process.stdout.write(runHelp(Object.values(scenarios)));
        return EXIT.well;
      }
      const { runRun } = await import('./commands/run.ts');
      return runRun(rest, contextOf(), scenarios);
    }
    case 'device': {
      const { stations } = await import('./stations/registry.ts');
      if (help) {
        process.stdout.write(deviceHelp(Object.keys(stations)));
        return EXIT.well;
      }
      const { runDevice } = await import('./commands/device.ts');
      return runDevice(rest, contextOf(), stations);
    }
    default:
      throw new EdgeError('CFG_USAGE', `bondline-sim has no command ${command}`);
  }
}

function contextOf(): CommandContext {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  return {
    clock: systemClock,
    random: systemRandom,
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
    terminal: process.stderr.isTTY === true,
    onInput: (onLine: (line: string) => void, onEnd: () => void) => {
      createInterface({ input: process.stdin }).on('line', onLine).on('close', onEnd);
    },
    stop: stop.signal,
    environment: process.env,
    execPath: process.execPath,
  };
}
