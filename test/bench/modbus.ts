/**
 * Modbus reads of 125 registers by the driver, beside what libmodbus does in C against the same
 * server (libmodbus's own example) in the same run. The bound is its client asking one question
 * at a time, which is all that it can. A table says where the processor time of a read goes.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import modbusSerial from 'modbus-serial';
import type { PointDefinition } from '../../devices/profile.ts';
import type { Connection } from '../../gateway/driver.ts';
import { createModbusDriver } from '../../gateway/drivers/modbus.ts';
import { Bench } from '../peers/modbus-line.ts';
import { driverContext } from '../support/driver-context.ts';
import { freePort } from '../support/ports.ts';
import { type Figure, figure, median } from './figure.ts';
import { cpuSeconds } from './process.ts';
import { type Spender, spenders, whereTimeGoes } from './where.ts';

const REGISTERS = 125;
const ROUNDS = 5;
const ROUND_MS = 1_000;
const IN_FLIGHT = 16;
const never = new AbortController().signal;

/** Points of one block: all registers as one text, or one number each. */
const points = {
  block: { all: point(0, 'string', REGISTERS) },
  numbers: Object.fromEntries(
    Array.from({ length: REGISTERS }, (_, address) => [`r${address}`, point(address, 'uint16')]),
  ),
};

/** Measures; `say` gets progress, and where the time goes. */
export async function benchModbus(say: (line: string) => void): Promise<Figure[]> {
  const bench = new Bench();
  try {
    const port = await freePort();
    const server = spawn(bench.compileExample('bandwidth-server-many-up', { 1502: String(port) }));
    bench.onStop(async () => {
      const exit = once(server, 'exit');
      server.kill('SIGKILL');
      await exit;
    });
    const client = join(bench.folder, 'modbus-read');
    const source = fileURLToPath(new URL('modbus-read.c', import.meta.url));
    const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-I/usr/include/modbus'];
    execFileSync('gcc', [...flags, '-o', client, source, '-lmodbus']);
    // The server says nothing when it listens: connecting to it does.
    await started(client, port);
    const ways = {
      'a bare Node socket, one at a time': [await openBare(bench, port)],
      'bare modbus-serial, one at a time': [await openUnguarded(bench, port)],
      'one at a time': await openReaders(bench, port, 1, points.block),
      '16 in flight': await openReaders(bench, port, IN_FLIGHT, points.block),
      '16 in flight, 125 points each': await openReaders(bench, port, IN_FLIGHT, points.numbers),
    };
    const serverPid = server.pid ?? 0;
    const inC: Measured[] = [];
    const ours: Record<string, Measured[]> = {};
    for (let round = 0; round <= ROUNDS; round += 1) {
      const c = measureC(client, port, serverPid);
      // The first round compiles code.
      if (round > 0) inC.push(c);
      for (const [way, readers] of Object.entries(ways)) {
        const one = await measureDriver(readers, serverPid);
        if (round > 0) ours[way] = [...(ours[way] ?? []), one];
      }
    }
    const rows = [toRow('libmodbus in C', inC)];
    for (const [way, readers] of Object.entries(ways)) {
      const shares = await whereTimeGoes(() => measureDriver(readers, serverPid));
      rows.push(toRow(way, ours[way] ?? [], shares));
    }
    for (const line of formatRows(rows)) say(line);
    const bound = median(inC.map(({ rate }) => rate));
    return Object.entries(ours).map(([way, measured]) =>
      figure(`modbus.reads (${way})`, median(measured.map(({ rate }) => rate)), 'reads/s', bound),
    );
  } finally {
    await bench.stopAll();
  }
}

type Reader = () => Promise<void>;

