/**
 * A session with a broker: whatever is published while we are away waits there, and each message
 * is acknowledged only when its owner says that it is durable, for QoS 1 (PUBACK) and for QoS 2
 * (PUBREC) alike. Several messages may be on their way to the disk at once.
 */
import { createHash } from 'node:crypto';
import { explain } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { Clock, Random } from '../../../devices/runtime.ts';
import type { ConnectionState } from '../../driver.ts';
import { dialMqtt, type MqttClient, type MqttOptions, writeRaw } from '../../mqtt-client.ts';
import { type Backoff, createBackoff } from '../backoff.ts';
import { answerTo, createIntake, type Incoming } from './intake.ts';
import { createMemory, type MessageMemory } from './memory.ts';
import { accepted, reasonOfDisconnect, reasonOfError, reasonOfRefusal } from './reasons.ts';

/** A message of one of the topics. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
  /** Set where the packet was too large: bytes of the payload, which is not there. */
  readonly tooLarge?: number;
  /**
   * QoS 1 and 2: names the message in this session. Kept with its samples, and given to the next
   * session as `remembered`, it makes a copy known that comes after a restart.
   */
  readonly name?: string;
}

/** User name, password, certificates: read anew at each dial. */
export type MqttAccess = Pick<
  MqttOptions,
  'username' | 'password' | 'ca' | 'cert' | 'key' | 'servername'
>;

export interface MqttSessionOptions {
  /** `mqtt://HOST:PORT` or `mqtts://HOST:PORT`. */
  readonly url: string;
  readonly clientId: string;
  /** Topic filters. */
  readonly topics: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Takes messages in order; resolves when the message may be forgotten by the broker. The next
   * may come before that, up to `pendingMax`. A rejection leaves the message there: the
   * connection is closed, and the broker sends it again.
   */
  readonly onMessage: (message: MqttMessage) => Promise<void>;
  /** The subscription stands. */
  readonly onUp: () => void;
  /** There is no subscription, or no longer; another attempt follows. */
  readonly onDown: (reason: string) => void;
  /** Default 4 (MQTT 3.1.1). */
  readonly version?: 4 | 5;
  /** QoS of the subscriptions. Default 1. */
  readonly qos?: 0 | 1 | 2;
  /** Default `keep`. `clean`: the broker keeps nothing of us. `fresh`: not what it kept before. */
  readonly session?: 'keep' | 'clean' | 'fresh';
  /** MQTT 5: how long the broker keeps a session without its client, seconds. */
  readonly sessionExpiryS?: number;
  /** MQTT 5: larger packets are not to be sent. The broker drops them without a word. */
  readonly packetBytesMax?: number;
  /** Messages on their way to the disk. Default `limits.mqttPendingMax`. */
  readonly pendingMax?: number;
  /** May throw; the reason is told through `onDown`, and it is asked again. */
  readonly access?: () => MqttAccess;
  /** Names of messages that are durable, oldest first, from before this start. */
  readonly remembered?: readonly string[];
  /**
   * These names need not be remembered any longer; resolves when that is durable. `all`: the
   * broker knows no session of ours, so packet ids begin anew.
   */
  readonly onForget?: (names: readonly string[] | 'all') => Promise<void>;
  /** A new connection, and the broker has kept nothing for us. */
  readonly onNothingKept?: () => void;
}

export interface MqttSessionCounts {
  /** Times that the subscription came to stand, and times that an attempt or it failed. */
  ups: number;
  downs: number;
  messages: number;
  /** Copies of messages that were durable already; acknowledged without effect. */
  redelivered: number;
}

/** One connection of the session. */
interface Link {
  readonly client: MqttClient;
  /** The answers in the order that the standard asks for [MQTT-4.6.0-2]. */
  answered: Promise<void>;
}

export class MqttSession {
  readonly counts: MqttSessionCounts = { ups: 0, downs: 0, messages: 0, redelivered: 0 };

  readonly #options: MqttSessionOptions;
  readonly #backoff: Backoff;
  readonly #memory: MessageMemory;
  readonly #pending = new Set<Promise<void>>();
  #makeRoom: () => void = () => undefined;
  #link: Link | undefined;
  #dials = 0;
  #subscribed = false;
  #closed = false;
  #state: ConnectionState = { up: false, reason: 'not connected yet' };
  #cancel: () => void = () => undefined;

