/**
 * One simulated border from one seed: stations, a bad network, an ingester, parties, and faults at
 * random instants, dense in bursts. Promises are checked after each step; at the end everything is
 * mended, comes to rest, and is checked as a whole.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chance } from './chance.ts';
import { Watch } from './check-world.ts';
import { World } from './clock.ts';
import { CustodyScript } from './custody-script.ts';
import { seededKey } from './identity.ts';
import { mend, type Scene, strike, supervise } from './misfortunes.ts';
import { Network } from './network.ts';
import { Office } from './office.ts';
import { Organisation } from './organisation.ts';
import { polledProfile, Sensor, spokenProfile } from './sensor.ts';
import { type SimDevice, Station } from './station.ts';
import { TrustScript } from './trust-script.ts';

/** Rises when a seed gives another world than before, so that counts are of one kind of world. */
export const worldVersion = 2;

export interface WorldResult {
  readonly seed: number;
  readonly hours: number;
  /** Sentences about broken promises, the first ones first; empty when all hold. */
  readonly broken: readonly string[];
  /** How often each misfortune struck, and what there was. */
  readonly counts: Readonly<Record<string, number>>;
  /** Digest of every step, what it was about and when: the same seed gives the same. */
  readonly trace: string;
}

const START_MS = Date.parse('2026-11-21T00:00:00.000Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** What a machine that looks whether something is due looks later by, where nothing goes wrong. */
const QUIET_SLACK_MS = 30 * SECOND;
const BURST_SLACK_MS = 750;
/** After the end: so long may what waits take. */
const REST_MS = 6 * HOUR;

/** Runs a world for so many hours of its own time. */
export async function runWorld(seed: number, hours: number): Promise<WorldResult> {
  // SQLite's own files, where there is memory for them: a simulated disk need not be a real one.
  const root = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const directory = mkdtempSync(join(root, 'bondline-sim-'));
  try {
    return await runIn(directory, seed, hours);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runIn(directory: string, seed: number, hours: number): Promise<WorldResult> {
  const border = await openBorder(directory, seed);
  const { chance, custody, sensors, scene, watch, world } = border;
  const endMs = START_MS + hours * HOUR;
  planDay(border, endMs);
  let isBurst = false;
  for (const sensor of sensors.filter(({ profile }) => profile === spokenProfile)) {
    const speak = () => {
      sensor.speak(chance.happens(0.05));
      if (world.nowMs < endMs) world.after(pauseMs(chance, isBurst), speak);
    };
    world.after(pauseMs(chance, true), speak);
  }
  const look = () => {
    const { office, stations } = scene;
    supervise(scene, (sentence) => watch.say(sentence));
    watch.looked({ timers: world.pending, queuedBytes: office.queuedBytes, stations });
  };
  while (world.nowMs < endMs && watch.broken.length === 0) {
    world.slackMs = QUIET_SLACK_MS;
    isBurst = false;
    const quietMs = Math.min(chance.fraction() * 1.5 * HOUR, endMs - world.nowMs);
    for (let leftMs = quietMs; leftMs > 0; leftMs -= MINUTE) {
      await world.run(Math.min(leftMs, MINUTE));
      look();
    }
    world.slackMs = BURST_SLACK_MS;
    isBurst = true;
    const untilMs = Math.min(world.nowMs + chance.between(1, 4) * MINUTE, endMs);
    while (world.nowMs < untilMs) {
      await world.run(chance.fraction() * 10 * SECOND);
      strike(scene);
      look();
    }
  }
  await comeToRest(border, look);
  if (watch.broken.length === 0) watch.ended(scene.office);
  const result = {
    seed,
    hours,
    broken: watch.broken,
    counts: countsOf(border),
    trace: watch.trace,
  };
  for (const station of scene.stations) station.powerCut();
  scene.office.powerCut();
  custody.pending = 0;
  return result;
}

/** Everything there is in a world. */
interface Border {
  readonly chance: Chance;
  readonly world: World;
  readonly watch: Watch;
  readonly scene: Scene;
  readonly sensors: readonly Sensor[];
  readonly custody: CustodyScript;
  /** Enrols one more device; `false` when all are. */
  readonly enrolNext: () => Promise<boolean>;
}

async function openBorder(directory: string, seed: number): Promise<Border> {
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
    served: (did) => sensors.get(did)?.count ?? 0,
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
    onApplied: (applied, view) => watch.applied(applied, view),
  });
  const files = new Map<string, Uint8Array>();
  const waiting: (() => Promise<void>)[] = [];
  for (const name of ['north', 'south'].slice(0, chance.happens(0.3) ? 1 : 2)) {
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
      return { ...device, everyMs: chance.pick([30, 60, 120, 300]) * SECOND };
    });
    const link = network.link();
    const station = new Station({
      ...{ name, world, chance, link, ingester: office.did, key, devices, files, directory },
      organisation: organisation.did,
      skewMs: chance.between(-120_000, 120_000),
      drift: chance.happens(0.3) ? (chance.fraction() - 0.5) * 0.0002 : 0,
      bytesMax: chance.happens(0.3) ? chance.between(200, 800) * 1024 : 64 * 1024 * 1024,
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

/** What happens once or a few times in a day. */
function planDay({ chance, custody, enrolNext, scene, world }: Border, endMs: number): void {
  const dayMs = endMs - world.nowMs;
  // Devices are enrolled one after the other; until then their batches are held.
  const enrol = () => {
    void enrolNext().then((isMore) => {
      if (isMore) world.after(chance.fraction() * 0.05 * dayMs, enrol);
    });
  };
  enrol();
  for (let steps = chance.between(2, 6); steps > 0; steps -= 1) {
    world.after(chance.fraction() * dayMs, () => void custody.passOn());
  }
  if (chance.happens(0.3)) {
    world.after((0.5 + chance.fraction() / 2) * dayMs, () => scene.trust.revokeOne());
  }
}

/** Mends everything, and waits until nothing waits but what is on its way. */
async function comeToRest(border: Border, look: () => void): Promise<void> {
  const { custody, enrolNext, scene, watch, world } = border;
  while (await enrolNext());
  mend(scene);
  const untilMs = world.nowMs + REST_MS;
  const rows = () => scene.stations.reduce((sum, station) => sum + station.waiting().rows, 0);
  // There is always a batch on its way; at rest means that there are no more than those.
  const isAtRest = () => rows() <= scene.stations.length * 4 && custody.pending === 0;
  do {
    await world.run(MINUTE);
    look();
  } while (watch.broken.length === 0 && !isAtRest() && world.nowMs < untilMs);
  if (watch.broken.length > 0) return;
  if (!isAtRest()) watch.say(`${rows()} batches and ${custody.pending} steps still wait`);
  scene.office.settle();
}

/** Until a sensor speaks again. */
function pauseMs(chance: Chance, isBurst: boolean): number {
  return chance.fraction() * (isBurst ? 2 * SECOND : 20 * MINUTE);
}

function countsOf({ scene, sensors, watch }: Border): Record<string, number> {
  const { counts, network } = scene;
  return {
    ...counts,
    steps: watch.steps,
    entries: watch.facts.journal.length,
    batches: watch.facts.signed.size,
    served: sensors.reduce((sum, { count }) => sum + count, 0),
    ...network.counts,
  };
}
