/**
 * A gateway process that is killed between its commit and the broker's knowledge of it: the broker
 * sends the messages again, and none may become a second reading, and none may be missing.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase, type Statement } from '../../devices/io/sqlite.ts';
import { dialMqtt, type MqttClient } from '../../gateway/mqtt-client.ts';
import { outboxSchema } from '../../gateway/outbox-tables.ts';
import { projectRoot } from '../support/commands.ts';
import { until } from '../support/driver-context.ts';
import { hasPeer } from '../support/peers.ts';
import { openBatch } from '../unit/gateway/support/outbox-world.ts';
import { type Mosquitto, startMosquitto } from './mosquitto-broker.ts';
import { type LossyProxy, startLossyProxy } from './mosquitto-proxy.ts';

/** Control packet types [MQTT-2.2.1]. */
const PUBACK = 4;
const PUBREC = 5;
const PUBREL = 6;
const PUBCOMP = 7;

const TOPIC = 'yard/counter';
const CLI = join(projectRoot, 'gateway/cli.ts');

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface World {
  readonly broker: Mosquitto;
  readonly proxy: LossyProxy;
  readonly sensor: MqttClient;
  readonly folder: string;
  readonly config: string;
}

async function world(qos: 1 | 2, version: 4 | 5): Promise<World> {
  const broker = await startMosquitto();
  closers.push(() => broker.stop());
  const proxy = await startLossyProxy(broker.port);
  closers.push(() => proxy.close());
  const sensor = dialMqtt(broker.url, { clientId: 'sensor', clean: true });
  closers.push(() => void sensor.end(true));
  await until(() => sensor.connected);
  const folder = mkdtempSync(join(tmpdir(), 'bondline-kill-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'gateway.yaml');
  writeFileSync(join(folder, 'passphrase'), 'for one test only\n', { mode: 0o600 });
  const mqtt = { topic: '', path: 'n' };
  const profile = {
    ...{ name: 'counter', summary: 'A counter.', source: 'this test', protocol: 'mqtt' },
    reportsOn: 'container',
    points: { n: { summary: 'The count.', type: 'Dimensionless', unit: 'C62', mqtt } },
  };
  const connection = { url: proxy.url, topic: TOPIC, qos, version };
  const device = { name: 'counter', profile, driver: 'mqtt', connection, flushMs: 50 };
  const ingester = 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169';
  const uplink = { sink: 'mqtt', ingester, connection: { url: 'mqtt://127.0.0.1:1' } };
  const whole = {
    gateway: { name: 'kill', organisation: 'did:web:a.example', data: './data' },
    keys: { store: 'file', path: 'keys.json', passphraseFile: 'passphrase' },
    facility: 'did:web:a.example/facility/one',
    uplink,
    devices: [device],
  };
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(whole));
  execFileSync(process.execPath, [CLI, 'keygen', config], { stdio: 'ignore' });
  return { broker, proxy, sensor, folder, config };
}

interface RunningGateway {
  /** Readings that this run has made durable. */
  signed(): number;
  kill(): Promise<void>;
}

async function startGateway({ config }: World): Promise<RunningGateway> {
  const child = spawn(process.execPath, [CLI, 'run', config, '--json', '--attached'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exit = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  closers.push(kill);
  let signed = 0;
  let ready = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as { ready?: boolean; signed?: number };
    ready ||= said.ready === true;
    signed = said.signed ?? signed;
  });
  await until(() => ready);
  return { signed: () => signed, kill };
}

/** The counts in the outbox, in the order of the batches. */
function counts({ folder }: World): number[] {
  const db = openDatabase(join(folder, 'data', 'outbox.db'), {
    readonly: true,
    schema: outboxSchema,
  });
  try {
    const rows = db.prepare('SELECT token FROM batch ORDER BY id') as Statement<
      [],
      { token: Uint8Array }
    >;
    return rows
      .all()
      .flatMap(({ token }) => openBatch(token).groups)
      .flatMap(({ readings }) => readings.map(({ value }) => Number(value)));
  } finally {
    db.close();
  }
}

async function publish({ sensor }: World, from: number, to: number, qos: 1 | 2): Promise<void> {
  for (let n = from; n < to; n += 1) await sensor.publishAsync(TOPIC, `{"n":${n}}`, { qos });
}

const range = (to: number) => Array.from({ length: to }, (_, n) => n);

describe.skipIf(!hasPeer('mosquitto'))('a gateway killed behind its commit', () => {
  for (const [qos, version] of [
    [1, 4],
    [1, 5],
    [2, 4],
    [2, 5],
  ] as const) {
    it(`takes nothing twice and loses nothing at QoS ${qos}, MQTT ${version}: the answer was lost`, async () => {
      const w = await world(qos, version);
      const answer = qos === 1 ? PUBACK : PUBREC;
      w.proxy.lost.toBroker.add(answer);
      const first = await startGateway(w);
      await until(() => (w.proxy.seen.get(8) ?? 0) > 0);
      await publish(w, 0, 15, qos);
      // Durable, and the broker does not know.
      await until(() => first.signed() === 15);
      await until(() => (w.proxy.seen.get(answer) ?? 0) >= 15);
      await first.kill();
      expect(counts(w)).toEqual(range(15));
      w.proxy.lost.toBroker.clear();
      const second = await startGateway(w);
      await publish(w, 15, 20, qos);
      await until(() => second.signed() === 5);
      await until(() => (w.proxy.seen.get(answer) ?? 0) >= 35);
      await second.kill();
      expect(counts(w)).toEqual(range(20));
    });
  }

  it('takes nothing twice and loses nothing at QoS 2 when it dies before PUBREL or PUBCOMP', async () => {
    const w = await world(2, 4);
    w.proxy.lost.toClient.add(PUBREL);
    const first = await startGateway(w);
    await until(() => (w.proxy.seen.get(8) ?? 0) > 0);
    await publish(w, 0, 10, 2);
    await until(() => first.signed() === 10);
    await first.kill();
    w.proxy.lost.toClient.clear();
    // The broker releases again; the answer to that is lost with the second run.
    w.proxy.lost.toBroker.add(PUBCOMP);
    const second = await startGateway(w);
    await until(() => (w.proxy.seen.get(PUBCOMP) ?? 0) >= 10);
    await second.kill();
    w.proxy.lost.toBroker.clear();
    const third = await startGateway(w);
    await publish(w, 10, 12, 2);
    await until(() => third.signed() === 2);
    await third.kill();
    expect(counts(w)).toEqual(range(12));
  });
});
