/**
 * Thousands of connections at once that are slow, half open, too large, reset or cut off, at every
 * port of an ingester. A healthy gateway hardly notices; memory stays bounded; nothing stays open.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { limits } from '../../../devices/limits.ts';
import { median } from '../../bench/figure.ts';
import { Chance } from '../../sim/chance.ts';
import { eventually } from '../../support/eventually.ts';
import type { Fault, Shard, Tally } from '../fault.ts';
import { judgeEntries, readJournal } from '../judge-journal.ts';
import { judgeFleet, makeLightGateways } from '../net/light-fleet.ts';
import type { LightGateway } from '../net/light-gateway.ts';
import { type LoneIngester, startLoneIngester } from '../net/lone-ingester.ts';
import { descriptorsMax, openDescriptors, residentMiB } from '../net/process-memory.ts';
import { type RudeOrder, type RudeReport, SILENT_MQTT } from '../net/rude-manners.ts';

/** Connections at once; further ones come in the next round. */
const AT_ONCE = 2_000;
/** A healthy batch each so often. */
const EVERY_MS = 10;
/** So many come and go before, for so long: what code costs the first time is not their doing. */
const FIRST = 50;
const FIRST_MS = 1_000;
/**
 * So long among them, and as long without them, half before and half after: a disk that halts now
 * and then does so in either.
 */
const RUDE_MS = 6_000;
/** What opening one takes, besides. */
const OPEN_MS = 2.5;
/** What must come about by itself does so within this long. */
const SOON_MS = 5_000;
/** The slowest of a hundred may wait so many times as long: the median of all rounds. */
const RATIO_MAX = 2;
/** Where there are fewer rounds and the bound is not kept, others follow. */
const ROUNDS = 3;
/** What a connection may take beside packets that are not whole, KiB. */
const CONNECTION_KIB = 64;

const workerFile = new URL('../net/rude-worker.ts', import.meta.url);

export const connections: Fault = {
  name: 'connections',
  summary: 'slow, half-open, oversized, reset and truncated connections at every port',
  unit: 'connections',
  counts: { short: 200, long: 24_000, shard: 6_000 },
  alone: true,
  obstacle() {
    const enough = 2 * AT_ONCE + 500;
    if (descriptorsMax() >= enough) return undefined;
    return `a process may open ${descriptorsMax()} descriptors, not ${enough}`;
  },
  run,
};

async function run({ count, directory, say, seed }: Shard): Promise<Tally> {
  const ingester = await startLoneIngester(join(directory, 'ingester'), {
    sources: ['{ source: https, connection: { host: 127.0.0.1, port: 0 } }'],
    lines: ['uplink: { names: [127.0.0.1] }'],
  });
  const [gateway] = await makeLightGateways({
    ...{ count: 1, random: new Chance(seed), ingestConfig: ingester.config },
    folder: join(directory, 'light'),
  });
  if (!gateway) throw new Error('there is no gateway');
  try {
    await gateway.open(ingester.mqtt, ingester.did);
    await eventually(() => gateway.isUp, 'a connection');
    const seen: Seen = { notes: [], ratios: [], figures: {} };
    const first = startRude(ingester, FIRST);
    await measure(gateway, FIRST_MS);
    await first.stop();
    const isInDoubt = () => seen.ratios.length < ROUNDS && !(median(seen.ratios) <= RATIO_MAX);
    for (let left = count; left > 0 || isInDoubt(); left -= AT_ONCE) {
      const rude = Math.min(left > 0 ? left : count, AT_ONCE);
      const forMs = RUDE_MS + rude * OPEN_MS;
      const before = await measure(gateway, forMs / 2);
      const amid = await beset(ingester, { gateway, count: rude, forMs, seen });
      const after = await measure(gateway, forMs / 2);
      compare(amid, [...before, ...after], seen);
      say(`${rude} connections`);
    }
    return await judge(ingester, { gateway, count, seen });
  } finally {
    await gateway.close();
    await ingester.command.kill();
  }
}

interface Seen {
  readonly notes: string[];
  /** The p99 of receipts among them, by that without them, of each round. */
  readonly ratios: number[];
  readonly figures: Record<string, number>;
}

/** Opens `count` connections, in a thread of its own, and others for those that end. */
function startRude(
  { http, mqtt, uplinks }: LoneIngester,
  count: number,
): { report(): RudeReport; reset(): void; stop(): Promise<unknown> } {
  const portOf = (url: string | undefined) => Number(new URL(url ?? '').port);
  const https = uplinks.find((url) => url.startsWith('https:'));
  const ports = { mqtt: portOf(mqtt), https: portOf(https), console: portOf(http) };
  const order: RudeOrder = { count, ports };
  const worker = new Worker(workerFile, { workerData: order });
  let report: RudeReport = { opened: 0, open: 0, atOnce: 0, endedByOther: {} };
  worker.on('message', (message) => {
    report = message as RudeReport;
  });
  const reset = () => worker.postMessage('stop');
  return { report: () => report, reset, stop: () => worker.terminate() };
}

