/**
 * SIGKILL at random instants under load: the gateway, the ingester, or both at once. Nothing that
 * was signed may be lost and nothing applied twice.
 */
import { join } from 'node:path';
import { Chance } from '../../sim/chance.ts';
import type { RunningCommand } from '../../support/commands.ts';
import { startRig } from '../../support/rig.ts';
import { endGateway } from '../end-gateway.ts';
import type { Fault, Shard, Tally } from '../fault.ts';
import { judgeJournal } from '../judge-journal.ts';

/** A process lives for at most this long before it is killed, milliseconds. */
const LIFE_MS = 250;

const counts = { short: 1, long: 2_000, shard: 200 };

export const sigkillGateway: Fault = {
  name: 'sigkill-gateway',
  summary: 'the gateway is killed at random instants under load',
  unit: 'kills',
  counts,
  run: (shard) => kill(shard, ['gateway']),
};

export const sigkillIngester: Fault = {
  name: 'sigkill-ingester',
  summary: 'the ingester is killed at random instants under load',
  unit: 'kills',
  counts,
  run: (shard) => kill(shard, ['ingester']),
};

export const sigkillBoth: Fault = {
  name: 'sigkill-both',
  summary: 'gateway and ingester are killed at the same random instants',
  unit: 'kills',
  counts: { short: 1, long: 500, shard: 100 },
  run: (shard) => kill(shard, ['gateway', 'ingester']),
};

type Side = 'gateway' | 'ingester';

async function kill(
  { count, directory, seed, say }: Shard,
  sides: readonly Side[],
): Promise<Tally> {
  const chance = new Chance(seed);
  // While one side starts again and again, the other has more to hand over each time.
  const drainS = 20 + 4 * count;
  const rig = await startRig(join(directory, 'site'));
  try {
    const running: Record<Side, RunningCommand> = {
      ingester: rig.ingester,
      gateway: await rig.site.startGateway('--drain', String(drainS)),
    };
    for (let round = 1; round <= count; round += 1) {
      await sleep(chance.fraction() * LIFE_MS);
      await Promise.all(sides.map((side) => running[side].kill()));
      if (sides.includes('ingester')) running.ingester = await rig.site.startIngester();
      if (sides.includes('gateway')) {
        running.gateway = await rig.site.startGateway('--drain', String(drainS));
      }
      if (round % 50 === 0) say(`${round} of ${count} kills`);
    }
    const notes = await endGateway(running.gateway, drainS);
    const ended = await running.ingester.stop();
    if (ended !== 0) notes.push(`the ingester ended with ${ended}`);
    const found = await judgeJournal(rig.site);
    return {
      ...found,
      count,
      wrong: found.wrong + notes.length,
      notes: [...notes, ...(found.notes ?? [])],
    };
  } finally {
    await rig.close();
  }
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
