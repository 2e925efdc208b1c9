/** `lint` against devices with one mistake planted in their configuration, and with none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { runLint } from '../../../../gateway/commands/lint.ts';
import type { Finding } from '../../../../gateway/lint/judge.ts';
import {
  dataFrame,
  exceptionFrame,
  type Slave,
  type SlaveRequest,
  startSlave,
} from '../../../support/modbus-slave.ts';

interface Result {
  readonly code: number;
  readonly error: string;
  readonly out: string;
}

interface Report {
  readonly device: string;
  readonly findings: readonly Finding[];
  readonly unread: readonly { readonly point: string; readonly cause: string }[];
}

let slave: Slave;
let folder = '';
/** Registers of 2 bytes, and of 4 bytes from 5001 on. What is not there is an illegal address. */
const memory = new Map<number, Buffer>();
/** Called after every request, so that counters count. */
let tick: () => void = () => undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lint-'));
  slave = await startSlave(answer);
});

afterAll(async () => {
  await slave.close();
  rmSync(folder, { recursive: true, force: true });
});

function answer(request: SlaveRequest): Buffer {
  const parts: Buffer[] = [];
  for (let n = 0; n < request.quantity; n += 1) {
    const part = memory.get(request.address + n);
    if (part === undefined) return exceptionFrame(request, 2);
    parts.push(part);
  }
  tick();
  return dataFrame(request, Buffer.concat(parts));
}

/** Fills the registers from `address` on with these bytes. */
function hold(address: number, hex: string, width = 2): void {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at < bytes.length; at += width) {
    memory.set(address + at / width, bytes.subarray(at, at + width));
  }
}

function float(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes.toString('hex');
}

function swapped(hex: string): string {
  return hex.slice(4, 8) + hex.slice(0, 4);
}

async function lint(
  points: readonly string[],
  connection = '',
  args: readonly string[] = [],
): Promise<Result> {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `gateway: { name: test, organisation: 'did:web:you.example', data: ./data }
keys: { store: file, path: keys.json, passphraseFile: passphrase }
facility: did:web:you.example/facility/one
uplink:
  sink: mqtt
  ingester: did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169
  connection: { url: 'mqtt://127.0.0.1:1' }
devices:
  - name: meter-1
    driver: modbus
    connection: { host: 127.0.0.1, port: ${slave.port}, unitId: 1, timeoutMs: 500${connection} }
    everyMs: 10
    profile:
      name: my-meter
      summary: A meter
      source: This test
      protocol: modbus
      reportsOn: pipeline-batch
      points:
${points.map((point) => `        ${point}\n`).join('')}`,
  );
  let out = '';
  let error = '';
  const stop = new AbortController();
  const code = await runLint([file, ...args], {
    clock: systemClock,
    random: systemRandom,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      error += text;
    },
    terminal: false,
    stop: stop.signal,
    onInputEnd: () => undefined,
  }).catch((reason: unknown) => {
    error += String(reason);
    return 1;
  });
  return { code, out, error };
}

async function findings(points: readonly string[], connection = ''): Promise<readonly Finding[]> {
  const { code, error, out } = await lint(points, connection, ['--json']);
  expect(error).toBe('');
  const [report] = (JSON.parse(out) as { devices: Report[] }).devices;
  expect(code).toBe(report?.findings.length === 0 ? 0 : 1);
  return report?.findings ?? [];
}

function point(name: string, address: number, type: string, more = ''): string {
  return `${name}: { summary: x, type: Temperature, unit: CEL, range: [-40, 150], modbus: { table: holding, address: ${address}, encoding: { type: ${type}, order: ABCD } } ${more} }`;
}

function total(name: string, address: number, type: string, order = 'ABCD'): string {
  return `${name}: { summary: x, type: Volume, unit: MTQ, range: [0, 1.0e+18], quantity: total, modbus: { table: holding, address: ${address}, encoding: { type: ${type}, order: ${order} } } }`;
}

