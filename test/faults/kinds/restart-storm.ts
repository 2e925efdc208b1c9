/**
 * Brokers that restart again and again under many gateways: Mosquitto, and the ingester with the
 * broker inside it, in turn. Gateways come back one by one, nothing is lost or doubled, and the
 * state is right soon after each restart.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../../sim/chance.ts';
import type { RunningCommand } from '../../support/commands.ts';
import { eventually } from '../../support/eventually.ts';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { hasPeer } from '../../support/peers.ts';
import { freePort } from '../../support/ports.ts';
import { startRegisters } from '../../support/registers.ts';
import { Site } from '../../support/site.ts';
import { endGateway } from '../end-gateway.ts';
import { addTallies, type Fault, type Shard, type Tally } from '../fault.ts';
import { judgeJournal, readJournal } from '../judge-journal.ts';
import { judgeFleet, makeLightGateways } from '../net/light-fleet.ts';
import type { LightGateway } from '../net/light-gateway.ts';
import { addGateway } from '../net/more-gateways.ts';
import { judgeComeback } from '../net/reconnects.ts';

/** From so many restarts on the crowd is the one that is promised. */
const MANY = 20;
/** Light gateways at each of the two brokers, and real ones. */
const CROWD = { many: { light: 200, real: 3 }, few: { light: 10, real: 1 } };
/** Everything made before the broker was back is in its twin within this long. */
const RIGHT_MS = 60_000;
/** Mosquitto stays away for between so long, milliseconds. */
const AWAY_MS = [1_500, 3_500] as const;
/** For `--drain`, seconds. */
const DRAIN_S = 60;
/** How often some of the light gateways make a batch, and how many of them do. */
const MAKE_MS = 200;
const MAKE_SHARE = 0.05;

export const restartStorm: Fault = {
  name: 'restart-storm',
  summary: 'Mosquitto and the ingester restart in turn under light gateways and real ones',
  unit: 'restarts',
  counts: { short: 1, long: 300, shard: 30 },
  alone: 'long',
  obstacle: () => (hasPeer('mosquitto') ? undefined : 'Mosquitto is not on this machine'),
  run,
};

/** Everything that runs. */
interface Storm {
  readonly site: Site;
  readonly real: RunningCommand[];
  /** Light gateways by the broker that they speak to. */
  readonly light: { readonly mosquitto: LightGateway[]; readonly embedded: LightGateway[] };
  ingester: RunningCommand;
  mosquitto: Mosquitto;
}

