/**
 * One simulated border from one seed: stations, a bad network, an ingester, parties, and faults at
 * random instants, dense in bursts. Promises are checked after each step; at the end everything is
 * mended, comes to rest, and is checked as a whole.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Border, openBorder, START_MS } from './border.ts';
import type { Chance } from './chance.ts';
import type { Sums } from './check-world.ts';
import { mend, strike, supervise } from './misfortunes.ts';
import { spokenProfile } from './sensor.ts';

/** Rises when a seed gives another world than before, so that counts are of one kind of world. */
export const worldVersion = 4;

export interface WorldResult {
  readonly seed: number;
  readonly hours: number;
  /** Sentences about broken promises, the first ones first; empty when all hold. */
  readonly broken: readonly string[];
  /** How many of them say that something is lost, doubled, or otherwise wrong. */
  readonly sums: Sums;
  /** How often each misfortune struck, and what there was. */
  readonly counts: Readonly<Record<string, number>>;
  /** Digest of every step, what it was about and when: the same seed gives the same. */
  readonly trace: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** What a machine that looks whether something is due looks later by, where nothing goes wrong. */
const QUIET_SLACK_MS = 30 * SECOND;
const BURST_SLACK_MS = 750;
/** After the end: so long may what waits take. */
const REST_MS = 6 * HOUR;

/** Runs a world for so many hours of its own time. */
export function runWorld(seed: number, hours: number): Promise<WorldResult> {
  return inMemory((directory) => runIn(directory, seed, hours));
}

/** A folder for simulated disks: in memory where there is some, since they need not be real. */
export async function inMemory<T>(action: (directory: string) => Promise<T>): Promise<T> {
  const root = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const directory = mkdtempSync(join(root, 'bondline-sim-'));
  try {
    return await action(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runIn(directory: string, seed: number, hours: number): Promise<WorldResult> {
  const border = await openBorder(directory, seed);
  const { chance, sensors, scene, watch, world } = border;
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
  const look = () => lookAt(border);
  while (world.nowMs < endMs && watch.broken.length === 0) {
    world.slackMs = QUIET_SLACK_MS;
    isBurst = false;
    // A short world has its share of everything, too.
    const quietMs = Math.min(
      chance.fraction() * Math.min(2.5, hours / 8) * HOUR,
      endMs - world.nowMs,
    );
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
  await comeToRest(border);
  if (watch.broken.length === 0) watch.ended(scene.office);
  const result = {
    seed,
    hours,
    broken: watch.broken,
    sums: watch.sums,
    counts: countsOf(border),
    trace: watch.trace,
  };
  close(border);
  return result;
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

/** Starts again what stopped, and looks at what is too dear to be looked at after each step. */
export function lookAt({ scene, watch, world }: Border): void {
  const { office, stations } = scene;
  supervise(scene, (sentence) => watch.say(sentence));
  watch.looked({ timers: world.pending, queuedBytes: office.queuedBytes, stations });
}

/** Mends everything, and waits until nothing waits but what is on its way. */
export async function comeToRest(border: Border): Promise<void> {
  const { custody, enrolNext, scene, watch, world } = border;
  while (await enrolNext());
  mend(scene);
  const untilMs = world.nowMs + REST_MS;
  // What a clock dated ahead is held until then, and keeps nothing else waiting.
  const rows = () =>
    scene.stations.reduce((sum, station) => sum + station.waiting(world.nowMs).rows, 0);
  // There is always a batch on its way; at rest means that there are no more than those.
  const isAtRest = () => rows() <= scene.stations.length * 4 && custody.pending === 0;
  do {
    await world.run(MINUTE);
    lookAt(border);
  } while (watch.broken.length === 0 && !isAtRest() && world.nowMs < untilMs);
  if (watch.broken.length > 0) return;
  if (!isAtRest()) watch.say(`${rows()} batches and ${custody.pending} steps still wait`);
  scene.office.settle();
}

/** Everything off: nothing is kept. */
export function close({ scene }: Border): void {
  for (const station of scene.stations) station.powerCut();
  scene.office.powerCut();
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
    ...watch.counts,
    entries: watch.facts.journal.length,
    batches: watch.facts.signed.size,
    served: sensors.reduce((sum, { count }) => sum + count, 0),
    ...network.counts,
  };
}
