/**
 * Simulated sensors and the driver that asks them, or hears them. Every value that a sensor gives
 * is the next number of its own count, so that none can be lost, doubled or invented unseen.
 */
import type { DeviceProfile, PointDefinition } from '../../devices/profile.ts';
import { Type } from '../../devices/schema.ts';
import type { Connection, Driver, DriverContext, SampleSet } from '../../gateway/driver.ts';
import type { Chance } from './chance.ts';

const encoding = { type: 'uint32' as const, order: 'ABCD' as const };

function profileOf(name: string, points: readonly string[], urgent?: string): DeviceProfile {
  const definition = (point: string, index: number): PointDefinition => ({
    summary: `Simulated ${point}.`,
    type: 'Dimensionless',
    unit: 'C62',
    modbus: { table: 'holding' as const, address: index * 2, encoding },
    ...(point === urgent && { urgent: 'event' as const }),
  });
  return {
    name,
    summary: 'A simulated meter that counts.',
    source: 'the simulation',
    protocol: 'modbus',
    reportsOn: 'pipeline-batch',
    points: Object.fromEntries(points.map((point, index) => [point, definition(point, index)])),
  };
}

/** Asked on a grid. */
export const polledProfile = profileOf('sim-polled', ['volume', 'temperature']);
/** Speaks by itself, and cannot wait when its seal is opened. */
export const spokenProfile = profileOf('sim-spoken', ['volume', 'seal'], 'seal');

export const simProfiles = {
  [polledProfile.name]: polledProfile,
  [spokenProfile.name]: spokenProfile,
};

export interface SensorFaults {
  /** Probability that a question is not answered. */
  readonly silence: number;
  /** Longest time that an answer takes, milliseconds. */
  readonly delayMs: number;
}

/** Messages that a sensor keeps until they are acknowledged; it says nothing more then. */
const KEPT_MAX = 64;

interface Message {
  readonly name: string;
  readonly values: readonly { readonly point: string; readonly rawHex: string }[];
}

export class Sensor {
  readonly name: string;
  readonly profile: DeviceProfile;
  readonly #chance: Chance;
  readonly #faults: SensorFaults;
  #count = 0;
  #kept: Message[] = [];
  #hear: ((message: Message) => void) | undefined;

  constructor(options: {
    name: string;
    profile: DeviceProfile;
    chance: Chance;
    faults: SensorFaults;
  }) {
    this.name = options.name;
    this.profile = options.profile;
    this.#chance = options.chance;
    this.#faults = options.faults;
  }

  /** How many values it gave. */
  get count(): number {
    return this.#count;
  }

  /** Gives a value once, to whoever asks. */
  get isAsked(): boolean {
    return this.profile === polledProfile;
  }

  get answersAfterMs(): number {
    return 1 + this.#chance.fraction() * this.#faults.delayMs;
  }

  get isSilent(): boolean {
    return this.#chance.happens(this.#faults.silence);
  }

  /** Gives the next value of each point. */
  serve(points: readonly string[]): { point: string; rawHex: string }[] {
    return points.map((point) => {
      this.#count += 1;
      return { point, rawHex: this.#count.toString(16).padStart(8, '0') };
    });
  }

  /** Says something by itself, and keeps it until it is acknowledged. */
  speak(isSealOpened: boolean): void {
    if (this.#kept.length >= KEPT_MAX) return;
    const values = this.serve(isSealOpened ? ['volume', 'seal'] : ['volume']);
    const message = { name: `${this.name}-${this.#count}`, values };
    this.#kept.push(message);
    this.#hear?.(message);
  }

  /** Somebody listens: what was not acknowledged comes again first. */
  listen(hear: (message: Message) => void): void {
    this.#hear = hear;
    for (const message of [...this.#kept]) hear(message);
  }

  /** The message is durable where it was heard. */
  acknowledge(message: Message): void {
    this.#kept = this.#kept.filter((other) => other !== message);
  }
}

/** The driver that knows sensors by the device's name. */
export function sensorDriver(sensors: ReadonlyMap<string, Sensor>): Driver {
  return {
    name: 'modbus',
    summary: 'Asks simulated sensors, or hears them.',
    settings: Type.Object({}),
    check: () => [],
    async open(_settings, _points, context) {
      const sensor = sensors.get(context.device);
      if (!sensor) throw new Error(`there is no simulated sensor ${context.device}`);
      return sensor.profile === polledProfile ? asked(sensor, context) : heard(sensor, context);
    },
  };
}

function samplesOf(values: Message['values'], nowMs: number): SampleSet['samples'] {
  return values.map(({ point, rawHex }) => ({
    ...{ point, rawHex, encoding, gatewayTimeMs: nowMs },
    quality: 'good' as const,
  }));
}

function asked(sensor: Sensor, { clock }: DriverContext): Connection {
  return {
    async read(points) {
      if (sensor.isSilent) {
        await clock.sleep(100);
        return { samples: [], missing: { points, cause: 'timeout' } };
      }
      await clock.sleep(sensor.answersAfterMs);
      return { samples: samplesOf(sensor.serve(points), clock.nowMs()) };
    },
    async close() {},
  };
}

function heard(sensor: Sensor, { clock, history }: DriverContext): Connection {
  const known = new Set(history?.messages);
  let isClosed = false;
  return {
    silence: { whileAway: true, whileRunning: true },
    async read() {
      return { samples: [] };
    },
    async subscribe(_points, deliver) {
      sensor.listen((message) => {
        if (isClosed) return;
        if (known.has(message.name)) {
          sensor.acknowledge(message);
          return;
        }
        const samples = samplesOf(message.values, clock.nowMs());
        deliver({ samples, message: message.name }).then(
          () => sensor.acknowledge(message),
          () => undefined,
        );
      });
    },
    async close() {
      isClosed = true;
    },
  };
}
