/** The MQTT driver: takes what a device publishes to the yard's broker, as JSON. */
import { createHash } from 'node:crypto';
import { limits } from '../../devices/limits.ts';
import type { PointDefinition } from '../../devices/profile.ts';
import type { LossCause, Sample } from '../../devices/reading.ts';
import { type SchemaMistake, type Static, Type } from '../../devices/schema.ts';
import type { Connection, Driver, DriverContext, SampleSet } from '../driver.ts';
import { dialMqtt } from '../mqtt-client.ts';
import { createDeviceLog, type DeviceLog } from './device-log.ts';
import { limitPublish } from './mqtt/limit.ts';
import { type PayloadPoint, readPayload } from './mqtt/payload.ts';
import { type MqttMessage, MqttSession } from './mqtt/session.ts';

const settings = Type.Object(
  {
    url: Type.String({
      description: 'Address of the broker that the device publishes to (URL).',
      pattern: '^mqtt://[^/@?#]+$',
      maxLength: 300,
      examples: ['mqtt://192.168.1.20:1883'],
    }),
    topic: Type.String({
      description: "Topic below which the device publishes; its points' topics follow (text).",
      pattern: '^[^/+#]+(/[^/+#]+)*$',
      maxLength: 1_024,
      examples: ['yard/MSKU9070323'],
    }),
    clientId: Type.Optional(
      Type.String({
        description:
          'Client id at the broker (text); it names the session that the broker keeps for us. ' +
          'Default: made of the DID of the gateway and the name of the device.',
        pattern: '^[0-9A-Za-z_.:-]+$',
        minLength: 1,
        maxLength: 128,
        examples: ['bondline-nogales-reefer-1'],
      }),
    ),
  },
  { additionalProperties: false },
);

export type MqttSettings = Static<typeof settings>;

type Points = Readonly<Record<string, PointDefinition>>;

export const mqttDriver: Driver<MqttSettings> = {
  name: 'mqtt',
  summary: 'MQTT 3.1.1: JSON that a device publishes, acknowledged when it is durable.',
  settings,
  check,
  async open(device, points, context) {
    return new MqttConnection(device, points, context);
  },
};

function check(_: MqttSettings, points: Points): SchemaMistake[] {
  return Object.entries(points).flatMap(([name, { mqtt }]) => {
    const message = mistakeOf(mqtt);
    return message === undefined ? [] : [{ path: [], message: `point ${name} ${message}` }];
  });
}

