/** The ingester as a process: how it starts, what it refuses, and that a kill loses nothing. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { connect, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNoticeMessage } from '../../devices/credential/checkpoint.ts';
import type { ReceiptResult } from '../../devices/credential/receipt.ts';
import { openReceipt } from '../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { credentialDigest, receiptTopic, uplinkTopic } from '../../devices/envelope.ts';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import { eventually } from '../support/eventually.ts';
import {
  type IngesterFolder,
  ingesterFolder,
  type RunningIngester,
  runIngest,
  startOnFullDisk,
  startRunning,
} from '../support/ingester.ts';
import { freePort } from '../support/ports.ts';
import { readingGroups } from '../support/signed-batch.ts';
import { makeWorld, type World } from '../support/trust-world.ts';

let folder: IngesterFolder;
let running: RunningIngester[];

const start = async (...args: string[]) => {
  const one = await startRunning(folder, ...args);
  running.push(one);
  return one;
};

/**
 * Digest of every file below the folder, by name; without the two files that SQLite keeps beside a
 * database while it is read.
 */
function fingerprintOf(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !/-(shm|wal)$/.test(file))
      .map((file) => [file, createHash('sha256').update(readFileSync(file)).digest('hex')]),
  );
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

beforeEach(() => {
  folder = ingesterFolder();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.end('SIGKILL')));
  folder.remove();
});

describe('bondline-ingest run', () => {
  it('says where it is, answers, and ends in order on SIGTERM', async () => {
    const spawnedAt = performance.now();
    const one = await start();
    const startMs = performance.now() - spawnedAt;
    const control = join(folder.data, 'control.json');
    expect(statSync(control).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(control, 'utf8'))).toMatchObject({
      pid: one.pid,
      http: one.http,
      mqtt: one.mqtt,
      ingester: one.did,
    });
    expect((await fetch(`${one.http}/healthz`)).status).toBe(200);
    const toldAt = performance.now();
    expect(await one.end('SIGTERM')).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(3 * startMs);
    expect(existsSync(control)).toBe(false);
  });

  it('keeps its key, so that gateways may pin it', async () => {
    const first = await start();
    await first.end('SIGTERM');
    const second = await start();
    expect(second.did).toBe(first.did);
  });

  it('refuses to share its data directory', async () => {
    await start();
    const second = await runIngest('run', folder.config, '--json');
    expect(second).toMatchObject({ code: 1, out: '' });
    expect(second.err).toMatch(/^DB_IN_USE: .+\n$/);
  });

  it('ends with one line and changes nothing when the passphrase is wrong', async () => {
    await (await start()).end('SIGTERM');
    writeFileSync(join(folder.directory, 'passphrase'), 'battery staple\n');
    const before = fingerprintOf(folder.directory);
    const result = await runIngest('run', folder.config, '--json');
    expect(result).toMatchObject({ code: 1, out: '' });
    expect(result.err).toMatch(/^KEY_PASSPHRASE_WRONG: .+\n$/);
    expect(fingerprintOf(folder.directory)).toEqual(before);
  });

  it('ends with one line and changes nothing when a newer version wrote the journal', async () => {
    await (await start()).end('SIGTERM');
    const db = new SqliteDatabase(join(folder.data, 'journal.db'));
    db.pragma('user_version = 99');
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
    const before = fingerprintOf(folder.directory);
    const result = await runIngest('run', folder.config, '--json');
    expect(result).toMatchObject({ code: 1, out: '' });
    expect(result.err).toMatch(/^DB_NEWER: .+\n$/);
    expect(fingerprintOf(folder.directory)).toEqual(before);
  });

  it('ends with one line when the data directory cannot be made', async () => {
    writeFileSync(folder.data, 'a file where a folder should be');
    const before = fingerprintOf(folder.directory);
    const result = await runIngest('run', folder.config, '--json');
    expect(result).toMatchObject({ code: 1, out: '' });
    expect(result.err).toMatch(/^CFG_DIRECTORY_UNWRITABLE: .+\n$/);
    expect(fingerprintOf(folder.directory)).toEqual(before);
  });

  it('names the port that is taken, and takes another when it may', async () => {
    const port = await freePort();
    folder.remove();
    folder = ingesterFolder({ mqtt: port });
    const other = await listen(port);
    const refused = await runIngest('run', folder.config);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`IN_PORT_TAKEN: listening on 127.0.0.1:${port}`);
    const one = await start('--ports', 'any');
    expect(one.log()).toContain(`port ${port} is taken`);
    expect(one.mqtt).not.toBe(`mqtt://127.0.0.1:${port}`);
    await new Promise((resolve) => other.close(resolve));
  });

  it('ends when its input does and it is attached', async () => {
    const attached = await runIngest('run', folder.config, '--json', '--attached');
    expect(attached).toMatchObject({ code: 0 });
    expect(JSON.parse(attached.out)).toMatchObject({ ready: true, data: folder.data });
  });
});

