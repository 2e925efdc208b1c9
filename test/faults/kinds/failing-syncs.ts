/**
 * Each sync of a running gateway or ingester fails, once or from then on. What a failed sync left
 * unwritten the kernel may have forgotten, so that trying again proves nothing: the process must
 * say so and end, and never sync that file again.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningCommand } from '../../support/commands.ts';
import { compileC, compilerObstacle } from '../disk/compile.ts';
import { type Disturbance, preloadVariables, readPreloadReport } from '../disk/preload.ts';
import { startTappedRig, type TappedRig } from '../disk/tapped-rig.ts';
import { withVariables } from '../disk/variables.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

/** Syncs of the workload: the start, and some hundred commits. */
const SYNCS = 60;
const MODES = ['once', 'ever'] as const;
/** It must notice, and end, within this time. */
const END_MS = 20_000;

type Side = 'gateway' | 'ingester';

const counts = { short: 1, long: SYNCS * MODES.length, shard: 20 };
const unit = 'syncs';

export const failingSyncsGateway: Fault = {
  name: 'failing-syncs-gateway',
  summary: 'each sync of a gateway fails: it must end, and not try again',
  ...{ unit, counts, obstacle: compilerObstacle },
  run: (shard) => failSyncs(shard, 'gateway'),
};

export const failingSyncsIngester: Fault = {
  name: 'failing-syncs-ingester',
  summary: 'each sync of an ingester fails: it must end, and not try again',
  ...{ unit, counts, obstacle: compilerObstacle },
  run: (shard) => failSyncs(shard, 'ingester'),
};

async function failSyncs(shard: Shard, side: Side): Promise<Tally> {
  const { count, directory, say, seed } = shard;
  const places = {
    library: compileC('shim', directory),
    folder: join(directory, 'site', side === 'gateway' ? 'gateway-data' : 'ingest-data'),
    report: join(directory, 'report'),
  };
  const rig = await startTappedRig(join(directory, 'site'));
  try {
    let { ingester } = rig;
    let gateway = rig.startGateway();
    await rig.tap.more('accepted');
    const stopping = side === 'gateway' ? gateway : ingester;
    const notes: string[] = [];
    const code = await stopping.stop();
    if (code !== 0) notes.push(`it ended with ${code} before anything failed: ${stopping.said}`);
    for (let done = 0; done < count; done += 1) {
      const { at, mode } = disturbanceOf((seed - 1) * counts.shard + done, seed, count);
      rmSync(places.report, { force: true });
      const variables = preloadVariables(places, { calls: 'sync', at, mode });
      const command = withVariables(variables, () => start(rig, side));
      const said = await howItEnded(command, places.report);
      notes.push(...said.map((note) => `sync ${at} (${mode}): ${note}`));
      if ((done + 1) % 10 === 0) say(`${done + 1} of ${count} syncs`);
    }
    if (side === 'gateway') gateway = rig.startGateway();
    else ingester = await rig.site.startIngester();
    await rig.tap.more('accepted');
    return { ...(await rig.judge({ gateway, ingester }, notes)), count };
  } finally {
    await rig.close();
  }
}

/** The short form takes some from everywhere; the shards of the long one take each in its turn. */
function disturbanceOf(
  index: number,
  seed: number,
  count: number,
): Pick<Disturbance, 'mode'> & { readonly at: number } {
  const isShort = count < counts.shard;
  const pair = isShort ? (index * 23 + 7 * seed) % counts.long : index % counts.long;
  return { at: Math.floor(pair / 2) + 1, mode: MODES[pair % 2] ?? 'once' };
}

function start(rig: TappedRig, side: Side): RunningCommand {
  if (side === 'gateway') return rig.startGateway();
  return rig.site.start('ingest', ['run', rig.site.ingestConfig, '--json', '--attached']);
}

/** A line with a code of ours, as an operator looks it up. */
const CLEAR = /\b[A-Z]{2,}_[A-Z_]+: /;

async function howItEnded(command: RunningCommand, report: string): Promise<string[]> {
  const over = { isOver: false };
  const timer = setTimeout(() => {
    over.isOver = true;
    command.child.kill('SIGKILL');
  }, END_MS);
  const code = await command.exited;
  clearTimeout(timer);
  const { struck, syncsAfterFailure } = readPreloadReport(report);
  const what = struck === undefined ? 'no sync' : struck.file;
  const notes: string[] = [];
  if (struck === undefined) notes.push(`it did not sync so often; ${command.said}`);
  // It ends by a signal of its own, since an ordinary end would sync once more.
  if (over.isOver) notes.push(`${what} failed and it went on: ${command.said.slice(-200)}`);
  if (code === 0) notes.push(`${what} failed and it ended as if all were well`);
  if (!over.isOver && !CLEAR.test(command.said)) {
    notes.push(`${what} failed and no line says why: ${command.said.slice(-200)}`);
  }
  if (syncsAfterFailure > 0) notes.push(`${what} was synced ${syncsAfterFailure} times more`);
  return notes;
}