  constructor(options: MqttSessionOptions) {
    this.#options = options;
    this.#backoff = createBackoff(options);
    this.#memory = createMemory(options.remembered ?? []);
    this.#dial();
  }

  state(): ConnectionState {
    return this.#state;
  }

  /**
   * Takes no more messages, lets those that are under way become durable and be acknowledged,
   * then disconnects. The broker keeps the session. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel();
    this.#state = { up: false, reason: 'closed' };
    const link = this.#link;
    const patience = new AbortController();
    const orderly = (link?.answered ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => disconnect(link?.client));
    await Promise.race([orderly, this.#options.clock.sleep(limits.stopMs / 2, patience.signal)]);
    patience.abort();
    link?.client.end(true);
    this.#makeRoom();
  }

  #dial(): void {
    const { access, clientId, clock, url, version = 4 } = this.#options;
    this.#dials += 1;
    let secrets: MqttAccess;
    try {
      secrets = access?.() ?? {};
    } catch (error) {
      this.#failed(explain(error));
      return;
    }
    const client = dialMqtt(url, {
      ...secrets,
      clientId,
      version,
      clean: this.#isClean(),
      keepalive: limits.mqttKeepaliveS,
      connectTimeout: limits.mqttConnectMs,
      ...(version === 5 && { properties: this.#properties() }),
      filter: () => this.#intake(() => link),
    });
    const link: Link = { client, answered: Promise.resolve() };
    this.#link = link;
    let reason = 'the broker closed the connection';
    client.on('error', (error) => {
      reason = reasonOfError(error);
    });
    client.on('disconnect', (packet) => {
      reason = reasonOfDisconnect(packet, clientId);
    });
    client.on('close', () => this.#lost(link, reason));
    client.on('connect', ({ sessionPresent, properties }) => {
      if (this.#mustDropSession()) return this.#lost(link, undefined);
      this.#cancel = clock.after(limits.mqttConnectMs, () => this.#lost(link, 'no SUBACK'));
      const missing = accepted(properties, this.#options);
      if (missing !== undefined) return this.#lost(link, missing);
      this.#begin(link, sessionPresent).catch((error) => this.#lost(link, explain(error)));
    });
  }

  /** The connection is accepted: makes sure of the session, then of the subscription. */
  async #begin(link: Link, sessionPresent: boolean): Promise<void> {
    const { onForget, onNothingKept, qos = 1, topics, version } = this.#options;
    if (!sessionPresent) {
      // Names that are still on their way to the disk would be remembered after the others went.
      await Promise.allSettled(this.#pending);
      if (this.#memory.clear()) await onForget?.('all');
      onNothingKept?.();
    }
    if (this.#link !== link || this.#closed) return;
    // A kept session has its subscriptions, and subscribing again would repeat every retained
    // message [MQTT-3.8.4-3]; but our first start may want other topics than the last one did.
    // MQTT 5 can ask for retained messages of new subscriptions only (rh 1) [MQTT-3.3.1-10].
    if (!(sessionPresent && this.#subscribed)) {
      const rh = sessionPresent ? 1 : 0;
      const how = version === 5 ? { qos, rh } : { qos };
      const refused = await subscribe(link.client, topics, how);
      if (refused !== undefined) return this.#lost(link, refused);
    }
    if (this.#link !== link || this.#closed) return;
    this.#cancel();
    this.#subscribed = true;
    this.#backoff.succeed();
    this.counts.ups += 1;
    this.#state = { up: true };
    this.#options.onUp();
  }

  /** Gives the connection up and dials again after a while; the broker keeps what comes. */
  #lost(link: Link, reason: string | undefined): void {
    if (this.#link !== link) return;
    this.#cancel();
    if (this.#closed) return;
    this.#link = undefined;
    link.client.end(true);
    if (reason === undefined) this.#dial();
    else this.#failed(reason);
  }

  #failed(reason: string): void {
    this.counts.downs += 1;
    this.#state = { up: false, reason };
    this.#options.onDown(reason);
    this.#cancel = this.#options.clock.after(this.#backoff.fail(), () => this.#dial());
  }

  #intake(link: () => Link) {
    const { pendingMax = limits.mqttPendingMax, version = 4 } = this.#options;
    return createIntake({
      version,
      bytesMax: limits.mqttDevicePacketBytesMax,
      onMessage: (message) => this.#take(link(), message),
      onRelease: (id) => this.#release(link(), id),
      onMalformed: (reason) => this.#lost(link(), `the broker does not speak MQTT: ${reason}`),
      room: () => (this.#pending.size < pendingMax ? undefined : this.#room(pendingMax)),
    });
  }

  async #room(pendingMax: number): Promise<void> {
    while (this.#pending.size >= pendingMax && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#makeRoom = resolve;
      });
    }
  }

  #take(link: Link, message: Incoming): void {
    if (this.#closed || this.#link !== link) return;
    const { duplicate, id, qos } = message;
    const name = id === undefined ? undefined : `${id} ${digest(message)}`;
    // A broker that has not seen our answer sends the same packet again after a reconnect, marked
    // as a duplicate [MQTT-4.4.0-1]; it must not become a second reading.
    const before = duplicate && name !== undefined ? this.#memory.of(name) : undefined;
    if (before !== undefined) this.counts.redelivered += 1;
    const durable = before ?? this.#hand(message, name);
    if (id === undefined) return;
    const answer = answerTo(id, qos === 2 ? 'pubrec' : 'puback');
    this.#answer(link, durable, answer, 'a message could not be stored');
  }

  /** Hands a message over for good; resolves when it is durable. */
  #hand(message: Incoming, name: string | undefined): Promise<void> {
    const { payload, retained, tooLarge, topic } = message;
    this.counts.messages += 1;
    const durable = this.#options.onMessage({
      topic,
      payload,
      retained,
      ...(tooLarge !== undefined && { tooLarge }),
      ...(name !== undefined && { name }),
    });
    this.#pending.add(durable);
    if (name !== undefined) this.#memory.remember(name, durable);
    const settle = () => {
      this.#pending.delete(durable);
      this.#makeRoom();
    };
    durable.then(settle, () => {
      if (name !== undefined) this.#memory.forget([name]);
      settle();
    });
    return durable;
  }

  /** QoS 2: the broker has our PUBREC, so that no copy of the message can come any more. */
  #release(link: Link, id: number): void {
    if (this.#closed || this.#link !== link) return;
    const names = this.#memory.named(id);
    this.#memory.forget(names);
    // The id may be another message's as soon as the broker has our answer [MQTT-4.3.3-2].
    const forgotten = names.length === 0 ? undefined : this.#options.onForget?.(names);
    const answer = answerTo(id, 'pubcomp');
    this.#answer(link, forgotten ?? Promise.resolve(), answer, 'a release could not be stored');
  }

  /** Answers when `ready`, and after every answer that was due before, on the same connection. */
  #answer(link: Link, ready: Promise<void>, answer: Uint8Array, failure: string): void {
    link.answered = Promise.all([link.answered, ready]).then(() => {
      if (this.#link === link) writeRaw(link.client, answer);
    });
    link.answered.catch(() => this.#lost(link, failure));
  }

  #isClean(): boolean {
    const { session = 'keep', version } = this.#options;
    return session === 'clean' || (session === 'fresh' && version === 5 && this.#dials === 1)
      ? true
      : this.#mustDropSession();
  }

  /** MQTT 3.1.1 drops an old session only by a connection that keeps none [MQTT-3.1.2-6]. */
  #mustDropSession(): boolean {
    const { session, version = 4 } = this.#options;
    return session === 'fresh' && version === 4 && this.#dials === 1;
  }

  #properties(): NonNullable<MqttOptions['properties']> {
    const { packetBytesMax, pendingMax = limits.mqttPendingMax, session } = this.#options;
    const { sessionExpiryS = limits.mqttSessionExpirySDefault } = this.#options;
    return {
      sessionExpiryInterval: session === 'clean' ? 0 : sessionExpiryS,
      receiveMaximum: pendingMax,
      ...(packetBytesMax !== undefined && { maximumPacketSize: packetBytesMax }),
    };
  }
}

/** Why the broker refused, or `undefined` when every subscription stands. */
function subscribe(
  client: MqttClient,
  topics: readonly string[],
  how: { qos: 0 | 1 | 2; rh?: number },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    client.subscribe([...topics], how, (error, _, packet) => {
      resolve(reasonOfRefusal({ topics, qos: how.qos }, error, packet?.granted));
    });
  });
}

function disconnect(client: MqttClient | undefined): Promise<void> {
  if (client === undefined) return Promise.resolve();
  return new Promise((resolve) => client.end(false, {}, () => resolve()));
}

function digest({ topic, payload }: Incoming): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64url');
}
