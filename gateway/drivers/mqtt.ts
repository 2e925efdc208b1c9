/** The MQTT driver: takes what a device publishes to the yard's broker. */
import { createHash } from 'node:crypto';
import { limits } from '../../devices/limits.ts';
import type { PointDefinition } from '../../devices/profile.ts';
import type { LossCause, Sample } from '../../devices/reading.ts';
import type {
  CertificateState,
  Connection,
  ConnectionState,
  DeviceSigner,
  Driver,
  DriverContext,
  SampleSet,
  Silence,
} from '../driver.ts';
import { createDeviceLog, type DeviceLog } from './device-log.ts';
import { certificatesOf, readAccess } from './mqtt/access.ts';
import { compileMapping, type PayloadMapping } from './mqtt/mapping.ts';
import { readPayload } from './mqtt/payload.ts';
import { saysRefused } from './mqtt/reasons.ts';
import { type MqttMessage, MqttSession, type MqttSessionOptions } from './mqtt/session.ts';
import { check, type MqttSettings, settings } from './mqtt/settings.ts';
import { refusalOfSigned } from './mqtt/signed.ts';
import { planTopics, type TopicPlan, unshared } from './mqtt/topics.ts';

export type { MqttSettings };

type Points = Readonly<Record<string, PointDefinition>>;
type Deliver = (set: SampleSet) => Promise<void>;

export const mqttDriver: Driver<MqttSettings> = {
  name: 'mqtt',
  summary: 'MQTT 3.1.1 and 5: what a device publishes, acknowledged when it is durable.',
  settings,
  check,
  signer: ({ signedBy, signerEnrolment }): DeviceSigner | undefined =>
    signedBy === undefined
      ? undefined
      : { did: signedBy, ...(signerEnrolment !== undefined && { enrolment: signerEnrolment }) },
  async open(device, points, context) {
    return new MqttConnection(device, points, context);
  },
};

class MqttConnection implements Connection {
  readonly silence: Silence;
  readonly #device: MqttSettings;
  readonly #points: Points;
  readonly #context: DriverContext;
  readonly #log: DeviceLog;
  readonly #counts = { nonsense: 0, foreignTopics: 0, refusedCredentials: 0, lostSessions: 0 };
  readonly #stop = new AbortController();
  #session: MqttSession | undefined;
  /** Since when nothing is known, if the broker turns out to have kept nothing. */
  #unknownSinceMs: number;
  #isUp = false;

  constructor(device: MqttSettings, points: Points, context: DriverContext) {
    this.#device = device;
    this.#points = points;
    this.#context = context;
    this.#log = createDeviceLog(context);
    const isKept = device.qos !== 0 && device.sessionExpiryS !== 0;
    // A source that keeps nothing: the gateway signs its own absence.
    this.silence = { whileAway: isKept, whileRunning: false };
    const lastMs = isKept ? context.history?.lastMs : undefined;
    this.#unknownSinceMs = lastMs ?? context.clock.nowMs();
  }

  async subscribe(names: readonly string[], deliver: Deliver): Promise<void> {
    const { clock, device, gateway, history } = this.#context;
    const { cleanStart, clientId, sessionExpiryS } = this.#device;
    const topics = this.#topicsOf(names);
    const session = sessionExpiryS === 0 ? 'clean' : cleanStart ? 'fresh' : 'keep';
    this.#session ??= new MqttSession({
      ...this.#common(topics.filters),
      clientId: clientId ?? defaultClientId(gateway, device),
      session,
      ...(sessionExpiryS !== undefined && { sessionExpiryS }),
      remembered: history?.messages ?? [],
      onMessage: async (message) => {
        const mapping = topics.find(message.topic);
        // A session that an older configuration left may still hold other topics.
        if (mapping === undefined) this.#counts.foreignTopics += 1;
        else await deliver(this.#read(message, mapping));
      },
      onForget: (forget) => deliver({ samples: [], forget }),
      onNothingKept: () => this.#sayLost(names, deliver),
      onUp: () => {
        this.#isUp = true;
        this.#log.well('absent');
      },
      onDown: (reason) => {
        if (this.#isUp) this.#unknownSinceMs = clock.nowMs();
        this.#isUp = false;
        this.#log.trouble('absent', { broker: this.#device.url, detail: reason });
      },
    });
  }

