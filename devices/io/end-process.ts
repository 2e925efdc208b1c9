/** The end of a command: what it said has reached its reader before the process is gone. */
import type { Writable } from 'node:stream';

/** What of a process these functions touch; a `cli.ts` hands in its own. */
export type OwnProcess = Pick<NodeJS.Process, 'stdout' | 'stderr' | 'on' | 'exit'>;

/**
 * Ends the process with `code` once everything written to standard output and standard error was
 * taken by whoever reads them. `process.exit()` alone throws away what a slow reader has not taken
 * yet: a pipe holds 64 KiB, and a list of twins or an export of evidence is longer. A reader that
 * has gone (`| head`) is not waited for, and a signal during the wait ends it at once.
 */
export async function endProcess(own: OwnProcess, code: number): Promise<never> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) own.on(signal, () => own.exit(code));
  await Promise.all([own.stdout, own.stderr].map(taken));
  // Whatever still listens (standard input, a worker) must not hold the process up.
  return own.exit(code);
}

/** A reader that goes away is no fault of the command: what is written then goes nowhere. */
export function allowReaderToLeave(own: OwnProcess): void {
  for (const stream of [own.stdout, own.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

function taken(stream: Writable): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return Promise.resolve();
  return new Promise((done) => {
    stream.once('close', done).once('error', () => done());
    stream.write('', () => done());
  });
}
