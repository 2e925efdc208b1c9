/** A real ingester process on a folder of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { entryOf } from './commands.ts';

export interface IngesterFolder {
  readonly directory: string;
  readonly config: string;
  readonly data: string;
  remove(): void;
}

/** A folder with a configuration and a passphrase; `ports` 0 takes any. */
export function ingesterFolder(ports: { mqtt?: number; http?: number } = {}): IngesterFolder {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-ingester-'));
  const config = join(directory, 'ingest.yaml');
  writeFileSync(join(directory, 'passphrase'), 'correct horse\n');
  writeFileSync(
    config,
    [
      'ingester: { name: border, tenant: cbp, data: ./data }',
      `http: { port: ${ports.http ?? 0} }`,
      `sources: [{ source: embedded, connection: { port: ${ports.mqtt ?? 0} } }]`,
      'workers: 1',
      '',
    ].join('\n'),
  );
  return {
    directory,
    config,
    data: join(directory, 'data'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command of `bondline-ingest` to its end. */
export function runIngest(...args: readonly string[]): Promise<Finished> {
  const child = spawn(process.execPath, [entryOf('ingest'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    text.out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    text.err += String(chunk);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...text })));
}

export interface RunningIngester {
  readonly http: string;
  readonly mqtt: string;
  readonly did: string;
  readonly pid: number;
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>;
  /** Everything that it wrote to standard error so far. */
  log(): string;
  /** Sends a signal and resolves with the exit code when it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

/** Starts one and resolves when it says that it is ready; rejects with its words when it ends. */
export function startRunning(
  folder: IngesterFolder,
  ...args: readonly string[]
): Promise<RunningIngester> {
  return listenTo(
    spawn(process.execPath, commandOf(folder, args), { stdio: ['pipe', 'pipe', 'pipe'] }),
  );
}

/** The same where no file may become longer: as on a disk that is full. */
export function startOnFullDisk(
  folder: IngesterFolder,
  fileBytesMax: number,
): Promise<RunningIngester> {
  // POSIX counts the limit in blocks of 512 bytes; the signal would end the process at once.
  const limit = `ulimit -f ${Math.floor(fileBytesMax / 512)}; trap '' XFSZ; exec "$0" "$@"`;
  const command = ['-c', limit, process.execPath, ...commandOf(folder, [])];
  return listenTo(spawn('sh', command, { stdio: ['pipe', 'pipe', 'pipe'] }));
}

function commandOf(folder: IngesterFolder, args: readonly string[]): string[] {
  return [entryOf('ingest'), 'run', folder.config, '--json', ...args];
}

function listenTo(child: ChildProcessWithoutNullStreams): Promise<RunningIngester> {
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return new Promise((resolve, reject) => {
    void ended.then((code) => reject(new Error(`it ended with ${code}: ${err}`)));
    createInterface({ input: child.stdout }).once('line', (line) => {
      const { http, mqtt, ingester } = JSON.parse(line) as Record<string, string>;
      resolve({
        http: http ?? '',
        mqtt: mqtt ?? '',
        did: ingester ?? '',
        pid: child.pid ?? 0,
        ended,
        log: () => err,
        end(signal) {
          child.kill(signal);
          return ended;
        },
      });
    });
  });
}