/** Devices on one line with as many requests at the same time. */
async function openReaders(
  bench: Bench,
  port: number,
  inFlight: number,
  places: Readonly<Record<string, PointDefinition>>,
): Promise<Reader[]> {
  const driver = createModbusDriver();
  const names = Object.keys(places);
  const opened: Connection[] = [];
  for (let unitId = 1; unitId <= inFlight; unitId += 1) {
    const settings = { host: '127.0.0.1', port, unitId, timeoutMs: 5_000, inFlight };
    opened.push(await driver.open(settings, places, driverContext(`unit-${unitId}`)));
  }
  bench.onStop(() => Promise.all(opened.map((connection) => connection.close())));
  return opened.map((connection) => async () => {
    const { samples } = await connection.read(names, never);
    if (samples.length !== names.length) throw new Error('a read without its samples');
  });
}

/** Node itself: the same bytes there and back, with no Modbus at all. */
async function openBare(bench: Bench, port: number): Promise<Reader> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  bench.onStop(() => socket.destroy());
  const request = Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, REGISTERS]);
  const answerBytes = 9 + 2 * REGISTERS;
  let bytes = 0;
  let done: () => void = () => undefined;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    if (bytes >= answerBytes) done();
  });
  return () =>
    new Promise((resolve) => {
      bytes = 0;
      done = resolve;
      socket.write(request);
    });
}

/** The library without the guard. */
async function openUnguarded(bench: Bench, port: number): Promise<Reader> {
  const client = new modbusSerial.default();
  await client.connectTCP('127.0.0.1', { port });
  client.setTimeout(5_000);
  bench.onStop(() => new Promise<void>((resolve) => client.close(() => resolve())));
  return async () => {
    await client.readHoldingRegisters(0, REGISTERS);
  };
}

interface Measured {
  /** Reads a second. */
  readonly rate: number;
  /** Processor time of a read, here and in the server, microseconds. */
  readonly ownUs: number;
  readonly serverUs: number;
}

/** One line of the table of where the time goes, microseconds of processor a read. */
function toRow(
  way: string,
  measured: readonly Measured[],
  shares?: Readonly<Record<Spender, number>>,
): string[] {
  const ownUs = median(measured.map((one) => one.ownUs));
  const serverUs = median(measured.map((one) => one.serverUs));
  const parts = spenders.map((spender) => shares && (shares[spender] * ownUs).toFixed(1));
  return [way, ownUs.toFixed(1), ...parts.map((part) => part ?? ''), serverUs.toFixed(1)];
}

function formatRows(rows: readonly (readonly string[])[]): string[] {
  const head = ['µs of processor a read', 'ours', ...spenders, 'server'];
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((row) => (row[at] ?? '').length)));
  return all.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

async function measureDriver(readers: readonly Reader[], serverPid: number): Promise<Measured> {
  const start = performance.now();
  const before = { own: process.cpuUsage(), server: cpuSeconds(serverPid) };
  let reads = 0;
  await Promise.all(
    readers.map(async (read) => {
      for (; performance.now() - start < ROUND_MS; reads += 1) await read();
    }),
  );
  const elapsedMs = performance.now() - start;
  const own = process.cpuUsage(before.own);
  const serverUs = ((cpuSeconds(serverPid) - before.server) * 1e6) / reads;
  return { rate: (reads * 1_000) / elapsedMs, ownUs: (own.user + own.system) / reads, serverUs };
}

function measureC(client: string, port: number, serverPid: number): Measured {
  const before = cpuSeconds(serverPid);
  const output = execFileSync(client, [String(port), String(ROUND_MS)], { encoding: 'utf8' });
  const [rate = 0, ownUs = 0] = output.trim().split(' ').map(Number);
  const reads = (rate * ROUND_MS) / 1_000;
  return { rate, ownUs, serverUs: ((cpuSeconds(serverPid) - before) * 1e6) / reads };
}

async function started(client: string, port: number): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      execFileSync(client, [String(port), '1'], { stdio: 'pipe' });
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function point(address: number, type: 'string' | 'uint16', registers?: number): PointDefinition {
  const encoding = { type, order: 'ABCD' } as const;
  const modbus = { table: 'holding', address, encoding, ...(registers && { registers }) } as const;
  return { summary: '', type: 'Dimensionless', unit: '', modbus };
}
