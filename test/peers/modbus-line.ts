/** Modbus peers as processes: servers on every transport, a serial line of two pseudo-terminals. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ModbusPlace, PointDefinition } from '../../devices/profile.ts';
import { createModbusDriver, type ModbusSettings } from '../../gateway/drivers/modbus.ts';
import { driverContext, until } from '../support/driver-context.ts';

/** What a test started; `stopAll` ends it, newest first. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'bondline-modbus-'));
  readonly #stops: (() => Promise<unknown> | unknown)[] = [];

  onStop(stop: () => Promise<unknown> | unknown): void {
    this.#stops.push(stop);
  }

  async stopAll(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts a program; it is ended by its standard input, or by a signal. */
  start(command: string, args: readonly string[]): ChildProcess {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.onStop(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.stdin?.end();
      child.kill();
      await exit;
    });
    return child;
  }

  /** A pymodbus server; resolves with its port when it listens. */
  async pymodbus(...args: string[]): Promise<number> {
    const script = fileURLToPath(new URL('modbus-serve.py', import.meta.url));
    const child = this.start('/usr/bin/python3', [script, ...args]);
    const errors: string[] = [];
    child.stderr?.on('data', (chunk) => errors.push(String(chunk)));
    if (!child.stdout) throw new Error('no standard output');
    const lines = createInterface({ input: child.stdout });
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`exit ${code}: ${errors.join('')}`)));
      lines.on('line', (line) => resolve(JSON.parse(line).port));
    });
  }

  /** Two ends of a serial line. */
  async ptys(): Promise<readonly [string, string]> {
    const ends = [join(this.folder, 'a'), join(this.folder, 'b')] as const;
    this.start(
      'socat',
      ends.map((path) => `pty,raw,echo=0,link=${path}`),
    );
    await until(() => ends.every((path) => existsSync(path)));
    return ends;
  }

  /** A program from the examples that libmodbus-dev brings, with some of its words replaced. */
  compileExample(name: string, words: Readonly<Record<string, string>>): string {
    const examples = '/usr/share/doc/libmodbus-dev/examples';
    let text = execFileSync('cat', [join(examples, `${name}.c`)], { encoding: 'utf8' });
    for (const [from, to] of Object.entries(words)) text = text.replaceAll(from, to);
    const source = join(this.folder, `${name}.c`);
    const program = join(this.folder, name);
    writeFileSync(source, text);
    const flags = ['-O2', '-I/usr/include/modbus', `-I${examples}`];
    execFileSync('gcc', [...flags, '-o', program, source, '-lmodbus']);
    return program;
  }

  /** Opens a device with the driver. */
  async open(settings: ModbusSettings, points: Readonly<Record<string, PointDefinition>>) {
    // Transaction ids from 0 on: libmodbus's fault for slow bytes copies their low half only.
    const random = { ...driverContext().random, fraction: () => 0 };
    const context = driverContext('peer', { random });
    const connection = await createModbusDriver().open(settings, points, context);
    this.onStop(() => connection.close());
    return connection;
  }
}

/** A point that is one register or bit. */
export function place(
  table: ModbusPlace['table'],
  address: number,
  type: 'uint16' | 'bool' = 'uint16',
): PointDefinition {
  const modbus = { table, address, encoding: { type, order: 'ABCD' } } as const;
  return { summary: '', type: 'Dimensionless', unit: '', modbus };
}

/** A private authority, and its certificates for 127.0.0.1 and for us; paths of PEM files. */
export function makeCertificates(folder: string): Readonly<Record<string, string>> {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=Yard CA',
  );
  for (const [name, extra] of Object.entries({
    server: 'subjectAltName=IP:127.0.0.1',
    elsewhere: 'subjectAltName=DNS:elsewhere.example',
    client: 'extendedKeyUsage=clientAuth',
  })) {
    writeFileSync(at(`${name}.ext`), extra);
    openssl(
      'req',
      ...key,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
      '-subj',
      `/CN=${name}`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      '-CA',
      at('ca.pem'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      at(`${name}.ext`),
      '-out',
      at(`${name}.pem`),
    );
  }
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('stranger.key'),
    '-out',
    at('stranger.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=Stranger',
  );
  return Object.fromEntries(
    ['ca', 'server', 'elsewhere', 'client', 'stranger'].flatMap((name) => [
      [name, at(`${name}.pem`)],
      [`${name}Key`, at(`${name}.key`)],
    ]),
  );
}