function mistakeOf(place: PointDefinition['mqtt']): string | undefined {
  if (place === undefined) return 'has no mqtt place; give it a topic and a path';
  if (/[+#]/.test(place.topic)) return `has the topic "${place.topic}"; wildcards are not allowed`;
  if (place.path.split('.').includes('')) {
    return `has the path "${place.path}"; write member names with single dots between them`;
  }
  return undefined;
}

class MqttConnection implements Connection {
  readonly #device: MqttSettings;
  readonly #points: Points;
  readonly #context: DriverContext;
  readonly #log: DeviceLog;
  readonly #counts = { nonsense: 0, foreignTopics: 0 };
  readonly #stop = new AbortController();
  #session: MqttSession | undefined;

  constructor(device: MqttSettings, points: Points, context: DriverContext) {
    this.#device = device;
    this.#points = points;
    this.#context = context;
    this.#log = createDeviceLog(context);
  }

  async subscribe(
    names: readonly string[],
    deliver: (set: SampleSet) => Promise<void>,
  ): Promise<void> {
    const { clock, random, gateway, device } = this.#context;
    const topics = this.#topicsOf(names);
    this.#session ??= new MqttSession({
      url: this.#device.url,
      clientId: this.#device.clientId ?? defaultClientId(gateway, device),
      topics: [...topics.keys()],
      clock,
      random,
      onMessage: async (message) => {
        const points = topics.get(message.topic);
        // A session that an older configuration left may still hold other topics.
        if (points === undefined) this.#counts.foreignTopics += 1;
        else await deliver(this.#read(message, points));
      },
      onUp: () => this.#log.well('absent'),
      onDown: (reason) => {
        this.#log.trouble('absent', { broker: this.#device.url, detail: reason });
      },
    });
  }

  /**
   * Waits for the next or the retained message of each topic. It uses a client of its own, so
   * that it takes nothing from the session of a gateway that is running.
   */
  async read(names: readonly string[], signal: AbortSignal): Promise<SampleSet> {
    const wanted = this.#topicsOf(names);
    const heard = new Map<string, SampleSet>();
    const cause = await this.#listen([...wanted.keys()], signal, (message) => {
      const points = wanted.get(message.topic);
      if (points !== undefined) heard.set(message.topic, this.#read(message, points));
      return heard.size === wanted.size;
    });
    const samples: Sample[] = [];
    const missing: string[] = [];
    for (const [topic, points] of wanted) {
      const set = heard.get(topic);
      samples.push(...(set?.samples ?? []));
      missing.push(...(set === undefined ? points.map(({ point }) => point) : []));
      missing.push(...(set?.missing?.points ?? []));
    }
    if (missing.length === 0) return { samples };
    return { samples, missing: { points: missing, cause: cause ?? 'nonsense' } };
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.#counts, ...this.#session?.counts };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#session?.close();
  }

  #topicsOf(names: readonly string[]): Map<string, PayloadPoint[]> {
    const topics = new Map<string, PayloadPoint[]>();
    for (const point of names) {
      const place = this.#points[point]?.mqtt;
      if (place === undefined) continue;
      const topic =
        place.topic === '' ? this.#device.topic : `${this.#device.topic}/${place.topic}`;
      const points = topics.get(topic) ?? [];
      topics.set(topic, [...points, { point, path: place.path.split('.') }]);
    }
    return topics;
  }

  #read({ topic, payload, retained }: MqttMessage, points: readonly PayloadPoint[]): SampleSet {
    const gatewayTimeMs = this.#context.clock.nowMs();
    const set = readPayload(payload, points, { gatewayTimeMs, retained });
    if (set.missing === undefined) {
      this.#log.well('nonsense');
    } else {
      this.#counts.nonsense += 1;
      const lacking = set.missing.points.slice(0, 5).join(', ');
      this.#log.trouble('nonsense', { topic, bytes: payload.length, lacking });
    }
    return set;
  }

  /** Hears messages until `take` says that it has enough. Resolves with why it got no more. */
  #listen(
    topics: readonly string[],
    signal: AbortSignal,
    take: (message: MqttMessage) => boolean,
  ): Promise<LossCause | undefined> {
    const stopped = this.#stop.signal;
    if (signal.aborted || stopped.aborted) return Promise.resolve('not-running');
    const clientId = `bl${Buffer.from(this.#context.random.bytes(10)).toString('hex')}`;
    const client = dialMqtt(this.#device.url, {
      clientId,
      clean: true,
      connectTimeout: limits.mqttConnectMs,
      filter: () => limitPublish(limits.mqttDevicePacketBytesMax),
    });
    return new Promise((resolve) => {
      let connected = false;
      const end = (cause: LossCause | undefined) => {
        cancel();
        signal.removeEventListener('abort', abort);
        stopped.removeEventListener('abort', abort);
        client.end(true);
        resolve(cause);
      };
      const abort = () => end('not-running');
      const cancel = this.#context.clock.after(limits.mqttReadMs, () =>
        end(connected ? 'timeout' : 'absent'),
      );
      signal.addEventListener('abort', abort, { once: true });
      stopped.addEventListener('abort', abort, { once: true });
      client.on('close', () => end('absent'));
      client.on('connect', () => {
        connected = true;
        client.subscribe([...topics], { qos: 1 }, (error) => error && end('refused'));
      });
      client.on('message', (topic, payload, packet) => {
        if (take({ topic, payload, retained: packet.retain })) end(undefined);
      });
    });
  }
}

/**
 * A client id that is this device's at this gateway and stays so: within the 23 letters and digits
 * that every broker must take [MQTT-3.1.3-5].
 */
function defaultClientId(gateway: string, device: string): string {
  const digest = createHash('sha256').update(`${gateway}\n${device}`).digest('hex');
  return `bl${digest.slice(0, 20)}`;
}
