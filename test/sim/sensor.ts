/**
 * A simulated sensor and the driver that asks it. Every value that it gives is different, and it
 * keeps a ledger of them, so that none can be lost or doubled unseen.
 */
import type { DeviceProfile } from '../../devices/profile.ts';
import { Type } from '../../devices/schema.ts';
import type { Driver } from '../../gateway/driver.ts';
import type { Chance } from './chance.ts';
import type { World } from './clock.ts';

export const sensorProfile: DeviceProfile = {
  name: 'sim-meter',
  summary: 'A simulated meter that counts.',
  source: 'the simulation',
  protocol: 'modbus',
  reportsOn: 'pipeline-batch',
  points: Object.fromEntries(
    ['volume', 'temperature', 'pressure'].map((name, index) => [
      name,
      {
        summary: `Simulated ${name}.`,
        type: 'Dimensionless',
        unit: 'C62',
        modbus: {
          table: 'holding' as const,
          address: index * 2,
          encoding: { type: 'uint32' as const, order: 'ABCD' as const },
        },
      },
    ]),
  ),
};

export interface SensorFaults {
  /** Probability that a question is not answered. */
  readonly silence: number;
  /** Longest time that an answer takes, milliseconds. */
  readonly delayMs: number;
}

/** What a sensor gave. */
export interface Served {
  readonly device: string;
  readonly point: string;
  readonly rawHex: string;
  readonly worldMs: number;
}

export class Sensor {
  readonly ledger: Served[] = [];
  readonly #name: string;
  readonly #world: World;
  readonly #chance: Chance;
  readonly #faults: SensorFaults;
  #count = 0;

  constructor(name: string, world: World, chance: Chance, faults: SensorFaults) {
    this.#name = name;
    this.#world = world;
    this.#chance = chance;
    this.#faults = faults;
  }

  get answersAfterMs(): number {
    return 1 + this.#chance.fraction() * this.#faults.delayMs;
  }

  get isSilent(): boolean {
    return this.#chance.happens(this.#faults.silence);
  }

  /** Gives the next value of each point and notes it. */
  serve(points: readonly string[]): { point: string; rawHex: string }[] {
    return points.map((point) => {
      this.#count += 1;
      const rawHex = this.#count.toString(16).padStart(8, '0');
      this.ledger.push({ device: this.#name, point, rawHex, worldMs: this.#world.nowMs });
      return { point, rawHex };
    });
  }
}

/** The driver that asks sensors by the device's name. */
export function sensorDriver(sensors: ReadonlyMap<string, Sensor>): Driver {
  return {
    name: 'modbus',
    summary: 'Asks simulated sensors.',
    settings: Type.Object({}),
    check: () => [],
    async open(_settings, _points, { clock, device }) {
      const sensor = sensors.get(device);
      if (!sensor) throw new Error(`there is no simulated sensor ${device}`);
      return {
        async read(points) {
          if (sensor.isSilent) {
            await clock.sleep(100);
            return { samples: [], missing: { points, cause: 'timeout' } };
          }
          await clock.sleep(sensor.answersAfterMs);
          const samples = sensor.serve(points).map(({ point, rawHex }) => ({
            point,
            rawHex,
            encoding: { type: 'uint32' as const, order: 'ABCD' as const },
            quality: 'good' as const,
            gatewayTimeMs: clock.nowMs(),
          }));
          return { samples };
        },
        async close() {},
      };
    },
  };
}
