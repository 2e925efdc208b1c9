/** What goes wrong in a simulated world: each is a function of chance, and is mended by `mend`. */
import { signToken } from '../../devices/credential/jws.ts';
import { composeReceipt } from '../../devices/credential/receipt-wire.ts';
import type { Chance } from './chance.ts';
import type { World } from './clock.ts';
import type { Moment } from './disk.ts';
import { type SeededKey, seededSigner } from './identity.ts';
import type { Network } from './network.ts';
import type { Office } from './office.ts';
import type { Station } from './station.ts';
import type { TrustScript } from './trust-script.ts';

/** What misfortunes strike. */
export interface Scene {
  readonly world: World;
  readonly chance: Chance;
  readonly network: Network;
  readonly office: Office;
  readonly stations: readonly Station[];
  readonly trust: TrustScript;
  /** Somebody who would like to be the ingester. */
  readonly impostor: SeededKey;
  /** Digests of batches that wait somewhere. */
  readonly waiting: () => readonly string[];
  /** Machines that stay off until then, by the true time. */
  readonly restUntilMs: Map<Station | Office, number>;
  /** How often each struck. */
  readonly counts: Record<string, number>;
}

type Misfortune = (scene: Scene) => void;

const MOMENTS: readonly Moment[] = ['before', 'torn', 'after'];
const MINUTE = 60_000;

const misfortunes: Readonly<Record<string, Misfortune>> = {
  stationCut(scene) {
    const { chance, stations } = scene;
    const station = chance.pick(stations);
    station.powerCut();
    // Most are back soon; some take an hour.
    rest(scene, station, chance.happens(0.1) ? 60 * MINUTE : 20_000);
  },

  stationCutAtCommit({ chance, stations }) {
    chance.pick(stations).disk.plan(chance.between(1, 8), chance.pick(MOMENTS));
  },

  officeCut(scene) {
    scene.office.powerCut();
    rest(scene, scene.office, 15_000);
  },

  journalCut({ chance, office }) {
    office.journalDisk.plan(chance.between(1, 8), chance.pick(MOMENTS));
  },

  twinsCut({ chance, office }) {
    office.twinsDisk.plan(chance.between(1, 8), chance.pick(MOMENTS));
  },

  twinsPutBack({ chance, office, world }) {
    const image = office.twinsDisk.snapshot();
    if (image === undefined) return;
    world.after(chance.fraction() * 10 * MINUTE, () => {
      office.powerCut();
      office.twinsDisk.restore(image);
    });
  },

  /** Links are cut one after the other in one order, and mended in another. */
  swizzle({ chance, stations, world }) {
    const links = stations.flatMap(({ link }) => [
      { link, direction: 'up' as const },
      { link, direction: 'down' as const },
    ]);
    for (const { direction, link } of links) {
      if (chance.happens(0.3)) continue;
      const cutMs = chance.fraction() * 30_000;
      world.after(cutMs, () => link.set(direction, false));
      const mendMs = chance.fraction() * (chance.happens(0.05) ? 60 * MINUTE : MINUTE);
      world.after(cutMs + mendMs, () => link.set(direction, true));
    }
  },

  storm({ chance, network, world }) {
    network.fare({
      loss: chance.fraction() * 0.4,
      repeat: chance.fraction() * 0.4,
      forge: chance.happens(0.5) ? chance.fraction() * 0.1 : 0,
      delayMs: chance.happens(0.2) ? 30_000 : chance.between(1, 2_000),
    });
    world.after(chance.fraction() * 2 * MINUTE, () => network.fare());
  },

  replay({ chance, stations }) {
    for (let times = chance.between(1, 10); times > 0; times -= 1) {
      chance.pick(stations).link.replay('up');
      // A genuine receipt for somebody else, too.
      chance.pick(stations).link.replay('down', chance.pick(stations).link);
    }
  },

  forgedReceipt(scene) {
    const { chance, impostor, office, stations } = scene;
    const station = chance.pick(stations);
    const results = scene
      .waiting()
      .slice(0, 100)
      .map((digest, position) => ({ digest, outcome: 'accepted' as const, position }));
    if (results.length === 0) return;
    const { fingerprint: gateway, link } = station;
    const issuer = chance.happens(0.5) ? office.did : impostor.did;
    const payload = composeReceipt({ issuer, gateway, issuedMs: scene.world.nowMs, results });
    const signer = seededSigner(impostor);
    void signToken({ payload, signer, typ: 'bondline-receipt+jwt' }).then((receipt) =>
      link.inject('down', receipt),
    );
  },

  stationClock({ chance, stations }) {
    chance.pick(stations).stepClock(chance.between(-60_000, 60_000));
  },

  stationDrift({ chance, stations }) {
    // 1,500 parts in a million: a hundred times what a clock without discipline does.
    chance.pick(stations).clock?.driftBy((chance.fraction() - 0.5) * 0.003);
  },

  officeClock({ chance, office }) {
    office.stepClock(chance.between(-30_000, 30_000));
  },

  stationDiskFull({ chance, stations, world }) {
    const { disk } = chance.pick(stations);
    disk.fill(true);
    world.after(chance.fraction() * 2 * MINUTE, () => disk.fill(false));
  },

  journalDiskFull({ chance, office, world }) {
    const { journalDisk } = office;
    journalDisk.fill(true);
    world.after(chance.fraction() * MINUTE, () => journalDisk.fill(false));
  },

  /** A disk is put back to what it was a while ago. */
  rollback({ chance, stations, world }) {
    const station = chance.pick(stations);
    const image = station.disk.snapshot();
    if (image === undefined) return;
    world.after(chance.fraction() * 10 * MINUTE, () => {
      station.putBack(image);
    });
  },

  slowKey({ chance, stations, world }) {
    const { health } = chance.pick(stations);
    health.delayMs = chance.between(10, 3_000);
    world.after(chance.fraction() * 2 * MINUTE, () => {
      health.delayMs = 0;
    });
  },

  lostKey({ chance, stations, world }) {
    const { health } = chance.pick(stations);
    health.isGone = true;
    world.after(chance.fraction() * 2 * MINUTE, () => {
      health.isGone = false;
    });
  },

  suspension({ chance, trust, world }) {
    const index = trust.suspendOne();
    if (index !== undefined) world.after(chance.fraction() * 10 * MINUTE, () => trust.end(index));
  },
};

