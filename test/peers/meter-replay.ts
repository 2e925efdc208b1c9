/**
 * The recording that the Modbus peers replay, as this side expects it: its rows, the profile of
 * a device with these registers, and the peer as a process.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type DeviceProfile, defineProfile, type PointDefinition } from '../../devices/profile.ts';
import { sharedPath } from '../support/shared.ts';

/**
 * Points of the replayed device in the order of the columns, with type and unit. Units that no
 * profile of ours uses are left out: what is compared are the numbers and their words.
 */
const COLUMNS = [
  ['accelerometer1', 'Acceleration', ''],
  ['accelerometer2', 'Acceleration', ''],
  ['current', 'ElectricCurrent', ''],
  ['pressure', 'Pressure', 'BAR'],
  ['temperature', 'Temperature', 'CEL'],
  ['thermocouple', 'Temperature', 'CEL'],
  ['voltage', 'Voltage', 'VLT'],
  ['volumeFlow', 'VolumeFlowRate', ''],
] as const;

/** Registers of the block: the row's number, then a float32 for each column. */
export const REPLAY_REGISTERS = 2 + 2 * COLUMNS.length;

/** One row of the recording: by point, the number as written and the words of its float32. */
export interface ReplayRow {
  readonly number: number;
  readonly values: ReadonlyMap<string, { readonly value: number; readonly rawHex: string }>;
}

/** The device that a peer plays; a profile as a site would write it inline. */
export const replayProfile: DeviceProfile = defineProfile({
  name: 'replayed-pump-loop',
  summary: 'A pump loop whose recording is served over Modbus.',
  source: 'waico/SKAB, columns in the order of the file',
  protocol: 'modbus',
  reportsOn: 'pipeline-batch',
  points: {
    row: definition('bl:Count', '', 0, 'uint32'),
    ...Object.fromEntries(
      COLUMNS.map(([name, type, unit], index) => [
        name,
        definition(type, unit, 2 + 2 * index, 'float32'),
      ]),
    ),
  },
});

/** A file of the recording. */
export function recordingPath(name: string): string {
  return sharedPath('data', 'meter-skab', name);
}

/** Reads the recording with nothing that the driver or a peer uses. */
export function readRecording(path: string): ReplayRow[] {
  const lines = readFileSync(path, 'utf8').trim().split(/\r?\n/).slice(1);
  return lines.map((line, number) => {
    const texts = line.split(';').slice(1);
    const values = COLUMNS.map(([name], index) => {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatBE(Number(texts[index]));
      return [name, { value: bytes.readFloatBE(), rawHex: bytes.toString('hex') }] as const;
    });
    return { number, values: new Map(values) };
  });
}

/** A peer that replays a recording. */
export interface ReplayPeer {
  readonly port: number;
  readonly rows: number;
  /** By row, the hex of all registers as the peer says it served them. */
  readonly served: Map<number, string>;
  /** Ends the peer; resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Compiles the libmodbus replay into `folder`; the path of the program. */
export function compileReplay(folder: string): string {
  const program = join(folder, 'modbus-replay');
  const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-I/usr/include/modbus'];
  execFileSync('gcc', [...flags, '-o', program, beside('modbus-replay.c'), '-lmodbus']);
  return program;
}

/** Starts the pymodbus replay of the recording at `path`. */
export function startPymodbus(path: string): Promise<ReplayPeer> {
  return startReplay('/usr/bin/python3', [beside('modbus-replay.py'), '0', path]);
}

function beside(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Starts a replay program (see modbus-replay.py and .c) and waits until it listens. */
export async function startReplay(command: string, args: readonly string[]): Promise<ReplayPeer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const served = new Map<number, string>();
  const errors: string[] = [];
  child.stderr.on('data', (chunk) => errors.push(String(chunk)));
  const lines = createInterface({ input: child.stdout });
  const ready = await new Promise<{ port: number; rows: number }>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${errors.join('')}`)));
    lines.on('line', (line) => {
      const message = JSON.parse(line);
      if (message.ready) resolve(message);
      else if (served.has(message.row)) reject(new Error(`row ${message.row} was served twice`));
      else served.set(message.row, message.hex);
    });
  });
  return { port: ready.port, rows: ready.rows, served, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exit = once(child, 'close');
  child.stdin?.end();
  const [code] = await exit;
  return code;
}

function definition(
  type: string,
  unit: string,
  address: number,
  raw: 'uint32' | 'float32',
): PointDefinition {
  const encoding = { type: raw, order: 'ABCD' } as const;
  return { summary: type, type, unit, modbus: { table: 'holding', address, encoding } };
}
