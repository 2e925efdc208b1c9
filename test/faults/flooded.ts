/**
 * An ingester in one process with its real parts: broker, queues, admission and journal in threads,
 * a journal on disk; and clients that send to it what they like.
 */
import { connect as dial, type Socket } from 'node:net';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { openReceipt } from '../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { credentialDigest, receiptTopic, uplinkTopic } from '../../devices/envelope.ts';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { compileReporter } from '../../devices/schema.ts';
import { startAdmitPool } from '../../ingest/admit-pool.ts';
import { rates } from '../../ingest/config-bounds.ts';
import { createIngest, type Ingest } from '../../ingest/ingest.ts';
import { type OpenJournal, startJournal } from '../../ingest/journal.ts';
import type { RefusalBounds } from '../../ingest/journal-refusals.ts';
import type { RateSettings } from '../../ingest/rates.ts';
import { embedded } from '../../ingest/sources/embedded.ts';
import { createWays } from '../../ingest/ways.ts';
import { memorySigner } from '../support/identity.ts';

export interface Flooded {
  readonly ingest: Ingest;
  readonly journal: OpenJournal;
  readonly port: number;
  /** A client that speaks for a gateway and knows what became of what it sent. */
  client(gateway: string): Promise<FloodClient>;
  /** A TCP connection without a protocol. */
  raw(): Promise<Socket>;
  close(): Promise<void>;
}

export interface FloodClient {
  /** Resolves with what the receipt says, and after how long it came. */
  send(bytes: Uint8Array): Promise<{ readonly outcome: string; readonly ms: number }>;
  /** Sends without waiting for anything. */
  throwIn(bytes: Uint8Array): void;
  readonly mqtt: MqttClient;
}

/** The rates of a configuration that says nothing of them. */
function defaultRates(): RateSettings {
  const settings = {};
  const mistakes = compileReporter(rates)(settings);
  if (mistakes.length > 0) throw new Error(`the defaults are none: ${mistakes[0]?.message}`);
  return settings as RateSettings;
}

/** Starts it in a folder of its own, which the caller removes. */
export async function startFlooded(directory: string, bounds?: RefusalBounds): Promise<Flooded> {
  const journalFile = join(directory, 'journal.db');
  const journal = await startJournal(journalFile, bounds);
  const admitter = startAdmitPool({
    ...{ workers: 1, tenant: 'flood', journalFile, poisons: journal.found.poisons },
    ...{ clock: systemClock, log: silentLog },
  });
  const failures: unknown[] = [];
  const signer = memorySigner();
  const ways = createWays({
    ...{ clock: systemClock, log: silentLog, resolvePath: (path) => path },
    receive: (message) => ingest.receive(message),
    room: (gateway) => ingest.room(gateway),
    known: (gateway) => ingest.known(gateway),
    tooLarge: () => ingest.health.tooLarge(),
  });
  const ingest = createIngest({
    ...{ tenant: 'flood', journal, admitter, clock: systemClock, log: silentLog },
    signer,
    rates: defaultRates(),
    reply: ways.reply,
    wake: () => {},
    failed: (error) => failures.push(error),
  });
  const source = await ways.open(embedded, { host: '127.0.0.1', port: 0, tls: false });
  const port = Number(new URL(source.address).port);
  const clients: FloodClient[] = [];
  const sockets: Socket[] = [];
  return {
    ...{ ingest, journal, port },
    async client(gateway) {
      const client = await connectClient(source.address, gateway, signer.did);
      clients.push(client);
      return client;
    },
    async raw() {
      const socket = dial({ port, host: '127.0.0.1' });
      socket.on('error', () => {});
      sockets.push(socket);
      await new Promise<void>((done) => socket.once('connect', done));
      return socket;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      for (const { mqtt } of clients) await mqtt.endAsync(true);
      await ways.close();
      await Promise.race([ingest.drain(), systemClock.sleep(2_000)]);
      await admitter.close();
      await journal.close();
      if (failures.length > 0) throw failures[0];
    },
  };
}

async function connectClient(
  address: string,
  gateway: string,
  ingester: string,
): Promise<FloodClient> {
  const mqtt = await connectAsync(address, { protocolVersion: 4, reconnectPeriod: 0 });
  mqtt.on('error', () => {});
  const waiting = new Map<string, (outcome: string) => void>();
  mqtt.on('message', (_topic, bytes) => {
    const receipt = openReceipt(bytes, ingester);
    if (isRefusal(receipt)) throw new Error(`a receipt is none: ${receipt.reason}`);
    for (const { digest, outcome } of receipt.results) {
      waiting.get(digest)?.(outcome);
      waiting.delete(digest);
    }
  });
  await mqtt.subscribeAsync(receiptTopic(gateway), { qos: 1 });
  const topic = uplinkTopic(gateway);
  return {
    mqtt,
    send(bytes) {
      const sentMs = performance.now();
      return new Promise((resolve) => {
        waiting.set(credentialDigest(bytes), (outcome) =>
          resolve({ outcome, ms: performance.now() - sentMs }),
        );
        mqtt.publish(topic, Buffer.from(bytes), { qos: 1 });
      });
    },
    throwIn: (bytes) => void mqtt.publish(topic, Buffer.from(bytes), { qos: 1 }),
  };
}
