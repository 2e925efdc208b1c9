/**
 * Gateway and ingester are killed (SIGKILL) at random instants under load, 50 times each. Nothing
 * that was signed may be lost and nothing applied twice.
 *
 * How it can be seen: each device's batches form one chain of epochs and sequences. When the
 * journal holds every sequence of every epoch from 1 on, each once, and every epoch follows the
 * last batch before it, then no batch that was ever signed and chained is missing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import type { BatchKey, JournalEntry } from '../../ingest/store.ts';
import { mustRun, RunningCommand } from '../support/commands.ts';

const KILLS = 50;
/** The seed of the instants is printed, so that a failing run can be told from another. */
const seed = Number(process.env['BONDLINE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const directory = mkdtempSync(join(tmpdir(), 'bondline-kill-'));
const ingestConfig = join(directory, 'ingest.yaml');
const gatewayConfig = join(directory, 'gateway.yaml');
const running = new Set<RunningCommand>();
let random = seed;

function start(...args: ConstructorParameters<typeof RunningCommand>): RunningCommand {
  const command = new RunningCommand(...args);
  running.add(command);
  void command.exited.then(() => running.delete(command));
  return command;
}

/** Park and Miller's generator: enough to spread instants, and repeatable. */
function fraction(): number {
  random = (random * 48_271) % 2_147_483_647;
  return random / 2_147_483_647;
}

afterAll(async () => {
  await Promise.all([...running].map((command) => command.kill()));
  rmSync(directory, { recursive: true, force: true });
});

describe(`under SIGKILL (seed ${seed})`, () => {
  let ingester: RunningCommand;
  let gateway: RunningCommand;
  let addresses: { http: string; mqtt: string };

  const startIngester = async () => {
    ingester = start('ingest', ['run', ingestConfig, '--json', '--attached']);
    const ready = await ingester.ready();
    addresses = { http: String(ready['http']), mqtt: String(ready['mqtt']) };
    return ready;
  };
  const startGateway = async () => {
    gateway = start('gateway', ['run', gatewayConfig, '--json', '--attached', '--drain', '20']);
    await gateway.line((line) => Number(line['signed']) > 0);
  };

  beforeAll(async () => {
    writeFileSync(join(directory, 'passphrase'), 'a passphrase for one test only\n');
    const simulator = start('sim', [
      'device',
      'liquid-flow-computer',
      '--port',
      '0',
      '--attached',
      '--ledger',
      join(directory, 'ledger.jsonl'),
      '--directory',
      directory,
    ]);
    const { port } = new URL(String((await simulator.ready())['url']));
    writeIngestConfig(0, 0);
    const ready = await startIngester();
    const [http, mqtt] = [addresses.http, addresses.mqtt].map((url) => Number(new URL(url).port));
    writeIngestConfig(http ?? 0, mqtt ?? 0);
    writeGatewayConfig(Number(port), addresses.mqtt, String(ready['ingester']));
    await enrolAll();
    await startGateway();
  });

  it('loses nothing that was signed and applies nothing twice', async () => {
    const killGateway = async () => {
      for (let round = 0; round < KILLS; round += 1) {
        await sleep(fraction() * 250);
        await gateway.kill();
        await startGateway();
      }
    };
    const killIngester = async () => {
      for (let round = 0; round < KILLS; round += 1) {
        await sleep(fraction() * 250);
        await ingester.kill();
        await startIngester();
      }
    };
    await Promise.all([killGateway(), killIngester()]);
    expect(await gateway.stop()).toBe(0);
    expect(gateway.lines.at(-1)?.['waiting']).toBe(0);
    expect(await ingester.stop()).toBe(0);

    const entries = readJournal(join(directory, 'data', 'journal.db'));
    const batches = entries.filter((entry) => entry.header.kind === 'batch');
    expect(entries.filter((entry) => entry.header.kind === 'equivocation')).toEqual([]);
    expect(entries.filter((entry) => entry.header.kind === 'refusal')).toEqual([]);
    const epochs = checkChain(batches);
    expect(epochs).toBeGreaterThan(KILLS);

    const rebuilt = await mustRun('ingest', ['rebuild', ingestConfig, '--check', '--json']);
    expect(JSON.parse(rebuilt.trim().split('\n').at(-1) ?? '{}')).toMatchObject({ equal: true });
  }, 400_000);

  function writeIngestConfig(http: number, mqtt: number): void {
    writeFileSync(
      ingestConfig,
      [
        'ingester: { name: kill, tenant: test, data: ./data }',
        'keys: { store: file, path: ingest-keys.json, passphraseFile: passphrase }',
        `http: { host: 127.0.0.1, port: ${http} }`,
        `sources: [ { source: embedded, connection: { host: 127.0.0.1, port: ${mqtt} } } ]`,
        '',
      ].join('\n'),
    );
  }

  function writeGatewayConfig(modbusPort: number, mqtt: string, ingesterDid: string): void {
    writeFileSync(
      gatewayConfig,
      [
        'gateway: { name: kill, organisation: "did:web:kill.example", data: ./gateway-data }',
        'keys: { store: file, path: gateway-keys.json, passphraseFile: passphrase }',
        'facility: did:web:kill.example/facility/one',
        `uplink: { sink: mqtt, ingester: "${ingesterDid}", connection: { url: "${mqtt}" } }`,
        'devices:',
        '  - name: fc-1',
        '    profile: liquid-flow-computer',
        '    driver: modbus',
        `    connection: { host: 127.0.0.1, port: ${modbusPort}, unitId: 1, timeoutMs: 1000 }`,
        '    goods: did:web:kill.example/batch/',
        '    everyMs: 20',
        '    flushMs: 40',
        '    enrolment: enrolments/fc-1.jwt',
        '',
      ].join('\n'),
    );
  }

  async function enrolAll(): Promise<void> {
    const passphrase = join(directory, 'passphrase');
    const facility = join(directory, 'facility.json');
    writeFileSync(
      facility,
      JSON.stringify({
        id: 'did:web:kill.example/facility/one',
        name: 'One',
        latitude: 48.99929,
        longitude: -97.53103,
      }),
    );
    const wallet = join(directory, 'wallet');
    await mustRun('wallet', [
      ...['init', wallet, '--did', 'did:web:kill.example', '--name', 'Kill test'],
      ...['--passphrase-file', passphrase],
    ]);
    await mustRun('gateway', ['keygen', gatewayConfig]);
    const requests = join(directory, 'requests');
    await mustRun('gateway', ['enrol-request', gatewayConfig, '--out', requests]);
    await mustRun('wallet', [
      ...['enrol', wallet, '--request', join(requests, 'fc-1.jwt'), '--facility', facility],
      ...['--goods', 'did:web:kill.example/batch/', '--out', join(directory, 'enrolments')],
    ]);
    const published = join(directory, 'published');
    await mustRun('wallet', ['publish', wallet, '--out', published]);
    await mustRun('ingest', ['trust', ingestConfig, 'add', published]);
  }
});

function readJournal(file: string): JournalEntry[] {
  const reader = openJournalReader(file);
  try {
    return reader.read(0, 1_000_000);
  } finally {
    reader.close();
  }
}

/** Checks that the batches form one unbroken chain; returns the number of epochs. */
function checkChain(batches: readonly JournalEntry[]): number {
  const byEpoch = new Map<string, Map<number, { key: BatchKey; digest: string }>>();
  for (const { header } of batches) {
    const key = header.batch;
    expect(key).toBeDefined();
    if (!key) continue;
    const name = `${String(key.epochCounter).padStart(6, '0')} ${key.epochNonce}`;
    const epoch = byEpoch.get(name) ?? new Map();
    byEpoch.set(name, epoch);
    expect(epoch.has(key.sequence), `epoch ${name} sequence ${key.sequence} twice`).toBe(false);
    epoch.set(key.sequence, { key, digest: header.digest });
  }
  let previous: string | undefined;
  for (const [name, epoch] of [...byEpoch].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (let sequence = 1; sequence <= epoch.size; sequence += 1) {
      const batch = epoch.get(sequence);
      expect(batch, `epoch ${name} sequence ${sequence}`).toBeDefined();
      expect(batch?.key.previous, `epoch ${name} sequence ${sequence}`).toBe(previous);
      previous = batch?.digest;
    }
  }
  return byEpoch.size;
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