describe('bondline-ingest check', () => {
  it('names every mistake with its place', async () => {
    writeFileSync(
      folder.config,
      [
        'ingester: { name: Border, tenant: cbp }',
        'htpp: {}',
        'sources:',
        '  - source: embedded',
        '    connection: { prot: 1 }',
        '',
      ].join('\n'),
    );
    const result = await runIngest('check', folder.config);
    expect(result.code).toBe(1);
    expect(result.out).toContain('ingest.yaml:1:13: ingester.name:');
    expect(result.out).toContain('ingest.yaml:2:1: "htpp" is not known here; did you mean "http"?');
  });

  it('looks into the settings of a source', async () => {
    writeFileSync(
      folder.config,
      'ingester: { name: b, tenant: c }\nsources:\n  - source: embedded\n    connection: { prot: 1 }\n  - source: nats\n',
    );
    const { out } = await runIngest('check', folder.config);
    expect(out).toContain('ingest.yaml:4:19: sources[0].connection: "prot" is not known here');
    expect(out).toContain('ingest.yaml:5:5: sources[1].source: "nats" is not a source');
  });
});

describe('bondline-ingest trust', () => {
  it('says the same to a running ingester and to its journal', async () => {
    const world = makeWorld();
    const papers = join(folder.directory, 'papers');
    mkdirSync(papers);
    writeFileSync(join(papers, 'did.json'), world.document());
    const before = await runIngest('trust', folder.config, 'add', papers, '--json');
    expect(before.code).toBe(0);
    writeFileSync(join(papers, 'fc-1.jwt'), await world.enrolment());
    const one = await start();
    const added = await runIngest('trust', folder.config, 'add', papers, '--json');
    expect(added.code).toBe(0);
    expect(JSON.parse(added.out)).toMatchObject({
      changes: [
        { kind: 'organisation', result: 'known', subject: world.organisation.did },
        { kind: 'enrolment', result: 'added', subject: world.device.signer.did },
      ],
    });
    const whileRunning = await runIngest('trust', folder.config, 'list', '--json');
    await one.end('SIGTERM');
    const afterwards = await runIngest('trust', folder.config, 'list', '--json');
    expect(afterwards.out).toBe(whileRunning.out);
    const removed = await runIngest('trust', folder.config, 'remove', world.organisation.did);
    expect(removed).toMatchObject({ code: 0 });
    expect((await runIngest('trust', folder.config, 'list')).out).not.toContain('organisation did');
  });

  it('lets nobody change trust without the token', async () => {
    const one = await start();
    const answer = await fetch(`${one.http}/api/trust`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ remove: 'did:web:northline.example' }),
    });
    expect(answer.status).toBe(401);
  });
});

/** A gateway that keeps every batch until the ingester's receipt names it, and sends it again. */
class Persistent {
  readonly receipts = new Map<string, ReceiptResult>();
  readonly doubts: string[] = [];
  private readonly client: MqttClient;
  private readonly topic: string;
  /** Sent on this connection, and not yet receipted. */
  private readonly underWay = new Set<string>();
  private readonly tokens: ReadonlyMap<string, Uint8Array>;

  constructor(options: {
    address: string;
    ingester: string;
    world: World;
    tokens: ReadonlyMap<string, Uint8Array>;
  }) {
    const { fingerprint } = options.world;
    this.topic = uplinkTopic(fingerprint);
    this.tokens = options.tokens;
    this.client = connect(options.address, { protocolVersion: 4, reconnectPeriod: 50 });
    this.client.on('error', () => {});
    this.client.on('connect', () => {
      this.underWay.clear();
      this.client.subscribe(receiptTopic(fingerprint), { qos: 1 }, () => this.send());
    });
    this.client.on('message', (_topic, payload) => {
      if (isNoticeMessage(payload)) return;
      const receipt = openReceipt(payload, options.ingester);
      if (isRefusal(receipt)) this.doubts.push(receipt.reason);
      else for (const result of receipt.results) this.take(result);
      this.send();
    });
  }

