/** The things of a simulated world, made of a seed: machines, sensors, keys, links, parties. */
import { whenFullPolicies } from '../../gateway/outbox.ts';
import { Chance } from './chance.ts';
import { Watch } from './check-world.ts';
import { World } from './clock.ts';
import { CustodyScript } from './custody-script.ts';
import { seededKey } from './identity.ts';
import type { Scene } from './misfortunes.ts';
import { Network } from './network.ts';
import { Office } from './office.ts';
import { Organisation } from './organisation.ts';
import { polledProfile, Sensor, spokenProfile } from './sensor.ts';
import { type SimDevice, Station, type StationOptions } from './station.ts';
import { TrustScript } from './trust-script.ts';

export const START_MS = Date.parse('2026-11-21T00:00:00.000Z');
const SECOND = 1_000;

/** What a world is wanted for; the rest is left to chance. */
export interface BorderChoice {
  readonly stations?: 1 | 2;
  /** Between two reads of a sensor that is asked. */
  readonly everyMs?: number;
  readonly heartbeatMs?: number;
  /** Clocks are right and outboxes large: what goes wrong is not the machine. */
  readonly isCalm?: true;
}

type MachineFaults = Pick<StationOptions, 'skewMs' | 'drift' | 'bytesMax' | 'whenFull'>;

const calmMachine: MachineFaults = {
  ...{ skewMs: 0, drift: 0 },
  ...{ bytesMax: 1024 * 1024 * 1024, whenFull: 'keep-oldest' },
};

function roughMachine(chance: Chance): MachineFaults {
  return {
    skewMs: chance.between(-120_000, 120_000),
    drift: chance.happens(0.3) ? (chance.fraction() - 0.5) * 0.0002 : 0,
    bytesMax: chance.happens(0.3) ? chance.between(200, 800) * 1024 : 64 * 1024 * 1024,
    whenFull: chance.pick(whenFullPolicies),
  };
}

/** Everything there is in a world. */
export interface Border {
  readonly chance: Chance;
  readonly world: World;
  readonly watch: Watch;
  readonly scene: Scene;
  readonly sensors: readonly Sensor[];
  readonly custody: CustodyScript;
  /** Enrols one more device; `false` when all are. */
  readonly enrolNext: () => Promise<boolean>;
}

export async function openBorder(
  directory: string,
  seed: number,
  choice: BorderChoice = {},
): Promise<Border> {
  const chance = new Chance(seed);
  const world = new World(START_MS);
  const network = new Network(world, chance);
  const organisation = new Organisation('did:web:sim.example', chance, START_MS);
  const others = ['did:web:carrier.example', 'did:web:terminal.example'].map(
    (did) => new Organisation(did, chance, START_MS),
  );
  const stations: Station[] = [];
  const sensors = new Map<string, Sensor>();
  const watch = new Watch({
    served: (did) => sensors.get(did) ?? { count: 0, isAsked: false },
    nowMs: () => world.nowMs,
    goods: `${organisation.did}/batch/in-custody`,
  });
  const office = new Office({
    ...{ world, chance, directory, key: seededKey(chance) },
    reply(gateway, receipt) {
      watch.receipted(receipt);
      stations.find(({ fingerprint }) => fingerprint === gateway)?.link.send('down', receipt);
    },
    onStored: (entries) => watch.stored(entries),
    onApplied: (applied, view, live) => watch.applied(applied, view, live),
  });
  const files = new Map<string, Uint8Array>();
  const waiting: (() => Promise<void>)[] = [];
  const stationCount = choice.stations ?? (chance.happens(0.3) ? 1 : 2);
  for (const name of ['north', 'south'].slice(0, stationCount)) {
    const key = seededKey(chance);
    const devices = [polledProfile, spokenProfile].map((profile, number): SimDevice => {
      const sensor = new Sensor({
        ...{ name: `${name}-${number + 1}`, profile, chance },
        faults: { silence: chance.fraction() * 0.05, delayMs: 50 },
      });
      const device = { name: sensor.name, key: seededKey(chance), sensor };
      const index = sensors.size;
      sensors.set(device.key.did, sensor);
      waiting.push(async () => {
        const about = { device: device.key.did, gateway: key.did, sensor, index };
        files.set(`${device.name}.jwt`, await organisation.enrolment(about));
      });
      return { ...device, everyMs: choice.everyMs ?? chance.pick([120, 300, 600]) * SECOND };
    });
    const link = network.link();
    const station = new Station({
      ...{ name, world, chance, link, ingester: office.did, key, devices, files, directory },
      organisation: organisation.did,
      ...(choice.isCalm ? calmMachine : roughMachine(chance)),
      ...(choice.heartbeatMs !== undefined && { heartbeatMs: choice.heartbeatMs }),
      onCommit: ({ isPutBack }, change) => watch.committed(name, change, isPutBack),
    });
    link.end('up', (bytes) => office.receive(station.fingerprint, bytes));
    stations.push(station);
  }
  const trust = new TrustScript({
    ...{ world, chance, office, organisation },
    devices: [...sensors.keys()],
    revoked: watch.facts.revoked,
  });
  const holders = [organisation, ...others];
  const scene: Scene = {
    ...{ world, chance, network, office, stations, trust, counts: {} },
    impostor: seededKey(chance),
    restUntilMs: new Map(),
    waiting: () => [...watch.facts.waiting.values()].flatMap((digests) => [...digests]),
  };
  office.powerOn();
  await trust.begin(holders);
  for (const station of stations) await station.powerOn();
  return {
    ...{ chance, world, watch, scene, sensors: [...sensors.values()] },
    custody: new CustodyScript({ world, chance, office, holders, chain: watch.chain }),
    async enrolNext() {
      const next = waiting.shift();
      await next?.();
      return next !== undefined;
    },
  };
}
