/** An officer at the command line, with an ingester that runs as a process of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReceiptResult } from '../../devices/credential/receipt.ts';
import { openReceipt } from '../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { credentialDigest, receiptTopic, uplinkTopic } from '../../devices/envelope.ts';
import { eventually } from '../support/eventually.ts';
import {
  type IngesterFolder,
  ingesterFolder,
  type RunningIngester,
  runIngest,
  startRunning,
} from '../support/ingester.ts';
import { BatchMaker } from '../support/signed-batch.ts';
import { makeWorld, type World } from '../support/trust-world.ts';

let folder: IngesterFolder;
let ingester: RunningIngester;
let client: MqttClient;
let world: World;
let results: ReceiptResult[];

const officer = ['--officer', 'officer 4711, CBP', '--reason', 'seal and ticket seen'];

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder.directory, name);
  writeFileSync(path, bytes);
  return path;
}

async function send(bytes: Uint8Array): Promise<ReceiptResult> {
  const digest = credentialDigest(bytes);
  const before = results.length;
  client.publish(uplinkTopic(world.fingerprint), Buffer.from(bytes), { qos: 1 });
  return eventually(
    () => results.slice(before).find((one) => one.digest === digest),
    'the receipt of a batch',
  );
}

async function doubts(...options: string[]) {
  const { code, out } = await runIngest('doubts', folder.config, '--json', ...options);
  expect(code).toBe(0);
  return JSON.parse(out);
}

beforeEach(async () => {
  folder = ingesterFolder();
  world = makeWorld();
  results = [];
  ingester = await startRunning(folder);
  const nowMs = Date.now();
  const enrolment = await world.enrolment({ validFromMs: nowMs - 60_000 });
  const given = [file('did.json', world.document()), file('enrolment.jwt', enrolment)];
  expect(await runIngest('trust', folder.config, 'add', ...given)).toMatchObject({ code: 0 });
  client = connect(ingester.mqtt, { clientId: world.fingerprint });
  client.on('message', (_topic, bytes) => {
    const receipt = openReceipt(bytes, ingester.did);
    if (!isRefusal(receipt)) results.push(...receipt.results);
  });
  await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject));
  await client.subscribeAsync(receiptTopic(world.fingerprint), { qos: 1 });
});
afterEach(async () => {
  await client?.endAsync(true);
  await ingester.end('SIGKILL');
  folder.remove();
});

describe('bondline-ingest doubts and accept', () => {
  it('list what waits, decide it, and show who did', async () => {
    const { device } = world;
    const clone = new BatchMaker(device.signer, world.gateway);
    const nowMs = Date.now();
    expect(await runIngest('doubts', folder.config)).toMatchObject({
      code: 0,
      out: 'Nothing is in doubt.\n',
    });
    expect(await send(await device.next(nowMs))).toMatchObject({ outcome: 'accepted' });
    const other = await clone.next(nowMs, { losses: [] }, { epoch: device.epoch });
    expect(await send(other)).toMatchObject({ outcome: 'refused', code: 'IN_FORK' });
    const { position, ...late } = await send(await device.next(nowMs));
    expect(late).toMatchObject({ outcome: 'refused', code: 'IN_QUARANTINE' });

    const { did } = device.signer;
    expect(await doubts()).toMatchObject({
      waiting: 1,
      doubtful: [{ position, device: did, sequence: 2 }],
      quarantined: [{ device: did }],
    });
    const nobody = await runIngest('accept', folder.config, String(position));
    expect(nobody).toMatchObject({ code: 2, err: expect.stringContaining('--officer') });
    const wrong = await runIngest('accept', folder.config, '0', ...officer);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('no doubtful batch') });

    const lift = ['--lift-quarantine', did];
    const done = await runIngest('accept', folder.config, String(position), ...officer, ...lift);
    expect(done).toMatchObject({ code: 0 });
    expect(done.out).toContain(`accepted the batch at position ${position}\n`);
    expect(done.out).toContain(`ended the quarantine of ${did}\n`);
    expect(await send(await device.next(nowMs))).toMatchObject({ outcome: 'accepted' });

    // What was decided is read from the journal, whether the ingester runs or not.
    await ingester.end('SIGTERM');
    expect(await doubts()).toMatchObject({ waiting: 0, doubtful: [], quarantined: [] });
    const by = { officer: 'officer 4711, CBP', reason: 'seal and ticket seen' };
    expect(await doubts('--all')).toMatchObject({
      doubtful: [{ position, accepted: by }],
      quarantined: [{ device: did, ended: by }],
    });
    const stopped = await runIngest('accept', folder.config, String(position), ...officer);
    expect(stopped).toMatchObject({ code: 1, err: expect.stringContaining('IN_CONTROL') });
    expect(await runIngest('rebuild', folder.config, '--check')).toMatchObject({ code: 0 });
  });
});
