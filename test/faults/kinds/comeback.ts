/** Many gateways lose a broker at one moment: they come back one by one, less and less often. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../../sim/chance.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { hasPeer } from '../../support/peers.ts';
import type { Fault, Shard, Tally } from '../fault.ts';
import { LightGateway } from '../net/light-gateway.ts';
import { judgeComeback } from '../net/reconnects.ts';

const GATEWAYS = 100;
/** Mosquitto stays away for between so long, milliseconds. */
const AWAY_MS = [2_500, 4_000] as const;

export const comeback: Fault = {
  name: 'comeback',
  summary: 'a hundred gateways lose Mosquitto at the same moment',
  unit: 'restarts',
  counts: { short: 1, long: 300, shard: 30 },
  obstacle: () => (hasPeer('mosquitto') ? undefined : 'Mosquitto is not on this machine'),
  run,
};

async function run({ count, say, seed }: Shard): Promise<Tally> {
  const chance = new Chance(seed);
  let broker = await startMosquitto();
  const gateways = Array.from({ length: GATEWAYS }, () => new LightGateway(chance));
  const areBack = () => gateways.every(({ isUp }) => isUp);
  const notes: string[] = [];
  const figures = { herdShareMax: 0, spreadMsMax: 0, attemptsMax: 0 };
  try {
    for (const gateway of gateways) await gateway.open(broker.url, memorySigner().did);
    await eventually(areBack, 'all gateways connected');
    for (let round = 1; round <= count; round += 1) {
      await broker.stop();
      await sleep(chance.between(...AWAY_MS));
      broker = await startMosquitto(broker.port);
      await eventually(areBack, 'all gateways back', 60_000);
      const outages = gateways.flatMap((gateway) => gateway.outages.splice(0));
      const told = judgeComeback(outages);
      notes.push(...told.notes);
      if (outages.length < GATEWAYS) notes.push(`only ${outages.length} gateways lost the broker`);
      figures.herdShareMax = Math.max(figures.herdShareMax, Number(told.herdShare.toFixed(2)));
      figures.spreadMsMax = Math.max(figures.spreadMsMax, Math.round(told.spreadMs));
      figures.attemptsMax = Math.max(figures.attemptsMax, told.attempts);
      if (round % 10 === 0) say(`${round} of ${count} restarts`);
    }
    return { count, lost: 0, doubled: 0, wrong: notes.length, notes, figures };
  } finally {
    for (const gateway of gateways) await gateway.close();
    await broker.stop();
  }
}
