/** The Sparkplug driver: a host application that takes what edge nodes and their devices say. */
import { createHash } from 'node:crypto';
import { limits } from '../../devices/limits.ts';
import type { PointDefinition } from '../../devices/profile.ts';
import { type SchemaMistake, type Static, Type } from '../../devices/schema.ts';
import type {
  CertificateState,
  Connection,
  ConnectionState,
  Driver,
  DriverContext,
  SampleSet,
} from '../driver.ts';
import { createDeviceLog, type DeviceLog } from './device-log.ts';
import { certificatesOf, readAccess } from './mqtt/access.ts';
import { check as checkMqtt, settings as mqttSettings } from './mqtt/settings.ts';
import { type HostLease, leaseHost } from './sparkplug/hosts.ts';
import { lookOnce } from './sparkplug/look.ts';
import { PointStream } from './sparkplug/stream.ts';
import { ID_PATTERN } from './sparkplug/topic.ts';

const id = (description: string, examples: string[]) =>
  Type.String({ description, pattern: ID_PATTERN, maxLength: 256, examples });

const { properties: mqtt } = mqttSettings;

const settings = Type.Object(
  {
    url: mqtt.url,
    hostId: id(
      'Host id of this gateway as a Sparkplug host application, unlike every other at the broker ' +
        '(text). Edge nodes that have a primary host name this one.',
      ['bondline-nogales'],
    ),
    group: id('Group id of the edge node (text).', ['yard']),
    edgeNode: id('Edge node id (text).', ['reefer-monitor']),
    device: Type.Optional(
      id(
        'Device id below the edge node (text). ' +
          "Default: none, and the points are the edge node's own metrics.",
        ['MSKU9070323'],
      ),
    ),
    clientId: Type.Optional(
      Type.String({
        description:
          'Client id at the broker (text). ' +
          'Default: made of the DID of the gateway and the host id.',
        pattern: '^[0-9A-Za-z_.:-]+$',
        minLength: 1,
        maxLength: 128,
        examples: ['bondline-nogales'],
      }),
    ),
    version: mqtt.version,
    username: mqtt.username,
    passwordFile: mqtt.passwordFile,
    caFile: mqtt.caFile,
    serverName: mqtt.serverName,
    certFile: mqtt.certFile,
    keyFile: mqtt.keyFile,
    reorderMs: Type.Optional(
      Type.Integer({
        description:
          'Reorder timeout: a missing message may come late by this much before the edge node is ' +
          `asked to be born again; 0: not at all (ms). Default ${limits.sparkplugReorderMsDefault}.`,
        minimum: 0,
        maximum: limits.sparkplugReorderMsMax,
        default: limits.sparkplugReorderMsDefault,
      }),
    ),
  },
  { additionalProperties: false },
);

export type SparkplugSettings = Static<typeof settings>;

type Points = Readonly<Record<string, PointDefinition>>;

export const sparkplugDriver: Driver<SparkplugSettings> = {
  name: 'sparkplug',
  summary: 'Sparkplug B 3.0: a host application that takes births, data and deaths.',
  settings,
  check,
  async open(device, points, context) {
    return new SparkplugConnection(device, points, context);
  },
};

function check(device: SparkplugSettings, points: Points): SchemaMistake[] {
  // The broker's settings mean the same here; the topic follows from the ids.
  const { hostId, group, edgeNode, device: _, reorderMs, ...broker } = device;
  const connection = checkMqtt({ ...broker, topic: group }, {});
  const misplaced = Object.entries(points).flatMap(([name, { sparkplug }]) => {
    if (sparkplug !== undefined && sparkplug.metric !== '') return [];
    const message = `point ${name} has no sparkplug place; give it the name of a metric`;
    return [{ path: [], message }];
  });
  return [...connection, ...misplaced];
}

class SparkplugConnection implements Connection {
  /** Brokers keep nothing of a host application; what is missing meanwhile is said by us. */
  readonly silence = { whileAway: false, whileRunning: true };
  readonly #device: SparkplugSettings;
  readonly #points: Points;
  readonly #context: DriverContext;
  readonly #log: DeviceLog;
  readonly #stop = new AbortController();
  #lease: HostLease | undefined;
  #stream: PointStream | undefined;
  #closing: Promise<void> | undefined;
  #refusal: string | undefined;

  constructor(device: SparkplugSettings, points: Points, context: DriverContext) {
    this.#device = device;
    this.#points = points;
    this.#context = context;
    this.#log = createDeviceLog(context);
  }

