/**
 * SIGKILL at random instants under load: the gateway, the ingester, or both at once, and either of
 * them while it starts. Nothing that was signed may be lost and nothing applied twice.
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

export const sigkillStarts: Fault = {
  name: 'sigkill-starts',
  summary: 'gateway and ingester are killed at random instants of their starts',
  unit: 'kills',
  counts: { short: 2, long: 500, shard: 100 },
  run: killStarts,
};

type Side = 'gateway' | 'ingester';
type Running = Record<Side, RunningCommand>;

async function kill(
  { count, directory, seed, say }: Shard,
  sides: readonly Side[],
): Promise<Tally> {
  const chance = new Chance(seed);
  return withBoth({ count, directory }, async (running, start) => {
    for (let round = 1; round <= count; round += 1) {
      await sleep(chance.fraction() * LIFE_MS);
      await Promise.all(sides.map((side) => running[side].kill()));
      // The gateway waits for nothing that the ingester has to be there for.
      for (const side of ['ingester', 'gateway'] as const) {
        if (sides.includes(side)) running[side] = await start[side]();
      }
      if (round % 50 === 0) say(`${round} of ${count} kills`);
    }
  });
}

/** Each side in turn: up to four starts in a row are killed, then one comes to its end. */
async function killStarts({ count, directory, seed, say }: Shard): Promise<Tally> {
  const chance = new Chance(seed);
  return withBoth({ count, directory }, async (running, start, begin) => {
    const startMs = { gateway: 0, ingester: 0 };
    let killed = 0;
    for (let round = 0; killed < count; round += 1) {
      const side: Side = round % 2 === 0 ? 'ingester' : 'gateway';
      await sleep(chance.fraction() * LIFE_MS);
      await running[side].kill();
      const times = startMs[side] === 0 ? 0 : Math.min(count - killed, chance.between(1, 4));
      for (let time = 0; time < times; time += 1) {
        const begun = begin[side]();
        await sleep(chance.fraction() * startMs[side]);
        await begun.kill();
        killed += 1;
        if (killed % 50 === 0) say(`${killed} of ${count} kills`);
      }
      const beganMs = performance.now();
      running[side] = await start[side]();
      startMs[side] = performance.now() - beganMs;
    }
  });
}

/** Both sides at work, what `strike` does to them, and what is left behind them. */
async function withBoth(
  { count, directory }: Pick<Shard, 'count' | 'directory'>,
  strike: (
    running: Running,
    start: Readonly<Record<Side, () => Promise<RunningCommand>>>,
    begin: Readonly<Record<Side, () => RunningCommand>>,
  ) => Promise<void>,
): Promise<Tally> {
  // While one side starts again and again, the other has more to hand over each time.
  const drainS = 20 + 4 * count;
  const rig = await startRig(join(directory, 'site'));
  const { site } = rig;
  const drain = ['--drain', String(drainS)];
  try {
    const running = { ingester: rig.ingester, gateway: await site.startGateway(...drain) };
    await strike(
      running,
      { ingester: () => site.startIngester(), gateway: () => site.startGateway(...drain) },
      { ingester: () => site.beginIngester(), gateway: () => site.beginGateway(...drain) },
    );
    const notes = await endGateway(running.gateway, drainS);
    const ended = await running.ingester.stop();
    if (ended !== 0) notes.push(`the ingester ended with ${ended}`);
    const found = await judgeJournal(site);
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
