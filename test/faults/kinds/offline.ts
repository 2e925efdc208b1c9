/**
 * A gateway without an uplink for three days or for thirty, on a simulated clock; then the line
 * comes back at 256 kbit/s and the backlog drains while a device goes on to speak each second.
 * Nothing is lost, each lane keeps its order, and what is fresh is in the journal within five
 * seconds.
 */
import { type Border, openBorder } from '../../sim/border.ts';
import { close, comeToRest, inMemory, lookAt } from '../../sim/run-world.ts';
import { spokenProfile } from '../../sim/sensor.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** 256 kbit/s. */
const BYTES_PER_MS = 32;
/** What the issue promises of fresh data while a backlog drains. */
const FRESH_MS = 5 * SECOND;
/** The first receipts, and so what is known of the line, come within this. */
const FIRST_MS = 5 * SECOND;
/** Three days with a reading each two minutes, and thirty with one each twenty. */
const OUTAGES = [
  { hours: 72, everyMs: 2 * MINUTE },
  { hours: 720, everyMs: 20 * MINUTE },
] as const;
/** The one of the short form. */
const SHORT = { hours: 72, everyMs: 10 * MINUTE } as const;

type Outage = (typeof OUTAGES)[number] | typeof SHORT;

export const offline: Fault = {
  name: 'offline',
  summary: '72 hours and 30 days without an uplink on a simulated clock, then the backlog drains',
  unit: 'outages',
  counts: { short: 1, long: 20, shard: 4 },
  run,
};

async function run({ count, say, seed }: Shard): Promise<Tally> {
  const sums = { lost: 0, doubled: 0, wrong: 0 };
  const notes: string[] = [];
  const figures = { backlog: 0, drainS: 0, freshMaxMs: 0 };
  for (let at = 0; at < count; at += 1) {
    const outage = count === 1 ? SHORT : (OUTAGES[at % OUTAGES.length] ?? OUTAGES[0]);
    const found = await inMemory((directory) => goOffline(directory, seed * 1_000 + at, outage));
    sums.lost += found.lost;
    sums.doubled += found.doubled;
    sums.wrong += found.wrong;
    notes.push(...found.notes);
    for (const name of ['backlog', 'drainS', 'freshMaxMs'] as const) {
      figures[name] = Math.max(figures[name], found[name]);
    }
    say(`${outage.hours} h: ${found.backlog} batches drained in ${found.drainS} s`);
  }
  return { count, ...sums, notes, figures };
}

async function goOffline(directory: string, seed: number, { everyMs, hours }: Outage) {
  /** When each value was spoken, by its number. */
  const spoken = new Map<number, number>();
  const border = await openBorder(directory, seed, {
    ...{ stations: 1, everyMs, heartbeatMs: 6 * HOUR, isCalm: true },
  });
  const { scene, sensors, watch, world } = border;
  // One TCP connection: nothing overtakes on the way, so that order is the gateway's doing.
  scene.network.fare({ loss: 0, repeat: 0, forge: 0, delayMs: 0 });
  const [station] = scene.stations;
  const speaker = sensors.find(({ profile }) => profile === spokenProfile);
  if (!station || !speaker) throw new Error('a border has a station and a sensor that speaks');
  const did = station.devices.find(({ sensor }) => sensor === speaker)?.key.did ?? '';
  while (await border.enrolNext());
  await world.run(MINUTE);

  station.link.set('up', false);
  station.link.set('down', false);
  world.slackMs = everyMs / 2;
  for (let hour = 0; hour < hours; hour += 1) {
    speaker.speak(false);
    await world.run(HOUR);
    lookAt(border);
  }
  const backlog = station.waiting().rows;

  world.slackMs = 0;
  station.link.speed(BYTES_PER_MS);
  station.link.set('up', true);
  station.link.set('down', true);
  const drainsSinceMs = world.nowMs;
  while (station.waiting().rows > 4 && world.nowMs < drainsSinceMs + 6 * HOUR) {
    speaker.speak(false);
    if (world.nowMs >= drainsSinceMs + FIRST_MS) spoken.set(speaker.count, world.nowMs);
    await world.run(SECOND);
    if ((world.nowMs - drainsSinceMs) % MINUTE === 0) lookAt(border);
  }
  const drainS = Math.round((world.nowMs - drainsSinceMs) / SECOND);
  await comeToRest(border);
  if (watch.broken.length === 0) watch.ended(scene.office);
  const freshMaxMs = slowestOf(border, did, spoken);
  for (const sentence of outOfOrder(border, drainsSinceMs)) watch.say(sentence);
  if (freshMaxMs > FRESH_MS) {
    watch.say(`what was fresh took ${freshMaxMs} ms to the journal while the backlog drained`);
  }
  close(border);
  return { ...watch.sums, notes: watch.broken, backlog, drainS, freshMaxMs };
}

/** The longest that one of these values took to the journal. The ingester's clock is right here. */
function slowestOf({ watch }: Border, did: string, spoken: ReadonlyMap<number, number>): number {
  const { journal, signed } = watch.facts;
  let slowestMs = 0;
  for (const { digest, receivedMs } of journal) {
    const batch = signed.get(digest);
    if (batch?.device !== did) continue;
    for (const { value } of batch.values) {
      slowestMs = Math.max(slowestMs, receivedMs - (spoken.get(value) ?? receivedMs));
    }
  }
  return Math.round(slowestMs);
}

/**
 * Of each device, what was kept during the outage arrives in order, and so does what came later.
 */
function outOfOrder({ watch }: Border, drainsSinceMs: number): string[] {
  const { journal, signed } = watch.facts;
  const last = new Map<string, number>();
  const broken: string[] = [];
  for (const { digest, kind } of journal) {
    const batch = kind === 'batch' ? signed.get(digest) : undefined;
    if (batch === undefined) continue;
    const lane = `${batch.device} ${batch.closedMs < drainsSinceMs ? 'backlog' : 'live'}`;
    const before = last.get(lane) ?? 0;
    if (batch.sequence < before) {
      broken.push(`sequence ${batch.sequence} came after ${before} in one lane`);
    }
    last.set(lane, batch.sequence);
  }
  return broken;
}