  async subscribe(
    names: readonly string[],
    deliver: (set: SampleSet) => Promise<void>,
  ): Promise<void> {
    const { clock, random, gateway } = this.#context;
    const { device, edgeNode, group, hostId, url } = this.#device;
    const { reorderMs = limits.sparkplugReorderMsDefault } = this.#device;
    const clientId = this.#device.clientId ?? defaultClientId(gateway, hostId);
    this.#stream ??= new PointStream({
      ...(device !== undefined && { device }),
      points: this.#metricsOf(names),
      clock,
      deliver,
      onBorn: (lacking) => {
        this.#log.well('absent');
        if (lacking.length === 0) return this.#log.well('not-in-birth');
        this.#log.trouble('not-in-birth', { lacking: lacking.slice(0, 5).join(', ') });
      },
      onStale: (detail) => this.#log.trouble('absent', { broker: url, detail }),
      onLost: () => this.#lease?.host.node(group, edgeNode).wantRebirth(),
    });
    const { device: _, group: __, edgeNode: ___, ...shared } = this.#device;
    this.#lease ??= leaseHost(gateway, JSON.stringify(shared), {
      ...this.#broker(),
      hostId,
      clientId,
      reorderMs,
      clock,
      random,
      onForeignHost: () => this.#log.trouble('foreign-host', { hostId, broker: url }),
    });
    if (this.#lease === undefined) {
      this.#refusal = `another device uses host id ${hostId} at ${url} with other settings`;
      this.#log.trouble('refused', { detail: this.#refusal });
      return;
    }
    this.#lease.host.node(group, edgeNode).join(this.#stream);
  }

  /** Asks for a birth with a client of its own: a gateway that is running is not disturbed. */
  async read(names: readonly string[], signal: AbortSignal): Promise<SampleSet> {
    const { clock, random } = this.#context;
    const { group, edgeNode, device } = this.#device;
    const came = await lookOnce({
      ...this.#broker(),
      clientId: `bl${Buffer.from(random.bytes(10)).toString('hex')}`,
      group,
      edgeNode,
      ...(device !== undefined && { device }),
      points: this.#metricsOf(names),
      clock,
      random,
      signals: [signal, this.#stop.signal],
    });
    if (typeof came === 'string') return { samples: [], missing: { points: names, cause: came } };
    const have = new Set(came.map(({ point }) => point));
    const points = names.filter((name) => !have.has(name));
    if (points.length === 0) return { samples: came };
    return { samples: came, missing: { points, cause: 'absent' } };
  }

  state(): ConnectionState {
    if (this.#refusal !== undefined) return { up: false, reason: this.#refusal };
    return this.#stream?.state() ?? { up: false, reason: 'not subscribed' };
  }

  counters(): Readonly<Record<string, number>> {
    const { group, edgeNode } = this.#device;
    const host = this.#lease?.host;
    return { ...host?.counts(), ...host?.node(group, edgeNode).counts };
  }

  certificates(): readonly CertificateState[] {
    return certificatesOf(this.#device, this.#resolvePath);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    const { group, edgeNode } = this.#device;
    const node = this.#lease?.host.node(group, edgeNode);
    if (this.#stream !== undefined) node?.leave(this.#stream);
    await this.#stream?.close();
    await this.#lease?.release();
    if (node?.isHeard === false) this.#lease?.host.forget(group, edgeNode);
  }

  readonly #resolvePath = (path: string): string => this.#context.resolvePath?.(path) ?? path;

  #broker() {
    const { url, version = 4 } = this.#device;
    const access = () => readAccess(this.#device, this.#resolvePath);
    return { url, version: version === 5 ? 5 : 4, access } as const;
  }

  /** Names of our points by the names of their metrics. */
  #metricsOf(names: readonly string[]): Map<string, string[]> {
    const metrics = new Map<string, string[]>();
    for (const name of names) {
      const metric = this.#points[name]?.sparkplug?.metric;
      if (metric !== undefined) metrics.set(metric, [...(metrics.get(metric) ?? []), name]);
    }
    return metrics;
  }
}

/**
 * A client id that is this host application's and stays so, within the 23 letters and digits that
 * every broker must take [MQTT-3.1.3-5].
 */
function defaultClientId(gateway: string, hostId: string): string {
  const digest = createHash('sha256').update(`${gateway}\n${hostId}`).digest('hex');
  return `bl${digest.slice(0, 20)}`;
}