  private take(result: ReceiptResult): void {
    const before = this.receipts.get(result.digest);
    if (before && before.position !== result.position) this.doubts.push('another position');
    if (result.outcome !== 'accepted') this.doubts.push(JSON.stringify(result));
    this.receipts.set(result.digest, result);
    this.underWay.delete(result.digest);
  }

  private send(): void {
    for (const [digest, token] of this.tokens) {
      if (!this.client.connected || this.underWay.size >= 16) return;
      if (this.receipts.has(digest) || this.underWay.has(digest)) continue;
      this.underWay.add(digest);
      this.client.publish(this.topic, Buffer.from(token), { qos: 1 });
    }
  }

  close(): Promise<void> {
    return this.client.endAsync(true);
  }
}

/** Enrols a device, and signs `count` batches of it, by their digests. */
async function signedBatches(world: World, count: number): Promise<Map<string, Uint8Array>> {
  const nowMs = Date.now();
  for (const [name, bytes] of [
    ['did.json', world.document()],
    ['fc-1.jwt', await world.enrolment({ validFromMs: nowMs - 60_000 })],
  ] as const) {
    writeFileSync(join(folder.directory, name), bytes);
    const added = await runIngest('trust', folder.config, 'add', join(folder.directory, name));
    expect(added.code).toBe(0);
  }
  const tokens = new Map<string, Uint8Array>();
  for (let index = 0; index < count; index += 1) {
    const groups = readingGroups({ fromMs: nowMs - 10_000, times: 2, points: 5 });
    const token = await world.device.next(nowMs, { groups });
    tokens.set(credentialDigest(token), token);
  }
  return tokens;
}

describe('a full disk', () => {
  it('ends the ingester with one line; it acknowledged only what is stored', async () => {
    const world = makeWorld();
    folder.remove();
    folder = ingesterFolder({ mqtt: await freePort() });
    const tokens = await signedBatches(world, 800);
    const one = await startOnFullDisk(folder, 1_000_000);
    running.push(one);
    const gateway = new Persistent({ address: one.mqtt, ingester: one.did, world, tokens });
    expect(await one.ended).toBe(1);
    expect(one.log()).toMatch(/^DB_DISK_FAILED: .+$/m);
    const before = gateway.receipts.size;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(tokens.size);

    const again = await start();
    await eventually(() => gateway.receipts.size === tokens.size, 'all receipts', 60_000);
    expect(await again.end('SIGTERM')).toBe(0);
    await gateway.close();
    expect(gateway.doubts).toEqual([]);
    const journal = openJournalReader(join(folder.data, 'journal.db'));
    expect(journal.highWater()).toMatchObject([{ sequence: tokens.size, count: tokens.size }]);
    journal.close();
  });
});

describe('SIGKILL under load', () => {
  it('loses nothing that was acknowledged and stores nothing twice', async () => {
    const world = makeWorld();
    folder.remove();
    folder = ingesterFolder({ mqtt: await freePort() });
    const tokens = await signedBatches(world, 1500);
    let one = await start();
    const gateway = new Persistent({ address: one.mqtt, ingester: one.did, world, tokens });
    const counts: number[] = [];
    for (let kill = 1; kill <= 4; kill += 1) {
      const goal = Math.floor((tokens.size * kill) / 6);
      await eventually(() => gateway.receipts.size >= goal, `${goal} receipts`, 60_000);
      await one.end('SIGKILL');
      counts.push(gateway.receipts.size);
      one = await start();
      expect(one.log()).toContain('did not end in order');
    }
    await eventually(() => gateway.receipts.size === tokens.size, 'all receipts', 60_000);
    expect(await one.end('SIGTERM')).toBe(0);
    await gateway.close();

    expect(gateway.doubts).toEqual([]);
    expect(counts.at(-1)).toBeLessThan(tokens.size);
    const journal = openJournalReader(join(folder.data, 'journal.db'));
    const entries = journal.read(0, journal.size());
    const batches = entries.filter(({ header }) => header.kind === 'batch');
    expect(batches).toHaveLength(tokens.size);
    for (const { header, position, bytes } of batches) {
      const receipt = gateway.receipts.get(header.digest);
      expect(receipt).toMatchObject({ position, leaf: journal.leaf(position) });
      expect(Buffer.from(tokens.get(header.digest) ?? []).equals(bytes)).toBe(true);
    }
    expect(journal.highWater()).toMatchObject([{ sequence: tokens.size, count: tokens.size }]);
    journal.close();
    const check = await runIngest('rebuild', folder.config, '--check');
    expect(check).toMatchObject({ code: 0 });
  });
});