async function run(shard: Shard): Promise<Tally> {
  const { count, say } = shard;
  const chance = new Chance(shard.seed);
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const storm = await start(shard, chance, closers);
    const stopMaking = keepMaking(storm, chance);
    closers.push(stopMaking);
    const notes: string[] = [];
    const figures = { rightMsMax: 0, herdShareMax: 0, spreadMsMax: 0, attemptsMax: 0 };
    for (let round = 0; round < count; round += 1) {
      const broker = round % 2 === 0 ? 'mosquitto' : 'embedded';
      const told = await restart(storm, broker, chance);
      notes.push(...told.notes);
      figures.rightMsMax = Math.max(figures.rightMsMax, Math.round(told.rightMs));
      figures.herdShareMax = Math.max(figures.herdShareMax, Number(told.herdShare.toFixed(2)));
      figures.spreadMsMax = Math.max(figures.spreadMsMax, Math.round(told.spreadMs));
      figures.attemptsMax = Math.max(figures.attemptsMax, told.attempts);
      say(`${round + 1}: ${broker}, right after ${Math.round(told.rightMs)} ms`);
    }
    await stopMaking();
    const found = await judge(storm, notes);
    return { ...found, count, figures };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function start(
  { count, directory }: Shard,
  chance: Chance,
  closers: (() => Promise<unknown>)[],
): Promise<Storm> {
  const { light: lightCount, real: realCount } = count >= MANY ? CROWD.many : CROWD.few;
  const registers = await startRegisters({ devices: 1, points: 10, everyMs: 100, flushMs: 200 });
  closers.push(() => registers.meters.kill());
  const storm: { mosquitto: Mosquitto } = { mosquitto: await startMosquitto(await freePort()) };
  closers.push(() => storm.mosquitto.stop());
  const folder = join(directory, 'site');
  const { site, ingester } = await Site.create({
    ...{ directory: folder, devices: registers.devices, goods: 'batch/' },
    sources: [`{ source: mqtt, connection: { url: "${storm.mosquitto.url}" } }`],
  });
  closers.push(() => site.close());
  const random = chance;
  const made = await makeLightGateways({
    ...{ count: 2 * lightCount, random, ingestConfig: site.ingestConfig },
    folder: join(directory, 'light'),
  });
  closers.push(() => Promise.all(made.map((gateway) => gateway.close())));
  const light = { mosquitto: made.slice(0, lightCount), embedded: made.slice(lightCount) };
  const did = String(ingester.lines.find(({ ready }) => ready === true)?.['ingester']);
  for (const gateway of light.mosquitto) await gateway.open(storm.mosquitto.url, did);
  for (const gateway of light.embedded) await gateway.open(site.mqtt, did);
  const real = [await site.startGateway('--drain', String(DRAIN_S))];
  for (let at = 1; at < realCount; at += 1) {
    const url = at % 2 === 1 ? storm.mosquitto.url : site.mqtt;
    const config = await addGateway({ site, directory: folder, name: `gateway-${at}`, url });
    const args = ['run', config, '--json', '--attached', '--drain', String(DRAIN_S)];
    real.push(site.start('gateway', args));
  }
  await Promise.all(real.map((one) => one.line((line) => Number(line['delivered']) > 0)));
  await eventually(() => made.every(({ isUp }) => isUp), 'all light gateways connected', 30_000);
  return Object.assign(storm, { ...{ site, real, light }, ingester });
}

/** Some of the light gateways make a batch, again and again, until it is told to stop. */
function keepMaking({ light }: Storm, chance: Chance): () => Promise<void> {
  const all = [...light.mosquitto, ...light.embedded];
  const stop = new AbortController();
  const making = (async () => {
    while (!stop.signal.aborted) {
      for (const gateway of all) if (chance.happens(MAKE_SHARE)) void gateway.make();
      await sleep(MAKE_MS);
    }
  })();
  return async () => {
    stop.abort();
    await making;
  };
}

/** Restarts a broker, and waits until everything that was made before it was back is right. */
async function restart(storm: Storm, broker: keyof Storm['light'], chance: Chance) {
  const { real, site } = storm;
  const struck = storm.light[broker];
  const before = new Map(struck.map((gateway) => [gateway, gateway.outages.length]));
  const notes: string[] = [];
  if (broker === 'mosquitto') {
    const { port } = storm.mosquitto;
    await storm.mosquitto.stop();
    await sleep(chance.between(...AWAY_MS));
    storm.mosquitto = await startMosquitto(port);
  } else {
    if (chance.happens(0.5)) await storm.ingester.kill();
    else {
      const ended = await storm.ingester.stop();
      if (ended !== 0) notes.push(`the ingester ended with ${ended}`);
    }
    storm.ingester = await site.startIngester();
  }
  const backMs = performance.now();
  const all = [...storm.light.mosquitto, ...storm.light.embedded];
  const signed = real.map((one) => Number(one.lines.at(-1)?.['signed']));
  try {
    const receipted = () => all.every((one) => one.isUp && one.oldestMs > backMs);
    await eventually(receipted, 'receipts of all light gateways', RIGHT_MS);
    await Promise.all(
      real.map((one, at) =>
        one.line(({ delivered }) => Number(delivered) >= (signed[at] ?? 0), RIGHT_MS),
      ),
    );
    await eventually(() => isApplied(site), 'twins of all batches', RIGHT_MS);
  } catch (error) {
    notes.push(`after a restart of ${broker}: ${String(error)}`);
  }
  const rightMs = performance.now() - backMs;
  if (rightMs > RIGHT_MS) notes.push(`the state was right after ${Math.round(rightMs)} ms`);
  const outages = struck.flatMap((one) => one.outages.slice(before.get(one)).slice(0, 1));
  const { notes: unruly, ...comeback } = judgeComeback(outages);
  if (outages.length < struck.length) notes.push(`${outages.length} gateways lost ${broker}`);
  return { ...comeback, rightMs, notes: [...notes, ...unruly] };
}

/** Whether the twins had everything that was stored when the question was asked. */
async function isApplied(site: Site): Promise<boolean> {
  const status = async () => {
    const answer = await fetch(`${site.http}/api/status`);
    return (await answer.json()) as { applied: number; positions: number };
  };
  const { positions } = await status();
  return (await status()).applied >= positions;
}

async function judge({ ingester, light, real, site }: Storm, before: readonly string[]) {
  const all = [...light.mosquitto, ...light.embedded];
  const notes = [...before];
  const settled = eventually(() => all.every(({ waiting }) => waiting === 0), 'receipts', 30_000);
  await settled.catch((error: Error) => notes.push(error.message));
  for (const gateway of real) {
    notes.push(...(await endGateway(gateway, DRAIN_S)));
  }
  await Promise.all(all.map((gateway) => gateway.close()));
  const ended = await ingester.stop();
  if (ended !== 0) notes.push(`the ingester ended with ${ended}: ${ingester.said}`);
  const stored = new Set(readJournal(site.journalFile).map(({ header }) => header.digest));
  const fleet = judgeFleet(all, stored);
  notes.push(...fleet.wrong);
  const own = { count: 0, lost: fleet.lost.length, doubled: 0, wrong: notes.length };
  return addTallies({ ...own, notes: [...notes, ...fleet.lost] }, await judgeJournal(site));
}
