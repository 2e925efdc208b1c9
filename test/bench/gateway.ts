/**
 * The gateway at 12,000 Modbus points a second, and apart from that at 10,000 values a second of an
 * OPC UA server, signatures and fsync on: how much of a core and how much memory it takes, and
 * whether it keeps the pace. Devices are processes of their own and a real ingester signs receipts.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, RunningCommand } from '../support/commands.ts';
import { type Figure, figure } from './figure.ts';
import { opcuaPeer } from './gateway-opcua.ts';
import { benchOutbox } from './gateway-outbox.ts';
import { cpuSeconds, peakResidentMiB } from './process.ts';

const DEVICES = 12;
const POINTS = 100;
const EVERY_MS = 100;
/** What the configuration asks for. */
const ASKED = (DEVICES * POINTS * 1000) / EVERY_MS;
const WARM_UP_MS = 5_000;
const MEASURE_MS = 20_000;

/** Devices that a gateway is measured with. */
export interface BenchPeer {
  /** In the names of the figures. */
  readonly protocol: string;
  /** Values a second that are asked for; the devices have as many or a few more. */
  readonly asked: number;
  /** Starts them and returns the lines of their `devices:` entries. */
  start(start: Start, directory: string): Promise<readonly string[]>;
}

export type Start = (...args: ConstructorParameters<typeof RunningCommand>) => RunningCommand;

/** Measures the gateway; `say` gets progress. */
export async function benchGateway(say: (line: string) => void): Promise<Figure[]> {
  const outbox = await benchOutbox(say);
  return [...outbox, ...(await measure(say, modbusPeer)), ...(await measure(say, opcuaPeer))];
}

const modbusPeer: BenchPeer = {
  protocol: 'modbus',
  asked: ASKED,
  async start(start) {
    const meters = start('sim', ['device', 'registers', '--units', String(DEVICES), '--attached']);
    return modbusDevices(Number(new URL(String((await meters.ready())['url'])).port));
  },
};

async function measure(say: (line: string) => void, peer: BenchPeer): Promise<Figure[]> {
  const { asked, protocol } = peer;
  const directory = mkdtempSync(join(tmpdir(), 'bondline-bench-'));
  const started: RunningCommand[] = [];
  const start: Start = (...args) => {
    const command = new RunningCommand(...args);
    started.push(command);
    return command;
  };
  try {
    const devices = await peer.start(start, directory);
    writeFileSync(join(directory, 'passphrase'), 'a passphrase for one measurement only\n');
    const ingestConfig = join(directory, 'ingest.yaml');
    writeFileSync(ingestConfig, ingestYaml());
    const ingester = start('ingest', ['run', ingestConfig, '--json', '--attached']);
    const ready = await ingester.ready();
    const config = join(directory, 'gateway.yaml');
    writeFileSync(config, gatewayYaml(devices, String(ready['mqtt']), String(ready['ingester'])));
    await enrol(directory, config, ingestConfig);
    const gateway = start('gateway', ['run', config, '--json', '--attached']);
    await gateway.line((line) => Number(line['delivered']) > 0);
    await pause(WARM_UP_MS);

    say(`${protocol}: ${asked} values a second for ${MEASURE_MS / 1000} s`);
    const before = { cpu: cpuSeconds(gateway.pid), line: newest(gateway), at: performance.now() };
    await pause(MEASURE_MS);
    const seconds = (performance.now() - before.at) / 1000;
    const line = newest(gateway);
    const elapsed = (Number(line['timeMs']) - Number(before.line['timeMs'])) / 1000;
    const points = (Number(line['signed']) - Number(before.line['signed'])) / elapsed;
    const share = (cpuSeconds(gateway.pid) - before.cpu) / seconds;
    say(`waiting for a receipt at the end: ${Number(line['waiting'])} readings`);
    return [
      figure(`gateway.${protocol}.pointsPerSecond`, points, 'points/s', asked),
      figure(`gateway.${protocol}.cpuShare`, share, 'cores', 1),
      figure(`gateway.${protocol}.residentMiB`, peakResidentMiB(gateway.pid), 'MiB', 200),
    ];
  } finally {
    for (const command of started.reverse()) await command.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function newest(command: RunningCommand): Readonly<Record<string, unknown>> {
  return command.lines.at(-1) ?? {};
}

function ingestYaml(): string {
  return [
    'ingester: { name: bench, tenant: bench, data: ./data }',
    'keys: { store: file, path: ingest-keys.json, passphraseFile: passphrase }',
    'http: { host: 127.0.0.1, port: 0 }',
    'sources: [ { source: embedded, connection: { host: 127.0.0.1, port: 0 } } ]',
    '',
  ].join('\n');
}

function modbusDevices(port: number): string[] {
  const points = Array.from(
    { length: POINTS },
    (_, index) =>
      `        p${index}: { summary: Register pair ${index}, type: Dimensionless, unit: C62, modbus: { table: holding, address: ${index * 2}, encoding: { type: float32, order: ABCD } } }`,
  );
  const device = (index: number) => [
    `  - name: meter-${index}`,
    '    driver: modbus',
    `    connection: { host: 127.0.0.1, port: ${port}, unitId: ${index + 1}, timeoutMs: 1000 }`,
    '    goods: did:web:bench.example/batch/1',
    `    everyMs: ${EVERY_MS}`,
    '    flushMs: 250',
    `    enrolment: enrolments/meter-${index}.jwt`,
    '    profile:',
    '      name: registers',
    '      summary: Register pairs',
    '      source: test',
    '      protocol: modbus',
    '      reportsOn: pipeline-batch',
    '      points:',
    ...points,
  ];
  return Array.from({ length: DEVICES }, (_, index) => device(index)).flat();
}

function gatewayYaml(devices: readonly string[], mqtt: string, ingester: string): string {
  return [
    'gateway: { name: bench, organisation: "did:web:bench.example", data: ./gateway-data }',
    'keys: { store: file, path: gateway-keys.json, passphraseFile: passphrase }',
    'facility: did:web:bench.example/facility/one',
    `uplink: { sink: mqtt, ingester: "${ingester}", connection: { url: "${mqtt}" } }`,
    'devices:',
    ...devices,
    '',
  ].join('\n');
}

async function enrol(directory: string, config: string, ingestConfig: string): Promise<void> {
  const facility = join(directory, 'facility.json');
  const place = { latitude: 48.99929, longitude: -97.53103 };
  writeFileSync(
    facility,
    JSON.stringify({ id: 'did:web:bench.example/facility/one', name: 'One', ...place }),
  );
  const wallet = join(directory, 'wallet');
  const requests = join(directory, 'requests');
  const published = join(directory, 'published');
  mkdirSync(requests);
  const did = ['--did', 'did:web:bench.example', '--name', 'Bench'];
  const passphrase = ['--passphrase-file', join(directory, 'passphrase')];
  await mustRun('wallet', ['init', wallet, ...did, ...passphrase]);
  await mustRun('gateway', ['keygen', config]);
  await mustRun('gateway', ['enrol-request', config, '--out', requests]);
  const files = readdirSync(requests).flatMap((file) => ['--request', join(requests, file)]);
  const goods = ['--goods', 'did:web:bench.example/batch/'];
  const out = ['--out', join(directory, 'enrolments')];
  await mustRun('wallet', ['enrol', wallet, ...files, '--facility', facility, ...goods, ...out]);
  await mustRun('wallet', ['publish', wallet, '--out', published]);
  await mustRun('ingest', ['trust', ingestConfig, 'add', published]);
}

function pause(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
