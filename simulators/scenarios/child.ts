/** One process of a scenario: started, listened to line by line, and always ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { EdgeError } from '../../devices/errors.ts';
import type { Clock } from '../../devices/runtime.ts';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A running process that speaks JSON lines on its standard output. */
export interface Child {
  readonly name: string;
  /** The newest JSON object that it printed after `ready`. */
  latest(): Readonly<Record<string, unknown>>;
  /** Resolves with the first line that has `"ready": true`; rejects when the process ends first. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  readonly exited: Promise<ChildExit>;
  /** Writes one line to its standard input. */
  send(line: string): void;
  /** Asks it to end (SIGTERM), and ends it (SIGKILL) after `graceMs`. */
  stop(graceMs: number): Promise<ChildExit>;
}

export interface Launcher {
  /** Path of the Node that runs this process, and the environment to hand on. */
  readonly execPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Finds a command's entry file: `gateway`, `ingest`, `wallet`, `sim`. */
  readonly entry: (command: string) => string;
  readonly clock: Clock;
  /** Ends commands that are to come to an end by themselves; none is run after it. */
  readonly stop: AbortSignal;
}

/**
 * Starts a command that runs until it is stopped. It has a process group of its own, so that
 * Ctrl-C reaches the scenario alone, which then ends its children in order; and it watches its
 * standard input (`--attached`), so that it ends even when the scenario is killed.
 */
export function startChild(
  launcher: Launcher,
  options: {
    name: string;
    command: string;
    args: readonly string[];
    logFile: string;
    onLine?: (line: Readonly<Record<string, unknown>>) => void;
  },
): Child {
  const log = openSync(options.logFile, 'a');
  const child = spawn(launcher.execPath, [launcher.entry(options.command), ...options.args], {
    env: launcher.environment,
    stdio: ['pipe', 'pipe', log],
    detached: true,
  });
  closeSync(log);
  child.stdin?.on('error', () => undefined);

  let latest: Readonly<Record<string, unknown>> = {};
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 1, signal: null }));
  });
  const ready = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    readLines(child, (line) => {
      if (line['ready'] === true) resolve(line);
      else latest = line;
      options.onLine?.(line);
    });
    void exited.then(({ code, signal }) =>
      reject(
        new EdgeError(
          'SIM_CHILD_ENDED',
          `${options.name} ended (${signal ?? `exit code ${code}`}) before it was ready, see ${options.logFile}`,
        ),
      ),
    );
  });
  ready.catch(() => undefined);

  return {
    name: options.name,
    latest: () => latest,
    ready,
    exited,
    send: (line) => {
      child.stdin?.write(`${line}\n`);
    },
    async stop(graceMs) {
      child.kill('SIGTERM');
      const cancel = launcher.clock.after(graceMs, () => child.kill('SIGKILL'));
      const exit = await exited;
      cancel();
      return exit;
    },
  };
}

/**
 * Runs a command to its end and returns what it printed.
 *
 * @throws EdgeError SIM_COMMAND_FAILED with the command's own words when it does not exit with 0;
 *   the reason of `launcher.stop` when that aborts before, once the command has ended.
 */
export async function runCommand(
  launcher: Launcher,
  command: string,
  args: readonly string[],
): Promise<string> {
  const { stop } = launcher;
  stop.throwIfAborted();
  const child = spawn(launcher.execPath, [launcher.entry(command), ...args], {
    env: launcher.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const end = () => child.kill('SIGTERM');
  stop.addEventListener('abort', end, { once: true });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  stop.removeEventListener('abort', end);
  stop.throwIfAborted();
  if (code === 0) return Buffer.concat(out).toString();
  const said = Buffer.concat([...err, ...out])
    .toString()
    .trim();
  throw new EdgeError(
    'SIM_COMMAND_FAILED',
    `bondline-${command} ${args.join(' ')} ended with exit code ${code}`,
    { cause: new Error(said) },
  );
}

/**
 * Waits until each of `works` has ended, so that none goes on behind the back of who stops.
 *
 * @throws what the first of them threw, in their order.
 */
export async function allEnded<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}

function readLines(
  child: ChildProcess,
  onLine: (line: Readonly<Record<string, unknown>>) => void,
): void {
  if (!child.stdout) return;
  createInterface({ input: child.stdout }).on('line', (text) => {
    const value = parseObject(text);
    if (value) onLine(value);
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined; // Not one of our lines; it stays in nobody's way.
  }
}
