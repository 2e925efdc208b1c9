/** Every transport against pymodbus, with mbpoll beside us and tshark as the judge of our bytes. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../gateway/driver.ts';
import { until } from '../support/driver-context.ts';
import { hasPeer } from '../support/peers.ts';
import { Bench, makeCertificates, place } from './modbus-line.ts';

const run = promisify(execFile);
const never = new AbortController().signal;
const points = {
  a: place('holding', 7),
  b: place('holding', 8),
  far: place('holding', 150),
  input: place('input', 9),
  coil: place('coil', 3, 'bool'),
  discrete: place('discrete', 4, 'bool'),
  beyond: place('holding', 5_000),
};
const names = Object.keys(points);
const at = (unit: number, n: number) => (unit * 1_000 + n).toString(16).padStart(4, '0');

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

afterEach(() => bench.stopAll());

async function expectRight(connection: Connection, unit: number): Promise<void> {
  const { samples, missing } = await connection.read(names, never);
  expect(missing).toBeUndefined();
  expect(Object.fromEntries(samples.map((s) => [s.point, s.rawHex || s.status]))).toEqual({
    a: at(unit, 7),
    b: at(unit, 8),
    far: at(unit, 150),
    input: '0009',
    coil: '01',
    discrete: '00',
    beyond: 'modbus:exception:2',
  });
}

describe.skipIf(!hasPeer('pymodbus') || !hasPeer('socat'))('pymodbus', () => {
  it('over TCP, with several requests at the same time', async () => {
    const port = await bench.pymodbus('tcp', '0');
    const settings = { host: '127.0.0.1', port, timeoutMs: 5_000, inFlight: 4 };
    for (const unitId of [1, 2]) {
      const connection = await bench.open({ ...settings, unitId }, points);
      for (let i = 0; i < 20; i += 1) await expectRight(connection, unitId);
      expect(connection.counters?.()).toMatchObject({ timeouts: 0, foreignFrames: 0, connects: 1 });
    }
  });

  it('over RTU on a serial line', async () => {
    const [ours, theirs] = await bench.ptys();
    await bench.pymodbus('rtu', theirs);
    const settings = { transport: 'rtu', path: ours, parity: 'none', timeoutMs: 5_000 } as const;
    const connection = await bench.open({ ...settings, unitId: 2 }, points);
    for (let i = 0; i < 20; i += 1) await expectRight(connection, 2);
    expect(connection.counters?.()).toMatchObject({ timeouts: 0, corruptFrames: 0, connects: 1 });
    await connection.close();
    // The port is free again for whoever comes next.
    const again = await bench.open({ ...settings, unitId: 1 }, points);
    await expectRight(again, 1);
  });

  it('over true RTU over TCP', async () => {
    const port = await bench.pymodbus('rtu-over-tcp', '0');
    const settings = { transport: 'rtu-over-tcp', host: '127.0.0.1', port } as const;
    const connection = await bench.open({ ...settings, unitId: 1, timeoutMs: 5_000 }, points);
    for (let i = 0; i < 20; i += 1) await expectRight(connection, 1);
    expect(connection.counters?.()).toMatchObject({ timeouts: 0, corruptFrames: 0, connects: 1 });
  });

  it('over TLS, both sides with certificates, and not with wrong ones', async () => {
    const files = makeCertificates(bench.folder);
    const { ca = '', client = '', clientKey = '', stranger = '', strangerKey = '' } = files;
    const { server = '', serverKey = '', elsewhere = '', elsewhereKey = '' } = files;
    const port = await bench.pymodbus('tls', '0', server, serverKey, ca);
    const wrong = await bench.pymodbus('tls', '0', elsewhere, elsewhereKey, ca);
    const tls = { ca, certificate: client, key: clientKey };
    const base = { transport: 'tls', host: '127.0.0.1', unitId: 1, timeoutMs: 5_000 } as const;
    const connection = await bench.open({ ...base, port, tls }, points);
    for (let i = 0; i < 5; i += 1) await expectRight(connection, 1);

    const reasonOf = async (settings: object) => {
      const refused = await bench.open({ ...base, port, tls, ...settings }, points);
      const { samples, missing } = await refused.read(names, never);
      expect(samples).toEqual([]);
      expect(missing?.cause).toBe('absent');
      return refused.state?.().reason;
    };
    expect(await reasonOf({ port: wrong })).toMatch(/ALTNAME_INVALID/);
    const named = { tls: { ...tls, serverName: 'elsewhere.example' } };
    const byName = await bench.open({ ...base, port: wrong, ...named }, points);
    await expectRight(byName, 1);
    expect(await reasonOf({ tls: { ...tls, ca: stranger } })).toMatch(/certificate|CERT/);
    const uninvited = { tls: { ca, certificate: stranger, key: strangerKey } };
    expect(await reasonOf(uninvited)).toMatch(/alert|closed|ECONNRESET/i);
    expect(await reasonOf({ tls: { ...tls, key: '/nonexistent' } })).toMatch(/ENOENT/);
  });
});

describe.skipIf(!hasPeer('pymodbus') || !hasPeer('mbpoll') || !hasPeer('socat'))('mbpoll', () => {
  it('beside us on one line: both masters get right answers', async () => {
    const port = await bench.pymodbus('tcp', '0');
    // A serial server's bridge in front of the device, which both masters share.
    const bridge = bench.start('socat', [
      '-d',
      '-d',
      'tcp-listen:0,bind=127.0.0.1,fork,reuseaddr',
      `tcp:127.0.0.1:${port}`,
    ]);
    const said: string[] = [];
    bridge.stderr?.on('data', (chunk) => said.push(String(chunk)));
    await until(() => /listening on .*:(\d+)/.test(said.join('')));
    const shared = Number(/listening on .*:(\d+)/.exec(said.join(''))?.[1]);
    const settings = { host: '127.0.0.1', port: shared, unitId: 1, timeoutMs: 5_000 };
    const connection = await bench.open(settings, points);
    const args = [
      '-m',
      'tcp',
      '-a',
      '2',
      '-0',
      '-t',
      '4',
      '-r',
      '20',
      '-c',
      '3',
      '-1',
      '-p',
      String(shared),
    ];
    let isDone = false;
    const theirs = Promise.all(
      Array.from({ length: 3 }, () => run('mbpoll', [...args, '127.0.0.1'])),
    );
    const ours = (async () => {
      for (let reads = 0; !isDone || reads < 20; reads += 1) await expectRight(connection, 1);
    })();
    const outputs = await theirs;
    isDone = true;
    await ours;
    for (const { stdout } of outputs) {
      for (const n of [20, 21, 22])
        expect(stdout).toMatch(new RegExp(`\\[${n}\\]:\\s+${2_000 + n}`));
    }
    expect(connection.counters?.()).toMatchObject({ timeouts: 0, foreignFrames: 0 });
  });
});

describe.skipIf(!hasPeer('pymodbus') || !hasPeer('tshark'))('tshark', () => {
  it('reads in a capture of our traffic what we say that we asked and got', async () => {
    const port = await bench.pymodbus('tcp', '0');
    const fields = [
      'mbtcp.trans_id',
      'mbtcp.unit_id',
      'modbus.func_code',
      'modbus.reference_num',
      'modbus.word_cnt',
      'modbus.regval_uint16',
      'tcp.dstport',
    ];
    const shark = bench.start('tshark', [
      '-i',
      'lo',
      '-f',
      `tcp port ${port}`,
      '-o',
      `mbtcp.tcp.port:${port}`,
      '-Y',
      'modbus',
      '-l',
      '-T',
      'fields',
      ...fields.flatMap((f) => ['-e', f]),
    ]);
    const said: string[] = [];
    const lines: string[][] = [];
    shark.stderr?.on('data', (chunk) => said.push(String(chunk)));
    let rest = '';
    shark.stdout?.on('data', (chunk) => {
      const parts = (rest + String(chunk)).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((line) => line.split('\t')));
    });
    await until(() => /Capturing on/.test(said.join('')) || shark.exitCode !== null);
    const settings = { host: '127.0.0.1', port, unitId: 2, timeoutMs: 5_000 };
    const { a, b, input } = points;
    const connection = await bench.open(settings, { a, b, input });
    const reads = 25;
    /** Frames from transaction `first` on; ours are counted from 0. */
    const frames = (first: number, isAnswer: boolean) =>
      lines.filter(
        ([id, , , , , , to]) => Number(id) >= first && (to !== String(port)) === isAnswer,
      );
    // The capture begins a little after tshark says so: read until it shows our traffic.
    await until(() => said.join('').includes('Capturing'));
    while (frames(0, true).length === 0) {
      await connection.read(['a'], never);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const before = connection.counters?.()['requests'] ?? 0;
    const got: string[] = [];
    for (let i = 0; i < reads; i += 1) {
      const { samples } = await connection.read(['a', 'b', 'input'], never);
      got.push(...samples.map(({ rawHex }) => rawHex));
    }
    const asked = (connection.counters?.()['requests'] ?? 0) - before;
    expect(asked).toBe(2 * reads);
    await until(() => frames(before, true).length >= asked);
    const requests = frames(before, false);
    const answers = frames(before, true);
    expect(requests).toHaveLength(asked);
    expect(
      requests.map(([, unit, code, from, count]) => [unit, code, from, count].join(' ')),
    ).toEqual(Array.from({ length: reads }, () => ['2 3 7 2', '2 4 9 1']).flat());
    // One id a request, and each answer under the id of its request.
    expect(new Set(requests.map(([id]) => id)).size).toBe(asked);
    expect(answers.map(([id]) => id)).toEqual(requests.map(([id]) => id));
    const values = answers.flatMap((line) => (line[5] ?? '').split(','));
    expect(values.map((text) => Number(text).toString(16).padStart(4, '0'))).toEqual(got);
    shark.kill('SIGINT');
    await once(shark, 'exit');
  });
});
