/**
 * A sensor that signs by itself: its process, Mosquitto, a gateway process and an ingester process.
 * What the journal holds are the very bytes that the sensor signed.
 */
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeEnrolRequest } from '../../devices/credential/enrol-request.ts';
import { openFileKeyStore } from '../../devices/io/key-store-file.ts';
import { type DeviceProfile, profileDigest } from '../../devices/profile.ts';
import { dialMqtt } from '../../gateway/mqtt-client.ts';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import { mustRun, projectRoot, type RunningCommand } from '../support/commands.ts';
import { until } from '../support/driver-context.ts';
import { hasPeer } from '../support/peers.ts';
import { BatchMaker } from '../support/signed-batch.ts';
import { Site, siteOrganisation } from '../support/site.ts';
import { type Mosquitto, startMosquitto } from './mosquitto-broker.ts';
import { type SensorTask, signerOfPem } from './mosquitto-sensor.ts';

const TOPIC = 'yard/seal/batches';
const ABOUT = `${siteOrganisation}/container/MSKU9070323`;

const profile: DeviceProfile = {
  name: 'signing-seal',
  summary: 'A seal that signs.',
  source: 'this test',
  protocol: 'mqtt',
  reportsOn: 'container',
  points: Object.fromEntries(
    ['point0', 'point1'].map((name) => [
      name,
      { summary: name, type: 'Temperature', unit: 'CEL', mqtt: { topic: '', path: name } },
    ]),
  ),
};

describe.skipIf(!hasPeer('mosquitto'))('a sensor that signs by itself', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-signed-'));
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const sensor = signerOfPem(key);
  let broker: Mosquitto;
  let site: Site;
  let gateway: RunningCommand;
  let gatewayDid = '';

  beforeAll(async () => {
    broker = await startMosquitto();
    const connection = {
      ...{ url: broker.url, topic: TOPIC, signedBy: sensor.did },
      signerEnrolment: 'enrolments/seal-own.jwt',
    };
    const device = {
      ...{ name: 'seal', profile, driver: 'mqtt', connection },
      ...{ goods: ABOUT, everyMs: 1_000, heartbeatMs: 1_000, enrolment: 'enrolments/seal.jwt' },
    };
    const devices = [JSON.stringify(device)];
    ({ site } = await Site.create({ directory, devices, goods: 'container/' }));
    await enrolSensor();
    gateway = site.start('gateway', ['run', site.gatewayConfig, '--json', '--attached']);
    await gateway.line((line) => line['uplink'] === true);
  });

  afterAll(async () => {
    await site?.close();
    await broker?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** The gateway asks, the sensor signs the request, the organisation enrols it. */
  async function enrolSensor(): Promise<void> {
    const at = (name: string) => join(directory, name);
    const store = await openFileKeyStore(at('gateway-keys.json'), at('passphrase'));
    const signer = await store.signer('gateway');
    gatewayDid = signer.did;
    const named = { name: profile.name, digest: profileDigest(profile) };
    const asked = { label: 'seal-own', profile: named, cadenceMs: 1_000, heartbeatMs: 60_000 };
    const request = await composeEnrolRequest(
      { ...asked, keyLocation: 'sensor', requestedMs: Date.now() },
      { device: sensor, gateway: signer },
    );
    await store.close();
    writeFileSync(at('seal-own-request.jwt'), request);
    const goods = ['--goods', `${siteOrganisation}/container/`];
    const files = ['--request', at('seal-own-request.jwt'), '--facility', at('facility.json')];
    await mustRun('wallet', ['enrol', at('wallet'), ...files, ...goods, '--out', at('enrolments')]);
    await mustRun('wallet', ['publish', at('wallet'), '--out', at('published')]);
    await mustRun('ingest', ['trust', site.ingestConfig, 'add', at('published')]);
  }

  /** Runs the sensor's process; the tokens that it published. */
  async function runSensor(task: Partial<SensorTask>): Promise<string[]> {
    const child = spawn(process.execPath, [join(projectRoot, 'test/peers/mosquitto-sensor.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const whole: SensorTask = {
      ...{ key, gateway: gatewayDid, url: broker.url, topic: TOPIC, batches: 3, about: ABOUT },
      profile: { name: profile.name, digest: profileDigest(profile) },
      ...task,
    };
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
    });
    child.stdin.end(JSON.stringify(whole));
    await once(child, 'close');
    return out.trim().split('\n');
  }

  function batchesOf(did: string): string[] {
    const journal = openJournalReader(site.journalFile);
    try {
      return journal
        .read(0, 10_000)
        .filter(({ header }) => header.kind === 'batch' && header.batch?.device === did)
        .map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
    } finally {
      journal.close();
    }
  }

  it('has its bytes in the journal as it signed them, in its own sequence', async () => {
    const tokens = await runSensor({});
    expect(tokens).toHaveLength(3);
    await until(() => batchesOf(sensor.did).length === 3, 30_000);
    expect(batchesOf(sensor.did)).toEqual(tokens);
    // The receipts have let the rows go.
    await gateway.line((line) => line['waiting'] === 0 && Number(line['delivered']) >= 6);
  });

  it('has what does not hold refused, acknowledged, and signed as a loss by the gateway', async () => {
    const before = batchesOf(sensor.did).length;
    const client = dialMqtt(broker.url, { clientId: 'forger', clean: true });
    await until(() => client.connected);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const stranger = signerOfPem(other.export({ format: 'pem', type: 'pkcs8' }).toString());
    const foreign = await new BatchMaker(stranger, gatewayDid).next(Date.now());
    await client.publishAsync(TOPIC, Buffer.from(foreign), { qos: 1 });
    await client.publishAsync(TOPIC, 'no credential at all', { qos: 1 });
    await gateway.line((line) => Number(line['lossesSigned']) >= 4);
    expect(gateway.said).toMatch(/credential refused.*not by signedBy/);
    // What is right still passes, so neither of the two stands in its way.
    const [token = ''] = await runSensor({ batches: 1 });
    await until(() => batchesOf(sensor.did).length === before + 1, 30_000);
    expect(batchesOf(sensor.did).at(-1)).toBe(token);
    await client.endAsync();
  });
});
