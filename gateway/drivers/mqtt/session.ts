/**
 * A persistent MQTT session with the yard's broker: whatever is published while we are away waits
 * there, and a message is acknowledged only when its samples are durable.
 */
import { createHash } from 'node:crypto';
import { limits } from '../../../devices/limits.ts';
import type { Clock, Random } from '../../../devices/runtime.ts';
import { dialMqtt, type MqttClient, type MqttPublish } from '../../mqtt-client.ts';
import { type Backoff, createBackoff } from '../backoff.ts';
import { limitPublish } from './limit.ts';

/** A message of one of the topics. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
}

export interface MqttSessionOptions {
  readonly url: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Takes messages in order, one at a time; resolves when the message may be forgotten by the
   * broker. A rejection leaves it there: the connection is closed, and the broker sends it again.
   */
  readonly onMessage: (message: MqttMessage) => Promise<void>;
  /** The subscription stands. */
  readonly onUp: () => void;
  /** There is no subscription, or no longer; another attempt follows. */
  readonly onDown: (reason: string) => void;
}

export interface MqttSessionCounts {
  /** Times that the subscription came to stand, and times that an attempt or it failed. */
  ups: number;
  downs: number;
  messages: number;
  /** Copies of messages that were durable already; acknowledged without effect. */
  redelivered: number;
}

/** Granted QoS that means refusal [MQTT-3.9.3-2]. */
const REFUSED = 128;

export class MqttSession {
  readonly counts: MqttSessionCounts = { ups: 0, downs: 0, messages: 0, redelivered: 0 };

  readonly #options: MqttSessionOptions;
  readonly #backoff: Backoff;
  /**
   * Messages that are durable or on their way to it, by packet id and content. A broker that has
   * not seen our PUBACK sends the same packet again after a reconnect, marked as a duplicate
   * [MQTT-4.4.0-1]; it must not become a second reading.
   */
  readonly #taken = new Map<string, Promise<void>>();
  #last: Promise<void> = Promise.resolve();
  #client: MqttClient | undefined;
  #subscribed = false;
  #closed = false;
  #cancel: () => void = () => undefined;

  constructor(options: MqttSessionOptions) {
    this.#options = options;
    this.#backoff = createBackoff(options);
    this.#dial();
  }

  /**
   * Takes no more messages, lets the one that is under way become durable and be acknowledged,
   * then disconnects. The broker keeps the session. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel();
    const client = this.#client;
    const patience = new AbortController();
    const orderly = this.#last.then(() => disconnect(client));
    await Promise.race([orderly, this.#options.clock.sleep(limits.stopMs / 2, patience.signal)]);
    patience.abort();
    client?.end(true);
  }

  #dial(): void {
    const { url, clientId, clock } = this.#options;
    const client = dialMqtt(url, {
      clientId,
      // The broker keeps the session while we are away [MQTT-3.1.2-4].
      clean: false,
      keepalive: limits.mqttKeepaliveS,
      connectTimeout: limits.mqttConnectMs,
      filter: () => limitPublish(limits.mqttDevicePacketBytesMax),
    });
    let reason = 'the broker closed the connection';
    this.#client = client;
    client.handleMessage = (packet, callback) => {
      this.#take(client, packet).then(
        // Only to the connection that the packet came on: its id means nothing on another.
        () => this.#client === client && callback(),
        () => this.#lost(client, 'a message could not be stored'),
      );
    };
    client.on('error', (error) => {
      reason = error.message === '' && 'code' in error ? String(error.code) : error.message;
    });
    client.on('close', () => this.#lost(client, reason));
    client.on('connect', ({ sessionPresent }) => {
      if (!sessionPresent) this.#taken.clear();
      // A kept session has its subscriptions, and subscribing again would repeat every retained
      // message [MQTT-3.8.4-3]; but our first start may want other topics than the last one did.
      if (sessionPresent && this.#subscribed) return this.#up();
      this.#cancel = clock.after(limits.mqttConnectMs, () => this.#lost(client, 'no SUBACK'));
      client.subscribe([...this.#options.topics], { qos: 1 }, (error, granted = []) => {
        if (this.#client !== client) return;
        if (error || granted.some(({ qos }) => Number(qos) === REFUSED)) {
          this.#lost(client, 'the broker refused the subscription');
          return;
        }
        this.#cancel();
        this.#subscribed = true;
        this.#up();
      });
    });
  }

  #up(): void {
    this.#backoff.succeed();
    this.counts.ups += 1;
    this.#options.onUp();
  }

  /** Gives the connection up and dials again after a while; the broker keeps what comes. */
  #lost(client: MqttClient, reason: string): void {
    if (this.#client !== client) return;
    this.#cancel();
    if (this.#closed) return;
    this.#client = undefined;
    client.end(true);
    this.counts.downs += 1;
    this.#options.onDown(reason);
    this.#cancel = this.#options.clock.after(this.#backoff.fail(), () => this.#dial());
  }

  /** Resolves when the packet may be acknowledged. */
  #take(client: MqttClient, packet: MqttPublish): Promise<void> {
    const message = {
      topic: packet.topic,
      payload: Buffer.from(packet.payload),
      retained: packet.retain,
    };
    const key = `${packet.messageId} ${digest(message)}`;
    const before = packet.dup ? this.#taken.get(key) : undefined;
    if (before !== undefined) {
      this.counts.redelivered += 1;
      return before;
    }
    const taken = this.#last.then(() => {
      if (this.#closed || this.#client !== client) throw new Error('no longer on this connection');
      this.counts.messages += 1;
      return this.#options.onMessage(message);
    });
    this.#last = taken.catch(() => {
      this.#taken.delete(key);
    });
    if (packet.qos > 0) this.#remember(key, taken);
    return taken;
  }

  #remember(key: string, taken: Promise<void>): void {
    this.#taken.delete(key);
    this.#taken.set(key, taken);
    const [oldest] = this.#taken.keys();
    if (this.#taken.size > limits.mqttRedeliveriesMax && oldest) this.#taken.delete(oldest);
  }
}

function disconnect(client: MqttClient | undefined): Promise<void> {
  if (client === undefined) return Promise.resolve();
  return new Promise((resolve) => client.end(false, {}, () => resolve()));
}

function digest({ topic, payload }: MqttMessage): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64url');
}
