/**
 * The power is cut under load: the file system below a gateway's or an ingester's data directory
 * is shut down, mounted again, and the program started anew. With `synchronous=NORMAL` planted the
 * same must lose data, or else the cuts prove nothing.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Chance } from '../../sim/chance.ts';
import type { RunningCommand } from '../../support/commands.ts';
import { type Ext4Disk, ext4Obstacle, openExt4Disk } from '../disk/ext4-disk.ts';
import { type Running, startTappedRig, type TappedRig } from '../disk/tapped-rig.ts';
import { withVariables } from '../disk/variables.ts';
import type { Fault, Shard, Tally } from '../fault.ts';
import { PLANT_VARIABLE } from '../plant-names.ts';

/** A process works for at most this long before its power is cut, milliseconds. */
const LIFE_MS = 300;
/** One that is left alive must notice within this time that its disk is gone. */
const NOTICE_MS = 5_000;
/** A journal grows by up to a megabyte a second of work between two cuts, and WALs beside it. */
const IMAGE_MIB = 512;

type Side = 'gateway' | 'ingester';

const counts = { short: 1, long: 300, shard: 50 };
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
  // So few cuts may lose nothing; what it shows of the suite, plants show in the short form.
  ...{ unit, counts: { ...counts, short: 0 }, obstacle: ext4Obstacle },
  run: (shard) => withPlant('sync-normal', () => cutPower(shard, 'gateway')),
};

export const unsyncedIngester: Fault = {
  name: 'power-cut-ingester-unsynced',
  summary: 'the same with synchronous=NORMAL, which must lose data',
  control: true,
  // So few cuts may lose nothing; what it shows of the suite, plants show in the short form.
  ...{ unit, counts: { ...counts, short: 0 }, obstacle: ext4Obstacle },
  run: (shard) => withPlant('sync-normal', () => cutPower(shard, 'ingester')),
};

async function cutPower(shard: Shard, side: Side): Promise<Tally> {
  const { count, directory } = shard;
  const place = join(directory, 'site');
  const data = join(place, side === 'gateway' ? 'gateway-data' : 'ingest-data');
  const disk = openExt4Disk(data, join(directory, 'disk'), IMAGE_MIB);
  try {
    const rig = await startTappedRig(place);
    try {
      const cutting = side === 'gateway' ? cutGateway : cutIngester;
      const { running, notes } = await cutting(shard, { rig, disk });
      return { ...(await rig.judge(running, notes)), count };
    } finally {
      await rig.close();
    }
  } finally {
    disk.close();
  }
}

interface Parts {
  readonly rig: TappedRig;
  readonly disk: Ext4Disk;
}

/** What runs at the end, and what was wrong until then. */
interface Cut {
  readonly running: Running;
  readonly notes: readonly string[];
}

/** Half of the time nothing reaches the ingester, so that the outbox alone has what was signed. */
async function cutGateway({ count, say, seed }: Shard, parts: Parts): Promise<Cut> {
  const { disk, rig } = parts;
  const { tap } = rig;
  const chance = new Chance(seed);
  const notes: string[] = [];
  let gateway = rig.startGateway();
  for (let round = 1; round <= count; round += 1) {
    tap.swallow(chance.happens(0.5));
    if (!(await tap.more('left'))) notes.push(`nothing left before cut ${round}: ${gateway.said}`);
    await sleep(chance.fraction() * LIFE_MS);
    disk.cut();
    notes.push(...(await ended(gateway, chance)));
    disk.remount();
    gateway = rig.startGateway();
    if (round % 10 === 0) say(`${round} of ${count} cuts`);
  }
  tap.swallow(false);
  await tap.more('accepted');
  return { running: { gateway, ingester: rig.ingester }, notes };
}

async function cutIngester({ count, say, seed }: Shard, { disk, rig }: Parts): Promise<Cut> {
  const chance = new Chance(seed);
  const notes: string[] = [];
  const gateway = await rig.site.startGateway('--drain', '20');
  let { ingester } = rig;
  for (let round = 1; round <= count; round += 1) {
    if (!(await rig.tap.more('accepted'))) notes.push(`no receipt before cut ${round}`);
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

const plantFile = fileURLToPath(new URL('../plant.ts', import.meta.url));

/** Everything that is started meanwhile carries the plant. */
function withPlant(name: string, action: () => Promise<Tally>): Promise<Tally> {
  const options = `${process.env['NODE_OPTIONS'] ?? ''} --import=${plantFile}`.trim();
  return withVariables({ NODE_OPTIONS: options, [PLANT_VARIABLE]: name }, action);
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
