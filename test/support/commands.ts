/** Starts Bondline's own commands as a user does: the built files, each in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const projectRoot = resolve(fileURLToPath(new URL('../..', import.meta.url)));

const ENTRIES = {
  gateway: 'dist/gateway/cli.js',
  ingest: 'dist/ingest/cli.js',
  wallet: 'dist/devices/wallet/cli.js',
  sim: 'dist/simulators/cli.js',
} as const;

export type Command = keyof typeof ENTRIES;

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built entry file of a command. */
export function entryOf(command: Command): string {
  const file = join(projectRoot, ENTRIES[command]);
  if (!existsSync(file)) throw new Error(`${ENTRIES[command]} is missing: npm run build makes it`);
  return file;
}

/** Runs a command to its end. */
export function runCli(
  command: Command,
  args: readonly string[],
  options: { readonly cwd?: string; readonly timeoutMs?: number } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [entryOf(command), ...args], {
    cwd: options.cwd ?? projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((done) => child.once('close', (code) => done({ code, out, err })));
}

/** Runs a command and fails with its own words when it does not exit with 0. */
export async function mustRun(command: Command, args: readonly string[]): Promise<string> {
  const result = await runCli(command, args);
  if (result.code === 0) return result.out;
  throw new Error(
    `${command} ${args.join(' ')} exited with ${result.code}\n${result.err}${result.out}`,
  );
}

type Line = Readonly<Record<string, unknown>>;

/** A command that runs until it is stopped. */
export class RunningCommand {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly lines: Line[] = [];
  private err = '';
  private readonly waiting = new Set<() => void>();

  constructor(command: Command, args: readonly string[]) {
    this.child = spawn(process.execPath, [entryOf(command), ...args], {
      cwd: projectRoot,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdin?.on('error', () => undefined);
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.err = `${this.err}${chunk.toString()}`.slice(-8_000);
    });
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on('line', (text) => {
        if (text.startsWith('{')) this.lines.push(JSON.parse(text) as Line);
        if (this.lines.length > 1_000) this.lines.splice(1, 500);
        for (const look of this.waiting) look();
      });
    }
    this.exited = new Promise((done) =>
      this.child.once('close', (code) => {
        done(code);
        for (const look of this.waiting) look();
      }),
    );
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get said(): string {
    return this.err;
  }

  /** The newest line that `pick` accepts, waiting for one; fails when the process ends first. */
  async line(pick: (line: Line) => boolean, timeoutMs = 30_000): Promise<Line> {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => end(`no such line in ${timeoutMs} ms`), timeoutMs);
      const look = () => {
        const found = this.lines.findLast(pick);
        if (found) {
          clearTimeout(timer);
          this.waiting.delete(look);
          done(found);
        } else if (this.child.exitCode !== null || this.child.signalCode !== null) {
          end(`ended with ${this.child.exitCode ?? this.child.signalCode}`);
        }
      };
      const end = (why: string) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        fail(new Error(`${why}; it said:\n${this.err}`));
      };
      this.waiting.add(look);
      look();
    });
  }

  ready(): Promise<Line> {
    return this.line((line) => line['ready'] === true);
  }

  /** Ends it in order and resolves with its exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** As a power cut would: no chance to do anything. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
