/** What Mosquitto asks of a client and grants it: certificates, passwords, groups, sessions. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../devices/profile.ts';
import type { Connection, SampleSet } from '../../gateway/driver.ts';
import { type MqttSettings, mqttDriver } from '../../gateway/drivers/mqtt.ts';
import { sparkplugDriver } from '../../gateway/drivers/sparkplug.ts';
import { dialMqtt, type MqttClient } from '../../gateway/mqtt-client.ts';
import { driverContext, until } from '../support/driver-context.ts';
import { hasPeer } from '../support/peers.ts';
import { bdSeq, encode, rebirthMetric, type } from '../support/sparkplug-edge.ts';
import { type Mosquitto, startMosquitto } from './mosquitto-broker.ts';

const points: Record<string, PointDefinition> = {
  n: { summary: 'n', type: 'Dimensionless', unit: 'C62', mqtt: { topic: 'count', path: 'n' } },
};
const closers: (() => Promise<void> | void)[] = [];

interface Opened {
  readonly connection: Connection;
  readonly sets: SampleSet[];
  readonly lines: string[];
}

async function open(settings: MqttSettings, name = 'box'): Promise<Opened> {
  expect(mqttDriver.check(settings, points)).toEqual([]);
  const context = driverContext(name);
  const connection = await mqttDriver.open(settings, points, context);
  closers.push(() => connection.close());
  const sets: SampleSet[] = [];
  await connection.subscribe?.(['n'], async (set) => {
    if (set.samples.length > 0) sets.push(set);
  });
  return { connection, sets, lines: context.lines };
}

const isUp = ({ connection }: Opened) => connection.state?.().up === true;
const reasonOf = ({ connection }: Opened) => connection.state?.().reason ?? '';
const textsOf = (sets: readonly SampleSet[]) =>
  sets.flatMap(({ samples }) => samples.map((s) => Buffer.from(s.rawHex, 'hex').toString()));

async function publisher(...dial: Parameters<typeof dialMqtt>): Promise<MqttClient> {
  const client = dialMqtt(...dial);
  closers.push(() => void client.end(true));
  await until(() => client.connected);
  return client;
}

describe.skipIf(!hasPeer('mosquitto'))('Mosquitto, with what it asks and grants', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bondline-access-'));
  const at = (name: string) => join(folder, name);
  const tls = { ca: at('ca.pem'), cert: at('broker.pem'), key: at('broker.key') };
  let plain: Mosquitto;
  let guarded: Mosquitto;

  /** A P-256 certificate of the test's own authority, or that authority's. */
  function certificate(name: string, more: readonly string[]): void {
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
    const subject = ['-subj', `/CN=${name}`];
    execFileSync('openssl', ['req', '-x509', ...made, ...files, ...subject, ...more], {
      stdio: 'ignore',
    });
  }

  beforeAll(async () => {
    certificate('ca', []);
    const byCa = ['-CA', at('ca.pem'), '-CAkey', at('ca.key')];
    certificate('broker', [...byCa, '-addext', 'subjectAltName=DNS:localhost']);
    certificate('gateway', byCa);
    certificate('stranger', []);
    writeFileSync(at('password'), 'correct horse\n', { mode: 0o600 });
    writeFileSync(at('wrong'), 'battery staple\n', { mode: 0o600 });
    plain = await startMosquitto();
    guarded = await startMosquitto({ tls, user: ['yard', 'correct horse'] });
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await plain?.stop();
    await guarded?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const whole = (): MqttSettings => ({
    url: guarded.url,
    topic: 'yard/box',
    caFile: at('ca.pem'),
    certFile: at('gateway.pem'),
    keyFile: at('gateway.key'),
    username: 'yard',
    passwordFile: at('password'),
  });

  for (const version of [4, 5]) {
    it(`lets us in by mutual TLS and password, MQTT ${version}, and gives what is published`, async () => {
      const box = await open({ ...whole(), version });
      await until(() => isUp(box));
      const [ours] = box.connection.certificates?.() ?? [];
      expect(ours).toMatchObject({ subject: 'CN=gateway' });
      const sender = await publisher(guarded.url, {
        ...readPublisherFiles(at),
        username: 'yard',
        password: 'correct horse',
      });
      await sender.publishAsync('yard/box/count', '{"n":7}', { qos: 1 });
      await until(() => box.sets.length === 1);
      expect(textsOf(box.sets)).toEqual(['7']);
    });
  }

  it('keeps us out, and we say why', async () => {
    const { certFile: _, keyFile: __, ...noCertificate } = whole();
    const stranger = { certFile: at('stranger.pem'), keyFile: at('stranger.key') };
    const { passwordFile: ___, username: ____, ...nobody } = whole();
    const cases: [MqttSettings, RegExp][] = [
      [noCertificate, /certFile|handshake|broke the connection|closed/],
      [{ ...whole(), ...stranger }, /does not know who signed our certFile|closed|broke/],
      [{ ...whole(), passwordFile: at('wrong') }, /refused the connection: .*\(5\)/],
      [{ ...whole(), version: 5, passwordFile: at('wrong') }, /Not authorized \(135\)/],
      [nobody, /refused the connection/],
      [{ ...whole(), caFile: at('stranger.pem') }, /not signed|signed by nobody in caFile/],
      [{ ...whole(), serverName: 'elsewhere.example' }, /is for another host; see serverName/],
      [{ ...whole(), passwordFile: at('absent') }, /GW_DRIVER_FILE_UNREADABLE/],
    ];
    for (const [settings, why] of cases) {
      const box = await open(settings);
      await until(() => /\S/.test(reasonOf(box)) && reasonOf(box) !== 'not connected yet');
      expect(reasonOf(box)).toMatch(why);
      expect(isUp(box)).toBe(false);
      await box.connection.close();
    }
  });

  it('lets a Sparkplug host in by mutual TLS and password, and knows its will', async () => {
    const { topic: _, ...broker } = whole();
    const metric = { summary: 'Air', type: 'bl:Test', unit: '', sparkplug: { metric: 'Air' } };
    const where = { group: 'yard', edgeNode: 'monitor', hostId: 'tls-host' };
    const settings = { ...broker, ...where, reorderMs: 0 };
    expect(sparkplugDriver.check(settings, { air: metric })).toEqual([]);
    const connection = await sparkplugDriver.open(settings, { air: metric }, driverContext('sp'));
    closers.push(() => connection.close());
    const sets: SampleSet[] = [];
    await connection.subscribe?.(['air'], async (set) => void sets.push(set));
    await until(() => Number(connection.counters?.()['ups']) === 1);
    expect(connection.certificates?.()).toMatchObject([{ subject: 'CN=gateway' }, {}]);
    const edge = await publisher(guarded.url, {
      ...readPublisherFiles(at),
      username: 'yard',
      password: 'correct horse',
    });
    const states: unknown[] = [];
    edge.on('message', (__, payload) => states.push(JSON.parse(payload.toString())));
    await edge.subscribeAsync('spBv1.0/STATE/tls-host', { qos: 1 });
    await until(() => states.length === 1);
    expect(states[0]).toMatchObject({ online: true });
    const air = { name: 'Air', timestamp: 2, datatype: type.double, double: -18.25 };
    const metrics = [bdSeq(0), rebirthMetric, air];
    const birth = encode({ timestamp: 2, seq: 0, metrics });
    await edge.publishAsync('spBv1.0/yard/NBIRTH/monitor', birth);
    await until(() => sets.length === 1);
    // The bytes of the wire, lowest first.
    expect(sets[0]?.samples).toMatchObject([{ point: 'air', rawHex: '00000000004032c0' }]);
    await connection.close();
    await until(() => states.length === 2);
    expect(states[1]).toMatchObject({ online: false });
  });

  it('shares a subscription between two gateways of a group, MQTT 5', async () => {
    const settings = { url: plain.url, topic: '$share/yard/shared', version: 5 };
    const [a, b] = [await open(settings, 'a'), await open(settings, 'b')];
    await until(() => isUp(a) && isUp(b));
    const sender = await publisher(plain.url, { clientId: 'shared' });
    for (let n = 0; n < 20; n += 1) {
      await sender.publishAsync('shared/count', `{"n":${n}}`, { qos: 1 });
    }
    await until(() => a.sets.length + b.sets.length === 20);
    expect(a.sets.length).toBeGreaterThan(0);
    expect(b.sets.length).toBeGreaterThan(0);
    const all = [...textsOf(a.sets), ...textsOf(b.sets)].map(Number).sort((x, y) => x - y);
    expect(all).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('feeds the points of one device by wildcards', async () => {
    const box = await open({ url: plain.url, topic: 'wild/+/box' });
    await until(() => isUp(box));
    const sender = await publisher(plain.url, { clientId: 'wild' });
    await sender.publishAsync('wild/a/box/count', '{"n":1}', { qos: 1 });
    await sender.publishAsync('wild/b/box/count', '{"n":2}', { qos: 1 });
    await sender.publishAsync('wild/b/c/box/count', '{"n":3}', { qos: 1 });
    await until(() => box.sets.length === 2);
    expect(textsOf(box.sets)).toEqual(['1', '2']);
  });

  it('keeps a session while we are away, drops it at its expiry or at a clean start', async () => {
    const sender = await publisher(plain.url, { clientId: 'expiry' });
    const away = async (topic: string, first: object, second: object, waitMs = 0) => {
      const base = { url: plain.url, topic, version: 5 };
      const before = await open({ ...base, ...first }, topic);
      await until(() => isUp(before));
      await before.connection.close();
      await sender.publishAsync(`${topic}/count`, '{"n":1}', { qos: 1 });
      await new Promise((done) => setTimeout(done, waitMs));
      const after = await open({ ...base, ...second }, topic);
      await until(() => isUp(after));
      await sender.publishAsync(`${topic}/count`, '{"n":2}', { qos: 1 });
      await until(() => textsOf(after.sets).includes('2'));
      return textsOf(after.sets);
    };
    expect(await away('kept', {}, {})).toEqual(['1', '2']);
    expect(await away('kept-4', { version: 4 }, { version: 4 })).toEqual(['1', '2']);
    expect(await away('fresh', {}, { cleanStart: true })).toEqual(['2']);
    expect(await away('fresh-4', { version: 4 }, { version: 4, cleanStart: true })).toEqual(['2']);
    expect(await away('none', { sessionExpiryS: 0 }, { sessionExpiryS: 0 })).toEqual(['2']);
    // Mosquitto looks for expired sessions once a second.
    expect(await away('short', { sessionExpiryS: 1 }, {}, 3_500)).toEqual(['2']);
  });
});

function readPublisherFiles(at: (name: string) => string) {
  const read = (name: string) => readFileSync(at(name));
  return { ca: read('ca.pem'), cert: read('gateway.pem'), key: read('gateway.key') };
}
