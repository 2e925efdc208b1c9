#!/usr/bin/env node
/** The command `bondline-gateway`: arguments, signals and exit codes. */
import '../devices/io/needs-node.ts';
import { setFlagsFromString } from 'node:v8';
import { EdgeError, explain } from '../devices/errors.ts';
import { allowReaderToLeave, endProcess } from '../devices/io/end-process.ts';
import { askSecretAt } from '../devices/io/terminal.ts';
import { systemClock, systemRandom } from '../devices/runtime.ts';
import type { CommandContext } from './commands/command.ts';
import { helpOf, overview } from './commands/help.ts';

const EXIT = { well: 0, failed: 1, usage: 2 } as const;

// What nobody caught leaves the program in a state that nobody knows: it stops taking, and ends.
for (const what of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(what, (cause) => {
    const error = new EdgeError('GW_FAULT', 'running', { cause });
    process.stderr.write(`${explain(error)}\n`);
    process.exit(EXIT.failed);
  });
}

allowReaderToLeave(process);
await endProcess(process, await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    // An ordinary end closes the databases, which syncs once more what could not be synced.
    if (error instanceof EdgeError && error.code === 'DB_DISK_FAILED')
      process.kill(process.pid, 'SIGKILL');
    return error instanceof EdgeError && error.code === 'CFG_USAGE' ? EXIT.usage : EXIT.failed;
  }
}

/** Commands load when used, so that `--help` and `check` answer at once. */
async function dispatch([command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined || ['--help', '-h', 'help'].includes(command)) {
    process.stdout.write(overview);
    return command === undefined ? EXIT.usage : EXIT.well;
  }
  const help = Object.hasOwn(helpOf, command) ? helpOf[command] : undefined;
  if (help !== undefined && (args.includes('--help') || args.includes('-h'))) {
    process.stdout.write(help);
    return EXIT.well;
  }
  switch (command) {
    case 'run':
      // A gateway box has little memory. Left alone, V8 lets the space for young objects grow to
      // 50 MiB at 10,000 points a second; kept small, it costs no measurable time.
      setFlagsFromString('--optimize-for-size');
      return (await import('./commands/run.ts')).runRun(args, contextOf());
    case 'check':
      return (await import('./commands/check.ts')).runCheck(args, contextOf());
    case 'read':
      return (await import('./commands/read.ts')).runRead(args, contextOf());
    case 'lint':
      return (await import('./commands/lint.ts')).runLint(args, contextOf());
    case 'keygen':
      return (await import('./commands/keygen.ts')).runKeygen(args, contextOf());
    case 'enrol-request':
      return (await import('./commands/enrol-request.ts')).runEnrolRequest(args, contextOf());
    case 'join':
      return (await import('./commands/join.ts')).runJoin(args, contextOf());
    case 'outbox':
      return (await import('./commands/outbox.ts')).runOutbox(args, contextOf());
    case 'carry':
      return (await import('./commands/carry.ts')).runCarry(args, contextOf());
    case 'store':
      return (await import('./commands/store.ts')).runStore(args, contextOf());
    case 'witness':
      return (await import('./commands/witness.ts')).runWitness(args, contextOf());
    case 'opcua-trust':
      return (await import('./commands/opcua-trust.ts')).runOpcuaTrust(args, contextOf());
    case 'discover':
      return (await import('./commands/discover.ts')).runDiscover(args, contextOf());
    default:
      throw new EdgeError('CFG_USAGE', `bondline-gateway has no command "${command}"`);
  }
}

function contextOf(): CommandContext {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  // Whoever read our output has gone (`| head`): there is nobody to go on for.
  process.stdout.on('error', () => stop.abort());
  return {
    clock: systemClock,
    random: systemRandom,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    terminal: process.stderr.isTTY === true,
    ...(process.stdout.isTTY && { screen: () => process.stdout }),
    stop: stop.signal,
    environment: process.env,
    ...(process.stdin.isTTY && { askSecret: askSecretAt(process.stdin, process.stderr) }),
    onHangup: (action) => void process.on('SIGHUP', action),
    onInputEnd(onEnd) {
      process.stdin.on('end', onEnd).on('close', onEnd).on('error', onEnd).resume();
    },
  };
}
