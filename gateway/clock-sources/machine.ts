/** Asks this machine: the programs of its time services, with a bound on time and output. */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { limits } from '../../devices/limits.ts';
import type { ClockSource, Machine } from './source.ts';

/** Where Debian and others have these programs; the environment is not asked. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  return {
    run: (program, args, signal) =>
      new Promise((resolve) => {
        const options = {
          signal,
          // A person's language must not change what is read here.
          env: { PATH, LC_ALL: 'C', TZ: 'UTC' },
          timeout: limits.clockAnswerMs,
          killSignal: 'SIGKILL' as const,
          maxBuffer: limits.clockAnswerBytesMax,
        };
        execFile(program, [...args], options, (error, stdout) =>
          resolve(error === null ? stdout : undefined),
        );
      }),
    exists: (path) =>
      access(path).then(
        () => true,
        () => false,
      ),
  };
}

/** Asks one service after the other, and takes the first that answers. */
export function askFirst(
  sources: Readonly<Record<string, ClockSource>>,
  machine: Machine,
  settings: Parameters<ClockSource>[1],
  signal: AbortSignal,
): ReturnType<ClockSource> {
  return Object.values(sources).reduce<ReturnType<ClockSource>>(
    async (before, ask) => (await before) ?? ask(machine, settings, signal),
    Promise.resolve(undefined),
  );
}
