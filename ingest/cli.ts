#!/usr/bin/env node
/** The command `bondline-ingest`: arguments, signals and exit codes. */
import '../devices/io/needs-node.ts';
import { EdgeError, explain } from '../devices/errors.ts';
import { allowReaderToLeave, endProcess } from '../devices/io/end-process.ts';
import { askSecretAt } from '../devices/io/terminal.ts';
import { systemClock, systemRandom } from '../devices/runtime.ts';
import type { CommandContext } from './commands/command.ts';
import { overview } from './commands/overview.ts';

const EXIT = { well: 0, failed: 1, usage: 2 } as const;

const output = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
};

// What nobody caught leaves the program in a state that nobody knows: it stops taking, and ends.
for (const what of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(what, (cause) => {
    const error = new EdgeError('IN_FAULT', 'running', { cause });
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
  if (args.includes('--help') || args.includes('-h')) {
    const { helpOf } = await import('./commands/help.ts');
    const help = Object.hasOwn(helpOf, command) ? helpOf[command] : undefined;
    if (help !== undefined) {
      process.stdout.write(help);
      return EXIT.well;
    }
  }
  switch (command) {
    case 'run':
      return (await import('./commands/run.ts')).runRun(args, await contextOf());
    case 'check':
      return (await import('./commands/check.ts')).runCheck(args, await contextOf());
    case 'trust':
      return (await import('./commands/trust.ts')).runTrust(args, await contextOf());
    case 'store':
      return (await import('./commands/store.ts')).runStore(args, await contextOf());
    case 'backup':
      return (await import('./commands/backup.ts')).runBackup(args, await contextOf());
    case 'restore':
      return (await import('./commands/restore.ts')).runRestore(args, await contextOf());
    case 'import':
      return (await import('./commands/import.ts')).runImport(args, await contextOf());
    case 'uplink':
      return (await import('./commands/uplink.ts')).runUplink(args, await contextOf());
    case 'submit':
      return (await import('./commands/submit.ts')).runSubmit(args, await contextOf());
    case 'doubts':
      return (await import('./commands/doubts.ts')).runDoubts(args, await contextOf());
    case 'accept':
      return (await import('./commands/accept.ts')).runAccept(args, await contextOf());
    case 'custody':
      return (await import('./commands/custody.ts')).runCustody(args, await contextOf());
    case 'verify':
      return (await import('./commands/verify.ts')).verifyCommand(args, output);
    case 'disclose':
      return (await import('./commands/disclose.ts')).runDisclose(args, output);
    case 'rebuild':
      return (await import('./commands/rebuild.ts')).runRebuild(args, await contextOf());
    case 'checkpoint':
      return (await import('./commands/checkpoint.ts')).runCheckpoint(args, await contextOf());
    case 'audit':
      return (await import('./commands/audit.ts')).runAudit(args, await contextOf());
    case 'twin':
      return (await import('./commands/twin.ts')).runTwin(args, await contextOf());
    default:
      throw new EdgeError('CFG_USAGE', `bondline-ingest has no command "${command}"`);
  }
}

async function contextOf(): Promise<CommandContext> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  const { sources } = await import('./sources/registry.ts');
  return {
    clock: systemClock,
    random: systemRandom,
    ...output,
    terminal: process.stderr.isTTY === true,
    pid: process.pid,
    sources,
    stop: stop.signal,
    environment: process.env,
    ...(process.stdin.isTTY && { askSecret: askSecretAt(process.stdin, process.stderr) }),
    onInputEnd(onEnd) {
      process.stdin.on('end', onEnd).on('close', onEnd).on('error', onEnd).resume();
    },
  };
}
