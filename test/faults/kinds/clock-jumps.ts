/**
 * Clocks that jump: a second to a day either way, back to 1970, a leap second, a hundred times the
 * drift that a clock without discipline has, and a clock that runs a hundred times too fast. No
 * clock orders anything, no timer comes sooner or later, and each step is signed.
 */
import { type Border, openBorder } from '../../sim/border.ts';
import type { Chance } from '../../sim/chance.ts';
import { close, comeToRest, inMemory, lookAt } from '../../sim/run-world.ts';
import { polledProfile } from '../../sim/sensor.ts';
import type { Station } from '../../sim/station.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
/** Between two jumps, and between two reads: timers are counted in between. */
const PAUSE_MS = 60 * SECOND;
const EVERY_MS = 5 * SECOND;
const HEARTBEAT_MS = 20 * SECOND;
/** A clock that nobody disciplines drifts by 15 parts in a million (RFC 5905, PHI). */
const DRIFT = 15e-6;
/** Jumps of one world; then everything comes to rest and is looked at as a whole. */
const JUMPS_OF_WORLD = 25;

export const clockJumps: Fault = {
  name: 'clock-jumps',
  summary: 'wall clocks jump, go back to 1970, leap and drift; order and timers hold',
  unit: 'jumps',
  counts: { short: 6, long: 1_000, shard: 100 },
  run,
};

async function run({ count, say, seed }: Shard): Promise<Tally> {
  const sums = { lost: 0, doubled: 0, wrong: 0 };
  const notes: string[] = [];
  for (let done = 0; done < count; done += JUMPS_OF_WORLD) {
    const jumps = Math.min(JUMPS_OF_WORLD, count - done);
    const found = await inMemory((directory) => jumpAbout(directory, seed * 1_000 + done, jumps));
    sums.lost += found.lost;
    sums.doubled += found.doubled;
    sums.wrong += found.wrong;
    notes.push(...found.notes);
    say(`${done + jumps} of ${count} jumps`);
  }
  return { count, ...sums, notes };
}

type Jump = (station: Station, chance: Chance) => 'step' | 'drift';

/** How a wall clock goes wrong; a step is a jump that the gateway must see and sign. */
const JUMPS: Readonly<Record<string, Jump>> = {
  'ahead or back': (station, chance) => {
    // From a second to a day, as many short ones as long ones.
    const size = Math.round(SECOND * (DAY / SECOND) ** chance.fraction());
    return step(station, chance.happens(0.5) ? size : -size);
  },
  'to 1970': (station) => step(station, -(station.clock?.nowMs() ?? 0) + SECOND),
  'a leap second': (station) => step(station, -SECOND),
  'set right': (station) => step(station, -(station.clock?.skewMs ?? 0)),
  'a hundred times the drift': (station, chance) =>
    drift(station, (chance.happens(0.5) ? 100 : -100) * DRIFT),
  'a hundred times as fast': (station) => drift(station, 99),
};

async function jumpAbout(directory: string, seed: number, jumps: number) {
  const border = await openBorder(directory, seed, {
    ...{ stations: 1, everyMs: EVERY_MS, heartbeatMs: HEARTBEAT_MS, isCalm: true },
  });
  const { chance, scene, watch, world } = border;
  const [station] = scene.stations;
  if (!station) throw new Error('a border has a station');
  while (await border.enrolNext());
  await world.run(PAUSE_MS);
  for (let jump = 0; jump < jumps; jump += 1) {
    const [name, act] = chance.pick(Object.entries(JUMPS));
    const before = countsOf(border);
    const what = act(station, chance);
    // The ingester's own clock is a minute wrong at times; its ticks must come all the same.
    if (chance.happens(0.3)) scene.office.stepClock(chance.between(-60, 60) * SECOND);
    await world.run(PAUSE_MS);
    lookAt(border);
    for (const said of timersOf(before, countsOf(border))) watch.say(`after ${name}: ${said}`);
    if (what === 'step' && signedSteps(border, before) === 0) {
      watch.say(`after ${name}: no batch says that the clock was stepped`);
    }
    drift(station, 0);
  }
  step(station, -(station.clock?.skewMs ?? 0));
  await comeToRest(border);
  if (watch.broken.length === 0) watch.ended(scene.office);
  close(border);
  return { ...watch.sums, notes: watch.broken };
}

function step(station: Station, byMs: number): 'step' | 'drift' {
  station.stepClock(Math.round(byMs));
  return Math.abs(byMs) > 100 ? 'step' : 'drift';
}

function drift(station: Station, rate: number): 'drift' {
  station.clock?.driftBy(rate);
  return 'drift';
}

/** What timers have brought about so far. */
interface Counts {
  /** Reads of the sensor that is asked, batches signed, and ticks of the ingester. */
  readonly reads: number;
  readonly batches: number;
  readonly ticks: number;
}

function countsOf({ sensors, watch }: Border): Counts {
  const polled = sensors.find(({ profile }) => profile === polledProfile);
  const points = Object.keys(polledProfile.points).length;
  return {
    reads: (polled?.count ?? 0) / points,
    batches: watch.facts.signed.size,
    ticks: watch.facts.journal.filter(({ kind }) => kind === 'tick').length,
  };
}

/** Timers count true time: as many reads, heartbeats and ticks as ever, whatever the clock says. */
function timersOf(before: Counts, after: Counts): string[] {
  const broken: string[] = [];
  const expect = (name: keyof Counts, least: number, most: number) => {
    const count = after[name] - before[name];
    if (count < least || count > most) broken.push(`${count} ${name}, not ${least} to ${most}`);
  };
  const reads = PAUSE_MS / EVERY_MS;
  // A sensor does not answer at times; a batch each read, and a heartbeat of the one that is
  // silent.
  expect('reads', reads - 4, reads + 1);
  expect('batches', reads / 2, reads + PAUSE_MS / HEARTBEAT_MS + 3);
  expect('ticks', 5, 7);
  return broken;
}

/** Steps that batches signed since then say. */
function signedSteps({ watch }: Border, before: Counts): number {
  const batches = [...watch.facts.signed.values()].slice(before.batches);
  return batches.reduce((sum, { steps }) => sum + steps, 0);
}
