/**
 * A yard's MQTT broker with publishers: aedes on loopback, and one real client for each device.
 * A value counts as served, and enters the ledger, once the broker has taken it for a session
 * that asked for it; a message that nobody asked for is not evidence that anybody lost.
 */
import { createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { connectAsync, type MqttClient } from 'mqtt';
import { EdgeError } from '../../devices/errors.ts';
import type { Clock } from '../../devices/runtime.ts';
import type { Ledger } from '../ledger.ts';

/** One message, and the values in it as the ledger notes them. */
export interface JsonMessage {
  readonly device: string;
  readonly payload: string;
  /** By point: the UTF-8 text of the JSON token exactly as it stands in the payload. */
  readonly tokens: ReadonlyMap<string, string>;
}

export interface MqttServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly clock: Clock;
  readonly ledger: Ledger;
}

/** The part of aedes' persistence that is told of every message queued for a session. */
interface Queue {
  outgoingEnqueueCombi(sessions: readonly unknown[], packet: { topic: string }): Promise<unknown>;
}

const CLIENT_ID_BYTES_MAX = 256;
const CONNECT_MS = 5_000;

/** A listening broker with its publishers; it must be closed. */
export class MqttServer {
  readonly host: string;
  readonly port: number;
  /** Messages that the broker has acknowledged. */
  published = 0;
  readonly #options: MqttServerOptions;
  readonly #broker: Aedes;
  readonly #server: Server;
  readonly #clients: MqttClient[] = [];
  /** The message that is on its way on each topic; a publisher sends one at a time. */
  readonly #onItsWay = new Map<string, JsonMessage>();

  private constructor(options: MqttServerOptions, broker: Aedes, server: Server, port: number) {
    this.#options = options;
    this.#broker = broker;
    this.#server = server;
    this.host = options.host;
    this.port = port;
    this.#watchQueue();
  }

  /** @throws EdgeError SIM_PORT_TAKEN */
  static async start(options: MqttServerOptions): Promise<MqttServer> {
    const broker = await Aedes.createBroker({ maxClientsIdLength: CLIENT_ID_BYTES_MAX });
    const server = createServer((socket) => broker.handle(socket));
    const port = await listen(server, options.host, options.port);
    return new MqttServer(options, broker, server, port);
  }

  get url(): string {
    return `mqtt://${this.host}:${this.port}`;
  }

  /** Connects a device's own client; the returned function publishes with QoS 1. */
  async connect(clientId: string): Promise<Publish> {
    const client = await connectAsync(this.url, { clientId, connectTimeout: CONNECT_MS });
    this.#clients.push(client);
    return async (topic, message) => {
      // The one before is still on its way: a device with a full hand drops the newest.
      if (this.#onItsWay.has(topic)) return false;
      this.#onItsWay.set(topic, message);
      try {
        await client.publishAsync(topic, message.payload, { qos: 1 });
        this.published += 1;
        return true;
      } finally {
        this.#onItsWay.delete(topic);
      }
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.endAsync(true)));
    await new Promise<void>((resolve) => this.#broker.close(() => resolve()));
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /**
   * Aedes queues a QoS 1 message for every persistent session that matches, live or away, before
   * it sends anything; that moment decides whether a session will get the message. Sessions
   * without persistence are told of when the message is forwarded.
   */
  #watchQueue(): void {
    const { persistence } = this.#broker as unknown as { persistence: Queue };
    const enqueue = persistence.outgoingEnqueueCombi.bind(persistence);
    persistence.outgoingEnqueueCombi = async (sessions, packet) => {
      const result = await enqueue(sessions, packet);
      if (sessions.length > 0) this.#note(packet.topic);
      return result;
    };
    this.#broker.authorizeForward = (client, packet) => {
      if ((client as unknown as { clean: boolean }).clean) this.#note(packet.topic);
      return packet;
    };
  }

  /** Notes the values of the message on its way on a topic, once. */
  #note(topic: string): void {
    const message = this.#onItsWay.get(topic);
    if (!message || this.#noted.has(message)) return;
    this.#noted.add(message);
    const timeMs = this.#options.clock.nowMs();
    for (const [point, token] of message.tokens) {
      const rawHex = Buffer.from(token).toString('hex');
      this.#options.ledger.serve({ timeMs, device: message.device, point, rawHex });
    }
  }

  readonly #noted = new WeakSet<JsonMessage>();
}

/** Publishes one message; false when the one before is still on its way. */
export type Publish = (topic: string, message: JsonMessage) => Promise<boolean>;

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new EdgeError('SIM_PORT_TAKEN', `listening on ${host}:${port}`, { cause }));
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