interface Round {
  readonly gateway: LightGateway;
  /** Connections, and for how long. */
  readonly count: number;
  readonly forMs: number;
  readonly seen: Seen;
}

/**
 * One round: opens them, measures meanwhile, and looks at what is left when they are gone. Resolves
 * with how long receipts took, milliseconds.
 */
async function beset(
  ingester: LoneIngester,
  { count, forMs, gateway, seen }: Round,
): Promise<number[]> {
  const { pid } = ingester.command;
  const { figures, notes } = seen;
  const before = { memory: residentMiB(pid).now, descriptors: openDescriptors(pid) };
  const rude = startRude(ingester, count);
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, residentMiB(pid).now);
  }, 100);
  const tookMs = await measure(gateway, forMs);
  const isEnded = () => (rude.report().endedByOther[SILENT_MQTT] ?? 0) > 0;
  const soon = (look: () => boolean, what: string) =>
    eventually(look, what, SOON_MS).catch((error: Error) => notes.push(error.message));
  await soon(isEnded, 'the end of connections that never say what they are');
  await soon(() => rude.report().atOnce >= count, `${count} connections at once`);
  clearInterval(watch);
  const { atOnce, endedByOther, opened } = rude.report();
  rude.reset();
  await soon(() => openDescriptors(pid) <= before.descriptors, 'descriptors given back');
  await rude.stop();
  const growth = Math.round(most - before.memory);
  const bound = limits.unfinishedBytesMax / 2 ** 20 + (count * CONNECTION_KIB) / 1024;
  if (growth > bound) notes.push(`${growth} MiB more were resident, at most ${bound} may be`);
  noteMost(figures, {
    ...{ opened, atOnce },
    endedByIngester: Object.values(endedByOther).reduce((a, b) => a + b, 0),
    growthMiB: growth,
    leftMiB: Math.round(residentMiB(pid).now - before.memory),
    descriptorsLeft: openDescriptors(pid) - before.descriptors,
  });
  return tookMs;
}

/** Keeps the greatest of each figure over all rounds. */
function noteMost(figures: Seen['figures'], found: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(found)) {
    figures[name] = Math.max(value, figures[name] ?? value);
  }
}

function compare(
  amid: readonly number[],
  quiet: readonly number[],
  { figures, ratios }: Seen,
): void {
  const [p99Ms, quietP99Ms] = [p99Of(amid), p99Of(quiet)];
  ratios.push(p99Ms / quietP99Ms);
  noteMost(figures, { p99Ms: Math.round(p99Ms), quietP99Ms: Math.round(quietP99Ms) });
}

/** Sends batches at their pace, whatever becomes of them; resolves with how long receipts took. */
async function measure(gateway: LightGateway, forMs: number): Promise<number[]> {
  const made: Promise<number>[] = [];
  const beganMs = performance.now();
  for (let nowMs = 0; nowMs < forMs; nowMs = performance.now() - beganMs) {
    if (made.length * EVERY_MS <= nowMs) made.push(gateway.make(1));
    else await sleep(1);
  }
  return Promise.all(made);
}

async function judge(
  ingester: LoneIngester,
  { count, gateway, seen }: { gateway: LightGateway; count: number; seen: Seen },
): Promise<Tally> {
  const { notes, ratios } = seen;
  const ratio = median(ratios);
  if (!(ratio <= RATIO_MAX)) {
    const all = ratios.map((one) => one.toFixed(2)).join(', ');
    notes.push(`p99 was ${ratio.toFixed(2)} times as long among them; round by round ${all}`);
  }
  const ended = await ingester.command.stop();
  if (ended !== 0) notes.push(`the ingester ended with ${ended}: ${ingester.command.said}`);
  const entries = readJournal(ingester.journalFile);
  const fleet = judgeFleet([gateway], new Set(entries.map(({ header }) => header.digest)));
  const found = judgeEntries(entries);
  notes.push(...fleet.wrong, ...fleet.lost, ...(found.notes ?? []));
  const wrong = notes.length - fleet.lost.length - found.lost - found.doubled;
  const figures = { p99Ratio: Number(ratio.toFixed(2)), ...seen.figures };
  const lost = fleet.lost.length + found.lost;
  return { count, lost, doubled: found.doubled, wrong, notes, figures };
}

function p99Of(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
}
