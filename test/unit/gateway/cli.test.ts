import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEnrolRequest } from '../../../devices/credential/enrol-request.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { openDatabase } from '../../../devices/io/sqlite.ts';
import { outboxSchema } from '../../../gateway/outbox-tables.ts';
import { dataFrame, registers, type Slave, startSlave } from '../../support/modbus-slave.ts';

const cli = fileURLToPath(new URL('../../../gateway/cli.ts', import.meta.url));
const running = new Set<ChildProcess>();

/**
 * Runs the command to its end, and tells how long it took to its first line and, once it was
 * told to end, to its end.
 */
function run(
  args: readonly string[],
  onLine: (line: string, child: ChildProcess) => void = () => undefined,
): Promise<{ code: number | null; out: string[]; err: string; startMs: number; endMs: number }> {
  const spawnedAt = performance.now();
  let saidAt: number | undefined;
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  const out: string[] = [];
  let err = '';
  let askedAt = 0;
  const kill = child.kill.bind(child);
  child.kill = (signal) => {
    askedAt = performance.now();
    return kill(signal);
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    saidAt ??= performance.now();
    out.push(line);
    onLine(line, child);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((done) =>
    child.once('close', (code) => {
      running.delete(child);
      const startMs = (saidAt ?? spawnedAt) - spawnedAt;
      done({ code, out, err, startMs, endMs: performance.now() - askedAt });
    }),
  );
}

let slave: Slave;
const held = new Map<number, number>();
let base = '';
let directory = '';
let config = '';
beforeAll(async () => {
  slave = await startSlave((request) =>
    dataFrame(
      request,
      registers(request, (address) => held.get(address) ?? 0),
    ),
  );
  base = mkdtempSync(join(tmpdir(), 'cli-'));
  writeFileSync(join(base, 'passphrase'), 'a passphrase for one test\n', { mode: 0o600 });
  directory = base;
  writeConfig();
  expect((await run(['keygen', config])).code).toBe(0);
});
afterAll(async () => {
  await slave.close();
  rmSync(base, { recursive: true, force: true });
});
let count = 0;
beforeEach(() => {
  count += 1;
  directory = join(base, `run-${count}`);
  mkdirSync(directory);
  for (const name of ['passphrase', 'keys.json']) {
    writeFileSync(join(directory, name), readFileSync(join(base, name)));
  }
  writeConfig();
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

function writeConfig(): void {
  config = join(directory, 'gateway.yaml');
  const at = (address: number, type: string) =>
    `modbus: { table: holding, address: ${address}, encoding: { type: ${type}, order: ABCD } }`;
  writeFileSync(
    config,
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
    connection: { host: 127.0.0.1, port: ${slave.port}, unitId: 1, timeoutMs: 500 }
    everyMs: 100
    flushMs: 100
    profile:
      name: my-meter
      summary: A meter
      source: This test
      protocol: modbus
      reportsOn: pipeline-batch
      points:
        flow: { summary: Flow, type: VolumeFlowRate, unit: MQH, ${at(0, 'uint16')} }
        total: { summary: Total, type: Volume, unit: MTQ, scale: 0.5, ${at(2, 'uint32')} }
`,
  );
}

describe('the command line', () => {
  it('explains itself, and each command', async () => {
    const all = await run(['--help']);
    expect(all.code).toBe(0);
    for (const name of ['run', 'check', 'read', 'lint', 'keygen', 'enrol-request', 'outbox']) {
      expect(all.out.join('\n')).toContain(`  ${name} CONFIG`);
      const one = await run([name, '--help']);
      expect([name, one.code, one.out[0]]).toEqual([
        name,
        0,
        expect.stringContaining(`Usage: bondline-gateway ${name} CONFIG`),
      ]);
    }
  });

  it('ends with 2 and one line for a mistake in it', async () => {
    const wrong = [
      [],
      ['fly'],
      ['check'],
      ['check', 'a', 'b'],
      ['run', config, '--fast'],
      ['run', config, '--drain', 'x'],
      ['outbox', config, 'eat'],
      ['enrol-request', config],
    ];
    for (const args of wrong) {
      const { code, err } = await run(args);
      expect([args, code]).toEqual([args, 2]);
      if (args.length > 0) expect(err).toMatch(/^CFG_USAGE: [^\n]+\n$/);
    }
  });
});

describe('check', () => {
  it('says that all is well, or every mistake with its place', async () => {
    const well = await run(['check', config]);
    expect([well.code, well.out]).toEqual([0, [`${config}: no mistakes; devices: meter-1`]]);
    const text = readFileSync(config, 'utf8');
    writeFileSync(
      config,
      text.replace('everyMs: 100', 'everyMs: 1').replace('driver: modbus', 'driver: x'),
    );
    const bad = await run(['check', config]);
    expect(bad.code).toBe(1);
    expect(bad.out).toHaveLength(2);
    expect(bad.out[0]).toContain('"x" is not known; known are: modbus, mqtt, opcua');
    expect(bad.out[1]).toContain(`${config}:12:5: devices[0].everyMs: 1 must be >= 10`);
    const json = await run(['check', config, '--json']);
    expect(JSON.parse(json.out[0] ?? '')).toMatchObject({
      ok: false,
      mistakes: [{ line: 10 }, { file: config, line: 12, column: 5 }],
    });
    const gone = await run(['check', join(directory, 'none.yaml')]);
    expect([gone.code, gone.err]).toEqual([1, expect.stringMatching(/^CFG_UNREADABLE: .*\n$/)]);
  });
});

describe('read', () => {
  it('prints raw words and values of a real device, and keeps nothing', async () => {
    held.set(0, 7);
    held.set(3, 9);
    const table = await run(['read', config]);
    expect(table.code).toBe(0);
    expect(table.out[0]).toMatch(/^DEVICE +POINT +RAW +VALUE +UNIT +QUALITY +SOURCE TIME$/);
    expect(table.out[1]).toMatch(/^meter-1 +flow +0007 +7 +MQH +good$/);
    expect(table.out[2]).toMatch(/^meter-1 +total +00000009 +4.5 +MTQ +good$/);
    const json = await run(['read', config, '--json']);
    expect(JSON.parse(json.out[0] ?? '')).toMatchObject({
      readings: [
        {
          device: 'meter-1',
          point: 'flow',
          rawHex: '0007',
          value: 7,
          unit: 'MQH',
          quality: 'good',
        },
        { device: 'meter-1', point: 'total', rawHex: '00000009', value: 4.5 },
      ],
    });
    expect(readdirSync(directory)).not.toContain('data');
  });

  it('ends with 1 when a point does not come', async () => {
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace(`port: ${slave.port}`, 'port: 1'));
    const { code, err, out } = await run(['read', config, '--wait', '0.5']);
    expect(code).toBe(1);
    expect(out[1]).toMatch(/missing \(/);
    expect(err).toContain('GW_DEVICE_INCOMPLETE: 2 of 2 points did not come');
  });
});

describe('keygen and enrol-request', () => {
  it('keep the keys that are there, and ask in the name of each device', async () => {
    const keys = JSON.parse((await run(['keygen', config, '--json'])).out[0] ?? '') as {
      keys: { label: string; did: string; made: boolean }[];
    };
    expect(keys.keys.map(({ label, made }) => [label, made])).toEqual([
      ['gateway', false],
      ['meter-1', false],
    ]);
    const out = join(directory, 'requests');
    expect((await run(['enrol-request', config, '--out', out])).code).toBe(0);
    const request = openEnrolRequest(readFileSync(join(out, 'meter-1.jwt')));
    if (isRefusal(request)) throw new Error(request.reason);
    expect(request).toMatchObject({
      label: 'meter-1',
      gateway: keys.keys[0]?.did,
      device: keys.keys[1]?.did,
      cadenceMs: 100,
      heartbeatMs: 60_000,
      keyLocation: 'gateway-file',
      profile: { name: 'my-meter' },
    });
  });

  it('ask for a new key with the word of the old one, once, or say that it is lost', async () => {
    const out = join(directory, 'requests');
    const rotate = async (...more: string[]) => {
      const { code } = await run([
        'enrol-request',
        config,
        '--rotate',
        'meter-1',
        '--out',
        out,
        ...more,
      ]);
      expect(code).toBe(0);
      const request = openEnrolRequest(readFileSync(join(out, 'meter-1.jwt')));
      if (isRefusal(request)) throw new Error(request.reason);
      return request;
    };
    const { keys } = JSON.parse((await run(['keygen', config, '--json'])).out[0] ?? '');
    const first = await rotate();
    expect(first.supersedes).toBe(keys[1].did);
    expect(first.lost).toBeUndefined();
    // Asking again asks for the same key: none is made that nobody enrols.
    expect((await rotate()).device).toBe(first.device);
    const lost = await rotate('--lost');
    expect(lost).toMatchObject({ device: first.device, supersedes: keys[1].did, lost: true });
    const wrong = [
      ['enrol-request', config, '--rotate', 'meter-9', '--out', out],
      ['enrol-request', config, '--lost', '--out', out],
    ];
    for (const args of wrong) expect((await run(args)).code).toBe(2);
  });
});

/** Runs the gateway until some readings are signed, and ends it with `end`. */
function runGateway(end: (child: ChildProcess) => void, extra: readonly string[] = []) {
  let isEnding = false;
  return run(['run', config, '--json', ...extra], (line, child) => {
    const status = JSON.parse(line) as { signed?: number };
    if (isEnding || (status.signed ?? 0) < 10) return;
    isEnding = true;
    end(child);
  });
}

describe('run', () => {
  it('says that it is ready, how it does, and ends about as soon as it started', async () => {
    const { code, err, startMs, endMs, out } = await runGateway((child) => child.kill('SIGTERM'));
    expect([code, err]).toEqual([0, expect.stringContaining('stopping')]);
    // Nobody takes what it signed: it tries for as long as its drain is. In the end Node may keep
    // what it compiled, which takes as long as the start did.
    expect(endMs - 3_000).toBeLessThan(3 * startMs);
    const lines = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toEqual({
      ready: true,
      gateway: expect.stringMatching(/^did:key:z/),
      devices: { 'meter-1': expect.stringMatching(/^did:key:z/) },
      http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    });
    const last = lines.at(-1);
    expect(last).toMatchObject({ site: 'test', uplink: false, delivered: 0 });
    expect(last?.['waiting']).toBe(last?.['signed']);
    expect(last?.['sampled']).toBe(last?.['signed']);
    expect(last?.['devices']).toMatchObject([{ name: 'meter-1', state: 'up' }]);

    const list = await run(['outbox', config, 'list', '--json']);
    const { devices } = JSON.parse(list.out[0] ?? '') as { devices: { readings: number }[] };
    expect(devices.map(({ readings }) => readings)).toEqual([last?.['waiting']]);
    const verified = await run(['outbox', config, 'verify']);
    expect([verified.code, verified.out[0]]).toEqual([0, expect.stringMatching(/, 0 damaged$/)]);
    const to = join(directory, 'exported.json');
    expect((await run(['outbox', config, 'export', '--out', to])).code).toBe(0);
    const { credentials } = JSON.parse(readFileSync(to, 'utf8')) as { credentials: string[] };
    expect(credentials.length).toBeGreaterThan(0);
    const again = await run(['outbox', config, 'export', '--out', to, '--json']);
    const batches = credentials.length;
    expect(JSON.parse(again.out[0] ?? '')).toMatchObject({ batches, files: [to], damaged: [] });

    const db = openDatabase(join(directory, 'data', 'outbox.db'), { schema: outboxSchema });
    db.exec('UPDATE batch SET readings = readings + 1 WHERE id = 1');
    db.close();
    const damaged = await run(['outbox', config, 'verify', '--json']);
    expect(damaged.code).toBe(1);
    expect(JSON.parse(damaged.out[0] ?? '')).toMatchObject({ damaged: [{ id: 1 }] });
  });

  it('ends when its standard input does, if it is attached', async () => {
    const { code } = await runGateway(
      (child) => child.stdin?.end(),
      ['--attached', '--drain', '0'],
    );
    expect(code).toBe(0);
  });

  it('refuses to start, in one line, with a passphrase that is wrong', async () => {
    writeFileSync(join(directory, 'passphrase'), 'wrong\n');
    const { code, err, out } = await run(['run', config]);
    expect([code, out]).toEqual([1, []]);
    expect(err).toMatch(/^KEY_PASSPHRASE_WRONG: [^\n]+\n$/);
    expect(readdirSync(directory)).not.toContain('data');
  });

  it('has nothing to show before it ran', async () => {
    const { code, err } = await run(['outbox', config, 'list']);
    expect([code, err]).toEqual([1, expect.stringMatching(/^GW_OUTBOX_ABSENT: [^\n]+\n$/)]);
  });
});
