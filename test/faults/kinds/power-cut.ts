/**
 * The power is cut under load: the file system below a gateway's or an ingester's data directory
 * is shut down, mounted again, and the program started anew. With `synchronous=NORMAL` planted the
 * same must lose data, or else the cuts prove nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Chance } from '../../sim/chance.ts';
import type { RunningCommand } from '../../support/commands.ts';
import { type Ext4Disk, ext4Obstacle, openExt4Disk } from '../disk/ext4-disk.ts';
import { openWireTap, type WireTap } from '../disk/wire-tap.ts';
import { addTallies, type Fault, type Shard, type Tally } from '../fault.ts';
import { judgeJournal, readJournal } from '../judge-journal.ts';
import { PLANT_VARIABLE } from '../plant-names.ts';
import { type Rig, startRig } from '../rig.ts';

/** A process works for at most this long before its power is cut, milliseconds. */
const LIFE_MS = 300;
/** One that is left alive must notice within this time that its disk is gone. */
const NOTICE_MS = 5_000;

type Side = 'gateway' | 'ingester';

const counts = { short: 3, long: 300, shard: 50 };
const unit = 'cuts';

export const powerCutGateway: Fault = {
  name: 'power-cut-gateway',
  summary: 'the power of the gateway’s disk is cut under load, and it is mounted again',
  ...{ unit, counts, obstacle: ext4Obstacle },
  run: (shard) => cutPower(shard, 'gateway'),
};

export const powerCutIngester: Fault = {
  name: 'power-cut-ingester',
  summary: 'the power of the ingester’s disk is cut under load, and it is mounted again',
  ...{ unit, counts, obstacle: ext4Obstacle },
  run: (shard) => cutPower(shard, 'ingester'),
};

export const unsyncedGateway: Fault = {
  name: 'power-cut-gateway-unsynced',
  summary: 'the same with synchronous=NORMAL, which must lose data',
  control: true,
  ...{ unit, counts, obstacle: ext4Obstacle },
  run: (shard) => withPlant('sync-normal', () => cutPower(shard, 'gateway')),
};

export const unsyncedIngester: Fault = {
  name: 'power-cut-ingester-unsynced',
  summary: 'the same with synchronous=NORMAL, which must lose data',
  control: true,
  ...{ unit, counts, obstacle: ext4Obstacle },
  run: (shard) => withPlant('sync-normal', () => cutPower(shard, 'ingester')),
};

async function cutPower(shard: Shard, side: Side): Promise<Tally> {
  const { directory } = shard;
  const place = join(directory, 'site');
  const data = join(place, side === 'gateway' ? 'gateway-data' : 'ingest-data');
  const disk = openExt4Disk(data, join(directory, 'disk'));
  try {
    const rig = await startRig(place);
    const tap = await openWireTap(rig.site.mqtt);
    try {
      const { gatewayConfig } = rig.site;
      const text = readFileSync(gatewayConfig, 'utf8');
      writeFileSync(gatewayConfig, text.replace(rig.site.mqtt, tap.url));
      const cutting = side === 'gateway' ? cutGateway : cutIngester;
      const { running, notes } = await cutting(shard, { rig, tap, disk });
      return { ...(await judge(rig, { tap, running, notes })), count: shard.count };
    } finally {
      await rig.close();
      await tap.close();
    }
  } finally {
    disk.close();
  }
}

interface Parts {
  readonly rig: Rig;
  readonly tap: WireTap;
  readonly disk: Ext4Disk;
}

/** What runs at the end, and what was wrong until then. */
interface Cut {
  readonly running: { readonly gateway: RunningCommand; readonly ingester: RunningCommand };
  readonly notes: readonly string[];
}

/** Half of the time nothing reaches the ingester, so that the outbox alone has what was signed. */
async function cutGateway({ count, say, seed }: Shard, parts: Parts): Promise<Cut> {
  const { disk, rig, tap } = parts;
  const chance = new Chance(seed);
  const notes: string[] = [];
  const start = () =>
    rig.site.start('gateway', [
      ...['run', rig.site.gatewayConfig, '--json', '--attached', '--drain', '20'],
    ]);
  let gateway = start();
  for (let round = 1; round <= count; round += 1) {
    tap.swallow(chance.happens(0.5));
    if (!(await tap.more('left'))) notes.push(`nothing left before cut ${round}: ${gateway.said}`);
    await sleep(chance.fraction() * LIFE_MS);
    disk.cut();
    notes.push(...(await ended(gateway, chance)));
    disk.remount();
    gateway = start();
    if (round % 10 === 0) say(`${round} of ${count} cuts`);
  }
  tap.swallow(false);
  await tap.more('accepted');
  return { running: { gateway, ingester: rig.ingester }, notes };
}

