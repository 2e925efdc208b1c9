/**
 * A client of a broker that keeps nothing of us (clean session): it dials for as long as it is
 * open, subscribes, hands over what comes and acknowledges it when it is durable. What it can
 * publish, `command.ts` makes.
 */
import { explain } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { Clock, Random } from '../../../devices/runtime.ts';
import { dialMqtt, type MqttClient, writeRaw } from '../../mqtt-client.ts';
import { createBackoff } from '../backoff.ts';
import { answerTo, createIntake, type Incoming } from '../mqtt/intake.ts';
import { reasonOfDisconnect, reasonOfError, reasonOfRefusal } from '../mqtt/reasons.ts';
import type { MqttAccess } from '../mqtt/session.ts';
import type { HostMessage } from './command.ts';

export interface BrokerSettings {
  /** `mqtt://HOST:PORT` or `mqtts://HOST:PORT`. */
  readonly url: string;
  readonly version: 4 | 5;
  /** User name, password, certificates: read anew at each dial. May throw; it is asked again. */
  readonly access: () => MqttAccess;
  readonly clientId: string;
  readonly clock: Clock;
  readonly random: Random;
}

export interface SparkplugClientOptions extends BrokerSettings {
  /** Asked at each dial, since a host's will states the time of its CONNECT. */
  readonly will?: () => HostMessage;
  /** Topic filters, asked at each dial. */
  readonly topics: () => readonly string[];
  /** Takes messages in order; resolves when the message may be acknowledged. */
  readonly onMessage: (message: Incoming) => Promise<void>;
  /** The subscription stands. */
  readonly onUp: () => void;
  /** There is no subscription, or no longer; another attempt follows. */
  readonly onDown: (reason: string) => void;
}

export class SparkplugClient {
  readonly counts = { ups: 0, downs: 0, messages: 0 };
  readonly #options: SparkplugClientOptions;
  readonly #backoff: ReturnType<typeof createBackoff>;
  readonly #pending = new Set<Promise<void>>();
  #client: MqttClient | undefined;
  #isUp = false;
  #closed = false;
  #answered: Promise<void> = Promise.resolve();
  #cancel: () => void = () => undefined;

  constructor(options: SparkplugClientOptions) {
    this.#options = options;
    this.#backoff = createBackoff(options);
    this.#dial();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Resolves when it is sent (QoS 0) or acknowledged, or when the connection is gone. */
  publish({ topic, payload, qos, retain }: HostMessage): Promise<void> {
    const client = this.#client;
    if (!this.#isUp || client === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        client.off('close', done);
        resolve();
      };
      client.once('close', done);
      client.publish(topic, payload, { qos, retain }, done);
    });
  }

  /** Subscribes to further topics; resolves when they stand, or the connection is gone. */
  async add(topics: readonly string[]): Promise<void> {
    const client = this.#client;
    if (!this.#isUp || client === undefined) return;
    const refused = await subscribe(client, topics);
    if (refused !== undefined) this.#lost(client, refused);
  }

  /** Publishes `farewell` where there is one, then disconnects. Idempotent. */
  async close(farewell?: () => HostMessage): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel();
    const client = this.#client;
    const patience = new AbortController();
    const orderly = this.#answered
      .then(() => farewell && this.publish(farewell()))
      .then(() => disconnect(client));
    const giveUp = this.#options.clock.sleep(limits.stopMs / 4, patience.signal);
    await Promise.race([orderly, giveUp]);
    patience.abort();
    this.#isUp = false;
    client?.end(true);
    // `end` waits for answers that may never come.
    client?.stream.destroy();
  }

  #dial(): void {
    const { access, clientId, clock, topics, url, version, will } = this.#options;
    let secrets: MqttAccess;
    try {
      secrets = access();
    } catch (error) {
      this.#failed(explain(error));
      return;
    }
    const client = dialMqtt(url, {
      ...secrets,
      clientId,
      version,
      clean: true,
      keepalive: limits.mqttKeepaliveS,
      connectTimeout: limits.mqttConnectMs,
      ...(version === 5 && { properties: { sessionExpiryInterval: 0 } }),
      ...(will && { will: will() }),
      filter: () => this.#intake(() => client),
    });
    this.#client = client;
    let reason = 'the broker closed the connection';
    client.on('error', (error) => {
      reason = reasonOfError(error);
    });
    client.on('disconnect', (packet) => {
      reason = reasonOfDisconnect(packet, clientId);
    });
    client.on('close', () => this.#lost(client, reason));
    client.on('connect', () => {
      this.#cancel = clock.after(limits.mqttConnectMs, () => this.#lost(client, 'no SUBACK'));
      void subscribe(client, topics()).then((refused) => {
        if (this.#client !== client || this.#closed) return;
        if (refused !== undefined) return this.#lost(client, refused);
        this.#cancel();
        this.#backoff.succeed();
        this.counts.ups += 1;
        this.#isUp = true;
        this.#options.onUp();
      });
    });
  }

  #intake(client: () => MqttClient) {
    return createIntake({
      version: this.#options.version,
      bytesMax: limits.sparkplugPacketBytesMax,
      onMessage: (message) => this.#take(client(), message),
      // QoS 2 is not subscribed to.
      onRelease: (id) => writeRaw(client(), answerTo(id, 'pubcomp')),
      onMalformed: (reason) => this.#lost(client(), `the broker does not speak MQTT: ${reason}`),
      room: () =>
        this.#pending.size < limits.sparkplugQueueMax ? undefined : Promise.race(this.#pending),
    });
  }

  #take(client: MqttClient, message: Incoming): void {
    if (this.#closed || this.#client !== client) return;
    this.counts.messages += 1;
    const durable = this.#options.onMessage(message).finally(() => this.#pending.delete(durable));
    this.#pending.add(durable);
    const { id, qos } = message;
    // In the order in which they came [MQTT-4.6.0-2].
    this.#answered = Promise.all([this.#answered, durable]).then(() => {
      if (id === undefined || this.#client !== client) return;
      writeRaw(client, answerTo(id, qos === 2 ? 'pubrec' : 'puback'));
    });
  }

  /** Gives the connection up and dials again after a while. */
  #lost(client: MqttClient, reason: string): void {
    if (this.#client !== client) return;
    this.#cancel();
    if (this.#closed) return;
    this.#client = undefined;
    this.#isUp = false;
    client.end(true);
    this.#failed(reason);
  }

  #failed(reason: string): void {
    this.counts.downs += 1;
    this.#options.onDown(reason);
    if (this.#closed) return;
    this.#cancel = this.#options.clock.after(this.#backoff.fail(), () => this.#dial());
  }
}

/** Subscribes at QoS 1, that of wills and of STATE. Resolves with why it was refused. */
function subscribe(client: MqttClient, topics: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    client.subscribe([...topics], { qos: 1 }, (error, _, packet) => {
      resolve(reasonOfRefusal({ topics, qos: 1 }, error, packet?.granted));
    });
  });
}

function disconnect(client: MqttClient | undefined): Promise<void> {
  if (client === undefined) return Promise.resolve();
  return new Promise((resolve) => client.end(false, {}, () => resolve()));
}