  /**
   * Waits for the next or the retained message of each topic. It uses a client of its own, so
   * that it takes nothing from the session of a gateway that is running.
   */
  async read(names: readonly string[], signal: AbortSignal): Promise<SampleSet> {
    const wanted = new Set(names);
    const topics = this.#topicsOf(names);
    const samples: Sample[] = [];
    const credentials: Uint8Array[] = [];
    const nonsense = new Set<string>();
    const cause = await this.#listen(topics.filters.map(unshared), signal, (message) => {
      const mapping = topics.find(message.topic);
      // The first message that tells of a point is taken; a second sample may come with it.
      if (!mapping?.points.some((point) => wanted.has(point))) return false;
      const set = this.#read(message, mapping);
      samples.push(...set.samples.filter(({ point }) => wanted.has(point)));
      credentials.push(...(set.credentials ?? []));
      for (const point of set.missing?.points ?? []) nonsense.add(point);
      for (const point of mapping.points) wanted.delete(point);
      return wanted.size === 0;
    });
    const read = { samples, ...(credentials.length > 0 && { credentials }) };
    const missing = [...wanted, ...nonsense];
    if (missing.length === 0) return read;
    return { ...read, missing: { points: missing, cause: cause ?? 'nonsense' } };
  }

  state(): ConnectionState {
    return this.#session?.state() ?? { up: false, reason: 'not subscribed' };
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.#counts, ...this.#session?.counts };
  }

  certificates(): readonly CertificateState[] {
    return certificatesOf(this.#device, this.#resolvePath);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#session?.close();
  }

  readonly #resolvePath = (path: string) => this.#context.resolvePath?.(path) ?? path;

  /** What every client of this device has in common. */
  #common(filters: readonly string[]) {
    const { clock, random } = this.#context;
    const { packetBytesMax, qos = 1, url, version } = this.#device;
    return {
      url,
      clock,
      random,
      topics: filters,
      version: version === 5 ? 5 : 4,
      qos: qos === 0 ? 0 : qos === 2 ? 2 : 1,
      ...(packetBytesMax !== undefined && { packetBytesMax }),
      access: () => readAccess(this.#device, this.#resolvePath),
    } as const satisfies Partial<MqttSessionOptions>;
  }

  /** What is to be read from each topic. Credentials stand at the topic of the device itself. */
  #topicsOf(names: readonly string[]): TopicPlan<PayloadMapping> {
    const { payload, signedBy, topic } = this.#device;
    if (signedBy !== undefined) {
      const places = names.map((point) => [point, ''] as const);
      return planTopics(topic, places, (points) => ({ points, readers: [] }));
    }
    const places = names.flatMap((point) => {
      const place = this.#points[point]?.mqtt;
      return place === undefined ? [] : [[point, place.topic] as const];
    });
    return planTopics(topic, places, (points) => {
      const known = Object.entries(this.#points).filter(([point]) => points.includes(point));
      return compileMapping(payload, Object.fromEntries(known));
    });
  }

  #read(message: MqttMessage, mapping: PayloadMapping): SampleSet {
    const { name, payload, retained, topic } = message;
    const named = name === undefined ? {} : { message: name };
    if (this.#device.signedBy !== undefined) {
      return { ...this.#readSigned(message, mapping, this.#device.signedBy), ...named };
    }
    const gatewayTimeMs = this.#context.clock.nowMs();
    const set = readPayload(payload, mapping, { gatewayTimeMs, retained });
    if (set.missing === undefined) {
      this.#log.well('nonsense');
    } else {
      this.#counts.nonsense += 1;
      const lacking = set.missing.points.slice(0, 5).join(', ');
      this.#log.trouble('nonsense', { topic, bytes: message.tooLarge ?? payload.length, lacking });
    }
    return { ...set, ...named };
  }

  #readSigned(
    { payload, tooLarge, topic }: MqttMessage,
    { points }: PayloadMapping,
    signer: string,
  ): SampleSet {
    const refusal =
      tooLarge === undefined
        ? refusalOfSigned(payload, { signer, gateway: this.#context.gateway })
        : ({ cause: 'nonsense', reason: `it has ${tooLarge} bytes` } as const);
    if (refusal === undefined) {
      this.#log.well('credential refused');
      return { samples: [], credentials: [payload] };
    }
    const { cause, reason } = refusal;
    this.#counts.refusedCredentials += 1;
    this.#log.trouble('credential refused', { topic, reason });
    return { samples: [], missing: { points, cause } };
  }

  /** The broker knows no session of ours: what was published since then is lost, if anything. */
  #sayLost(points: readonly string[], deliver: Deliver): void {
    const { clock, everyMs = 1_000 } = this.#context;
    const fromMs = this.#unknownSinceMs;
    const toMs = clock.nowMs();
    const intervals = Math.floor((toMs - fromMs) / everyMs);
    if (intervals <= 0) return;
    this.#unknownSinceMs = toMs;
    this.#counts.lostSessions += 1;
    const count = intervals * points.length;
    const missing = { points, cause: 'absent', fromMs, toMs, count } as const;
    // An outbox that can keep nothing any more says so itself.
    deliver({ samples: [], missing }).catch(() => undefined);
  }

  /** Hears messages until `take` says that it has enough. Resolves with why it got no more. */
  #listen(
    filters: readonly string[],
    signal: AbortSignal,
    take: (message: MqttMessage) => boolean,
  ): Promise<LossCause | undefined> {
    const stopped = this.#stop.signal;
    if (signal.aborted || stopped.aborted) return Promise.resolve('not-running');
    const { clock, random } = this.#context;
    return new Promise((resolve) => {
      const end = (cause: LossCause | undefined) => {
        cancel();
        signal.removeEventListener('abort', abort);
        stopped.removeEventListener('abort', abort);
        // A file that cannot be read is said before the session has been made.
        setImmediate(() => session.close().then(() => resolve(cause)));
      };
      const abort = () => end('not-running');
      const cancel = clock.after(limits.mqttReadMs, () =>
        end(session.state().up ? 'timeout' : 'absent'),
      );
      signal.addEventListener('abort', abort, { once: true });
      stopped.addEventListener('abort', abort, { once: true });
      const session = new MqttSession({
        ...this.#common(filters),
        clientId: `bl${Buffer.from(random.bytes(10)).toString('hex')}`,
        session: 'clean',
        onMessage: async (message) => {
          // Not before the message is answered: the broker is owed that much.
          if (take(message)) setImmediate(() => end(undefined));
        },
        onUp: () => undefined,
        onDown: (reason) => end(saysRefused(reason) ? 'refused' : 'absent'),
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