async function cutIngester({ count, say, seed }: Shard, parts: Parts): Promise<Cut> {
  const { disk, rig, tap } = parts;
  const chance = new Chance(seed);
  const notes: string[] = [];
  const gateway = await rig.site.startGateway('--drain', '20');
  let { ingester } = rig;
  for (let round = 1; round <= count; round += 1) {
    if (!(await tap.more('accepted'))) notes.push(`no receipt before cut ${round}`);
    await sleep(chance.fraction() * LIFE_MS);
    disk.cut();
    notes.push(...(await ended(ingester, chance)));
    disk.remount();
    ingester = await rig.site.startIngester();
    if (round % 10 === 0) say(`${round} of ${count} cuts`);
  }
  return { running: { gateway, ingester }, notes };
}

/**
 * A power cut ends a program at once. Half of the time it goes on instead, as where only the disk
 * loses its power, and must end by itself: what it says from then on is in the ledger too.
 */
async function ended(command: RunningCommand, chance: Chance): Promise<string[]> {
  let notes: string[] = [];
  if (chance.happens(0.5)) {
    const code = await Promise.race([command.exited, sleep(NOTICE_MS).then(() => 'alive')]);
    if (code === 'alive') notes = [`it went on without its disk: ${command.said}`];
    if (code === 0) notes = ['it ended without its disk as if all were well'];
  }
  await command.kill();
  return notes;
}

/** The chain in the journal, and all that was seen on the wire. */
async function judge(
  { site }: Rig,
  { notes: before, running, tap }: Cut & { readonly tap: WireTap },
): Promise<Tally> {
  const notes = [...before];
  const code = await running.gateway.stop();
  if (code !== 0) notes.push(`the gateway ended with ${code}: ${running.gateway.said}`);
  const waiting = running.gateway.lines.at(-1)?.['waiting'];
  if (waiting !== 0) notes.push(`${String(waiting)} readings still waited at the end`);
  const ended = await running.ingester.stop();
  if (ended !== 0) notes.push(`the ingester ended with ${ended}: ${running.ingester.said}`);
  const stored = new Set(readJournal(site.journalFile).map(({ header }) => header.digest));
  const { lost, notes: missing } = judgeLedger(tap, stored);
  const own = { count: 0, lost, doubled: 0, wrong: notes.length, notes: [...notes, ...missing] };
  const figures = { batchesOnTheWire: tap.left.size, receipted: tap.accepted.size };
  return { ...addTallies(own, await judgeJournal(site)), figures };
}

/** Pure: what left the gateway, or was called accepted, and is not in the journal at the end. */
export function judgeLedger(
  { accepted, left }: Pick<WireTap, 'accepted' | 'left'>,
  stored: ReadonlySet<string>,
): { lost: number; notes: string[] } {
  const gone = [...new Set([...left, ...accepted])].filter((digest) => !stored.has(digest));
  const told = (digest: string) => (accepted.has(digest) ? 'was receipted' : 'had left');
  return { lost: gone.length, notes: gone.map((one) => `${one} ${told(one)} and is nowhere`) };
}

const plantFile = fileURLToPath(new URL('../plant.ts', import.meta.url));

/** Everything that is started meanwhile carries the plant. */
async function withPlant(name: string, action: () => Promise<Tally>): Promise<Tally> {
  const { env } = process;
  const before = { options: env['NODE_OPTIONS'], plant: env[PLANT_VARIABLE] };
  env['NODE_OPTIONS'] = `${before.options ?? ''} --import=${plantFile}`.trim();
  env[PLANT_VARIABLE] = name;
  try {
    return await action();
  } finally {
    env['NODE_OPTIONS'] = before.options ?? '';
    env[PLANT_VARIABLE] = before.plant ?? '';
  }
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