/** Those that change what the rest of the day is like come seldom. */
const SELDOM: Readonly<Record<string, number>> = {
  rollback: 0.15,
  twinsPutBack: 0.15,
  journalDiskFull: 0.3,
  officeCut: 0.5,
  suspension: 0.4,
};

/** One of them strikes. */
export function strike(scene: Scene): void {
  const { chance, counts } = scene;
  const [name, misfortune] = chance.pick(Object.entries(misfortunes));
  if (!chance.happens(SELDOM[name] ?? 1)) return;
  counts[name] = (counts[name] ?? 0) + 1;
  misfortune(scene);
}

/** What stopped by itself, or has its power back, is started again, as a supervisor does. */
export function supervise(scene: Scene, say: (sentence: string) => void): void {
  const { office, restUntilMs, stations, world } = scene;
  for (const machine of [office, ...stations]) {
    const { failure } = machine;
    if (failure !== undefined) {
      // A store that cannot write ends its program, which loses nothing.
      if (!isDiskFull(failure)) say(`a part failed: ${text(failure)}`);
      machine.powerCut();
    }
    if ((restUntilMs.get(machine) ?? 0) <= world.nowMs) turnOn(machine);
  }
}

function rest({ chance, restUntilMs, world }: Scene, machine: Station | Office, mostMs: number) {
  restUntilMs.set(machine, world.nowMs + chance.fraction() * mostMs);
}

/** Everything is mended: machines run, links carry, disks have room, keys sign. */
export function mend({ network, office, restUntilMs, stations, trust }: Scene): void {
  restUntilMs.clear();
  network.fare();
  office.journalDisk.fill(false);
  turnOn(office);
  trust.endAll();
  for (const station of stations) {
    station.disk.fill(false);
    station.health.delayMs = 0;
    station.health.isGone = false;
    station.link.set('up', true);
    station.link.set('down', true);
    turnOn(station);
  }
}

function turnOn(machine: Station | Office): void {
  if (!machine.isOn) void machine.powerOn();
}

function isDiskFull(failure: unknown): boolean {
  for (let error = failure; error instanceof Error; error = error.cause) {
    if (String((error as { code?: unknown }).code).startsWith('SQLITE_FULL')) return true;
  }
  return false;
}

function text(failure: unknown): string {
  return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
}