describe('lint', () => {
  it('says words swapped, with the line to write, in a form that a person can read', async () => {
    memory.clear();
    hold(100, swapped(float(21.37)) + swapped(float(84.137)));
    const { code, out } = await lint([
      point('supply', 100, 'float32'),
      point('back', 102, 'float32'),
    ]);
    expect(code).toBe(1);
    expect(out).toContain('meter-1: 2 of 2 points judged in 3 reads, 2 look wrong\n');
    expect(out).toContain('  supply  (float32 at holding 100, order ABCD)\n');
    expect(out).toContain('looks like  words swapped: 21.37 CEL\n');
    expect(out).toContain('write       encoding: { type: float32, order: CDAB }\n');
    expect(out).toContain('confidence  high\n');
    expect(out).toContain('2 points look like order CDAB: if all are, write it once');
  });

  it.each([
    ['CDAB', (hex: string) => swapped(hex)],
    ['BADC', (hex: string) => Buffer.from(hex, 'hex').swap16().toString('hex')],
    ['DCBA', (hex: string) => Buffer.from(hex, 'hex').swap32().toString('hex')],
  ])('finds the order %s of floats and of totals', async (order, put) => {
    memory.clear();
    hold(100, put(float(21.37)) + put(float(-7.25)) + put('0001e240'));
    const found = await findings([
      point('supply', 100, 'float32'),
      point('back', 102, 'float32'),
      total('volume', 104, 'uint32'),
    ]);
    expect(found.map((f) => [f.point, f.kind, f.write])).toEqual([
      ['supply', 'order', `encoding: { type: float32, order: ${order} }`],
      ['back', 'order', `encoding: { type: float32, order: ${order} }`],
      // 0x0001e240 with its bytes swapped in words is a total like any other.
      ...(order === 'BADC'
        ? []
        : [['volume', 'order', `encoding: { type: uint32, order: ${order} }`]]),
    ]);
  });

  it('finds the order of a large total by its steps', async () => {
    memory.clear();
    let count = 0x7d2b_34c1;
    tick = () => {
      count += 3;
      hold(10, swapped(count.toString(16).padStart(8, '0')));
    };
    tick();
    const [found] = await findings([total('volume', 10, 'uint32')]);
    tick = () => undefined;
    expect(found).toMatchObject({
      kind: 'order',
      write: 'encoding: { type: uint32, order: CDAB }',
    });
  });

  it('finds a 64-bit order', async () => {
    memory.clear();
    hold(10, '0001e240000000000000'.slice(0, 16));
    const [found] = await findings([total('volume', 10, 'uint64')]);
    expect(found).toMatchObject({
      kind: 'order',
      write: 'encoding: { type: uint64, order: EFGHABCD }',
    });
  });

  it('finds a float that is read as an integer, and the other way round', async () => {
    memory.clear();
    hold(10, `${float(21.37)}0001e240`);
    const found = await findings([point('supply', 10, 'uint32'), total('volume', 12, 'float32')]);
    expect(found.map((f) => [f.point, f.kind, f.write, f.value])).toEqual([
      ['supply', 'type', 'encoding: { type: float32, order: ABCD }', '21.37 CEL'],
      ['volume', 'type', 'encoding: { type: int32, order: ABCD }', '123456 MTQ'],
    ]);
  });

  it('finds a sign and a scale', async () => {
    memory.clear();
    hold(10, 'fff6' + '00d7');
    const found = await findings([point('cold', 10, 'uint16'), point('warm', 11, 'uint16')]);
    expect(found.map((f) => [f.point, f.kind, f.write, f.value])).toEqual([
      ['cold', 'type', 'encoding: { type: int16, order: ABCD }', '-10 CEL'],
      ['warm', 'scale', 'scale: 0.1', '21.5 CEL'],
    ]);
  });

  it('finds an address that is off by one at every point', async () => {
    memory.clear();
    hold(98, '0003');
    hold(99, `${[21.37, 1347.71, 712.347, 366.38].map(float).join('')}0bb8`);
    // As on a real meter each point has a range of its own.
    const ranges = ['[-40, 150]', '[500, 2000]', '[600, 900]', '[300, 400]'];
    const found = await findings(
      ranges.map((range, i) => point(`p${i}`, 100 + 2 * i, 'float32').replace('[-40, 150]', range)),
    );
    expect(found.map((f) => [f.point, f.write, f.value])).toEqual([
      ['p0', 'address: 99', '21.37 CEL'],
      ['p1', 'address: 101', '1347.71 CEL'],
      ['p2', 'address: 103', '712.347 CEL'],
      ['p3', 'address: 105', '366.38 CEL'],
    ]);
  });

  it('finds an address that the device refuses beside the one that it has', async () => {
    memory.clear();
    hold(9, float(21.37));
    const found = await findings([point('supply', 10, 'float32')]);
    expect(found).toMatchObject([{ kind: 'address', write: 'address: 9', value: '21.37 CEL' }]);
  });

  it('edge 23 (pymodbus #669, modpoll #3, NModbus4 #80, libmodbus #466): says that a register is 4 bytes wide, or that it is not', async () => {
    memory.clear();
    hold(7_001, float(21.37), 4);
    hold(10, float(84.125));
    const found = await findings([
      point('wide', 7_001, 'float32'),
      point('narrow', 10, 'float32').replace('address: 10', 'address: 10, width: enron'),
    ]);
    expect(found.map((f) => [f.point, f.kind, f.value])).toEqual([
      ['wide', 'width', '21.37 CEL'],
      ['narrow', 'width', '84.125 CEL'],
    ]);
    expect(found[0]?.write).toMatch(/^width: enron/);
    expect(found[1]?.write).toMatch(/^width: standard/);
    // The whole device told at once: nothing is left to find.
    const sound = await findings(
      [point('wide', 7_001, 'float32'), point('narrow', 10, 'float32')],
      ', enron: [[5001, 5999], [7001, 7999]]',
    );
    expect(sound).toEqual([]);
  });

  it('finds a unit', async () => {
    memory.clear();
    hold(10, float(171.5) + float(70));
    const kettle = point('kettle', 10, 'float32').replace('[-40, 150]', '[70, 90]');
    const line = point('line', 12, 'float32').replace(
      'unit: CEL, range: [-40, 150]',
      'unit: KPA, range: [450, 600]',
    );
    const found = await findings([kettle, line]);
    expect(found.map((f) => [f.point, f.kind, f.looksLike])).toEqual([
      ['kettle', 'unit', 'the device speaks °F (FAH), not °C (CEL)'],
      ['line', 'unit', 'the device speaks psi (PS), not kPa (KPA)'],
    ]);
    expect(found[0]?.write).toMatch(/^scale: 0.555555555556, offset: -17.7777777778/);
  });

  it('tells what nothing explains, and never guesses', async () => {
    memory.clear();
    hold(10, '7fff');
    const one = point('odd', 10, 'uint16').replace('[-40, 150]', '[20, 21]');
    const found = await findings([one]);
    expect(found).toMatchObject([{ kind: 'unexplained', confidence: 'low' }]);
  });

  it('is quiet where all is well: measured values, sentinels, flags, small and large counts', async () => {
    memory.clear();
    hold(10, [21.37, -39.9, 0, 149.5, 1e-3].map(float).join(''));
    hold(20, '00010000' + '0001e240' + '7d2b34c1' + '00000000' + '3e99999a' + '7fc00000');
    const found = await findings([
      ...['a', 'b', 'c', 'd', 'e'].map((name, i) => point(name, 10 + 2 * i, 'float32')),
      ...['f', 'g', 'h', 'i', 'j'].map((name, i) => total(name, 20 + 2 * i, 'uint32')),
      point('broken', 30, 'float32'),
    ]);
    expect(found).toEqual([]);
  });

  it('asks for no forbidden register, and only reads', async () => {
    memory.clear();
    hold(10, '7fff');
    slave.requests.length = 0;
    const one = point('odd', 10, 'uint16').replace('[-40, 150]', '[20, 21]');
    await findings([one], ', requests: { forbidden: [{ table: holding, from: 11, to: 20 }] }');
    expect(slave.requests.some(({ address, quantity }) => address + quantity > 11)).toBe(false);
    expect(slave.requests.some(({ address }) => address === 9)).toBe(true);
    expect(new Set(slave.requests.map(({ code }) => code))).toEqual(new Set([3]));
  });

  it('says which points did not come, and fails', async () => {
    memory.clear();
    const { code, error, out } = await lint([point('gone', 10, 'uint16')], '', ['--wait', '2']);
    expect(code).toBe(1);
    expect(out).toContain('    gone  refused: illegal address\n');
    expect(error).toContain('1 points could not be judged');
  });

  it('says of a device that does not answer only that, and not that it looks right', async () => {
    const silent = ', transport: rtu-over-tcp, retries: 0';
    const points = [point('supply', 100, 'float32'), point('back', 102, 'float32')];
    const { code, error, out } = await lint(points, silent, ['--wait', '1']);
    expect(code).toBe(1);
    expect(out).toMatch(/0 of 2 points judged in \d+ reads, so nothing can be said\n/);
    expect(out).toMatch(/ {2}2 could not be judged:\n {4}every point {2}(timeout|nonsense)\n/);
    expect(error).toContain('2 points could not be judged');
  });
});
