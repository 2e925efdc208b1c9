/**
 * Ten times what the ingester takes, for minutes, and a gateway that reads ten times what its line
 * carries. Both keep within their memory, custody steps are answered within a second, and nothing
 * that was accepted is lost.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { Chance } from '../../sim/chance.ts';
import type { RunningCommand } from '../../support/commands.ts';
import { eventually } from '../../support/eventually.ts';
import type { Organisation } from '../../support/identity.ts';
import { custodyStep, lakeside, newId, northline } from '../../support/party.ts';
import { by, token } from '../../support/party-office.ts';
import { startRegisters } from '../../support/registers.ts';
import { Site } from '../../support/site.ts';
import { type SlowLine, startSlowLine } from '../../support/slow-line.ts';
import { endGateway } from '../end-gateway.ts';
import type { Fault, Shard, Tally } from '../fault.ts';
import type { CrowdOrder, CrowdReport } from '../net/crowd-worker.ts';
import { makeLightGateways } from '../net/light-fleet.ts';
import type { LightGateway } from '../net/light-gateway.ts';
import { residentMiB } from '../net/process-memory.ts';

const TIMES = 10;
const CROWD = 16;
/** What the promises say. */
const GATEWAY_MIB_MAX = 256;
const INGESTER_MIB_MAX = 1024;
const CUSTODY_MS_MAX = 1_000;
/** Of what it takes, so much must have been written in spite of its pushing back. */
const WRITTEN_TIMES_MIN = 2;
/** The share of what is read that must wait behind the line at the end. */
const WAITING_MIN = 0.5;
/** How often a custody step is sent. */
const CUSTODY_EVERY_MS = 50;
/** 4,000 readings a second are read, some 700 KB; the line carries less than a tenth of it. */
const METERS = { devices: 4, points: 100, everyMs: 100, flushMs: 250 };
const READ_PER_SECOND = (METERS.devices * METERS.points * 1_000) / METERS.everyMs;
const LINE_BYTES_PER_SECOND = 48 * 1024;
const DRAIN_S = 900;
const PAGE = 1_000;

const workerFile = new URL('../net/crowd-worker.ts', import.meta.url);

export const overload: Fault = {
  name: 'overload',
  summary: 'ten times what the ingester takes, and what a gateway’s line carries',
  unit: 'seconds',
  counts: { short: 3, long: 600, shard: 600 },
  alone: true,
  run,
};

type CrowdEnd = Extract<CrowdReport, { offered: number }>;

async function run({ count, directory, say, seed }: Shard): Promise<Tally> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const registers = await startRegisters(METERS);
    closers.push(() => registers.meters.kill());
    const { devices } = registers;
    const { ingester, site } = await Site.create({
      ...{ directory: join(directory, 'site'), devices, goods: 'batch/' },
    });
    closers.push(() => site.close());
    const did = String(ingester.lines.find(({ ready }) => ready === true)?.['ingester']);
    const officer = await startOfficer(site, { did, directory, seed });
    closers.push(() => officer.close());
    const line = await startSlowLine({
      to: Number(new URL(site.mqtt).port),
      bytesPerSecond: LINE_BYTES_PER_SECOND,
    });
    closers.push(() => line.close());
    const gateway = await startThrottled(site, line);
    const crowd = startCrowd({
      ...{ gateways: CROWD, times: TIMES, seconds: count, seed, ingestConfig: site.ingestConfig },
      ...{ mqtt: site.mqtt, ingester: did, folder: join(directory, 'crowd') },
    });
    closers.push(crowd.end);
    const { batchesPerSecond } = await crowd.measured;
    say(`the ingester takes ${Math.round(batchesPerSecond)} batches a second`);
    const custody = await sendCustody(officer, count);
    const memory = {
      gatewayMiB: Math.round(residentMiB(gateway.pid).peak),
      ingesterMiB: Math.round(residentMiB(ingester.pid).peak),
    };
    const backlog = Number(gateway.lines.at(-1)?.['waiting']);
    const ended = await crowd.ended;
    const notes = await endGateways(site, { gateway, line });
    await eventually(() => officer.waiting === 0, 'receipts of custody').catch((error: Error) =>
      notes.push(error.message),
    );
    await officer.close();
    const code = await ingester.stop();
    if (code !== 0) notes.push(`the ingester ended with ${code}: ${ingester.said}`);
    const accepted = [...ended.accepted, ...officer.accepted.keys()];
    const stored = judgeStored(site.journalFile, accepted);
    notes.push(...ended.troubles, ...officer.troubles, ...stored.notes);
    if (ended.waiting > 0) notes.push(`${ended.waiting} batches of the crowd were never answered`);
    const p99Ms = Math.round(quantile(custody, 0.99));
    if (!(p99Ms <= CUSTODY_MS_MAX)) notes.push(`custody steps waited ${p99Ms} ms (p99)`);
    if (!(memory.gatewayMiB <= GATEWAY_MIB_MAX)) notes.push(`gateway: ${memory.gatewayMiB} MiB`);
    if (!(memory.ingesterMiB <= INGESTER_MIB_MAX))
      notes.push(`ingester: ${memory.ingesterMiB} MiB`);
    const sentPerSecond = Math.round(ended.written / count);
    if (!(sentPerSecond >= WRITTEN_TIMES_MIN * batchesPerSecond)) {
      notes.push(`no overload: ${sentPerSecond} batches a second were written`);
    }
    if (!(backlog >= WAITING_MIN * READ_PER_SECOND * count)) {
      notes.push(`no overload: ${backlog} readings waited in the gateway`);
    }
    const figures = {
      ...memory,
      ...{ custodyP99Ms: p99Ms, custodyP50Ms: Math.round(quantile(custody, 0.5)) },
      ...{ custodySteps: custody.length, takesPerSecond: Math.round(batchesPerSecond) },
      offeredPerSecond: Math.round(ended.offered / count),
      sentPerSecond,
      newPerSecond: Math.round(ended.accepted.length / count),
      gatewayBacklogReadings: backlog,
    };
    const wrong = notes.length - stored.notes.length;
    return { count, lost: stored.lost, doubled: 0, wrong, notes, figures };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** A gateway that carries custody steps; the ingester knows it by a batch of its device. */
async function startOfficer(
  site: Site,
  { did, directory, seed }: { did: string; directory: string; seed: number },
): Promise<LightGateway> {
  const [officer] = await makeLightGateways({
    ...{ count: 1, random: new Chance(seed), ingestConfig: site.ingestConfig },
    organisation: by[northline.id] as Organisation,
    trusted: [by[lakeside.id] as Organisation],
    folder: join(directory, 'officer'),
  });
  if (!officer) throw new Error('there is no officer');
  await officer.open(site.mqtt, did);
  await eventually(() => officer.isUp, 'a connection');
  await officer.make();
  return officer;
}

/** The real gateway, behind a line that is too slow for it. */
async function startThrottled(site: Site, { port }: SlowLine): Promise<RunningCommand> {
  const text = readFileSync(site.gatewayConfig, 'utf8');
  writeFileSync(site.gatewayConfig, text.replace(site.mqtt, `mqtt://127.0.0.1:${port}`));
  return site.startGateway('--drain', '0');
}

/** The crowd in a thread of its own. */
function startCrowd(order: CrowdOrder) {
  const worker = new Worker(workerFile, { workerData: order });
  const failed = new Promise<never>((_, fail) => worker.once('error', fail));
  failed.catch(() => undefined);
  const report = <Wanted extends CrowdReport>(isWanted: (one: CrowdReport) => one is Wanted) =>
    Promise.race([
      failed,
      new Promise<Wanted>((done) => {
        worker.on('message', (one: CrowdReport) => isWanted(one) && done(one));
      }),
    ]);
  return {
    measured: report((one): one is { batchesPerSecond: number } => 'batchesPerSecond' in one),
    ended: report((one): one is CrowdEnd => 'offered' in one),
    end: () => worker.terminate(),
  };
}

/** Custody steps at their pace for so many seconds; how long each receipt took, milliseconds. */
async function sendCustody(officer: LightGateway, seconds: number): Promise<number[]> {
  const sent: Promise<number>[] = [];
  const beganMs = performance.now();
  while (performance.now() - beganMs < seconds * 1_000) {
    const changes = { issuer: northline, event: newId(), validFromMs: Date.now() - 1_000 };
    const goods = `${northline.id}/batch/F-${sent.length}`;
    sent.push(officer.keep(await token(custodyStep({ ...changes, act: 'release', goods }))));
    await sleep(CUSTODY_EVERY_MS);
  }
  return Promise.all(sent);
}

/** The gateway starts once more without the slow line, and hands over all that waits. */
async function endGateways(
  site: Site,
  { gateway, line }: { gateway: RunningCommand; line: SlowLine },
): Promise<string[]> {
  await gateway.stop();
  const text = readFileSync(site.gatewayConfig, 'utf8');
  writeFileSync(site.gatewayConfig, text.replace(`mqtt://127.0.0.1:${line.port}`, site.mqtt));
  const again = await site.startGateway('--drain', String(DRAIN_S));
  return endGateway(again, DRAIN_S);
}

/** Whether all that was accepted is stored, and each device's batches without a hole. */
function judgeStored(
  journalFile: string,
  accepted: readonly string[],
): { lost: number; notes: string[] } {
  const reader = openJournalReader(journalFile);
  const missing = new Set(accepted);
  const size = reader.size();
  for (let at = 0; at < size; at += PAGE) {
    for (const { header } of reader.read(at, PAGE)) missing.delete(header.digest);
  }
  const holes = reader.highWater().filter(({ count, sequence }) => count !== sequence);
  reader.close();
  const notes = [...missing].slice(0, 3).map((digest) => `${digest} was receipted and is nowhere`);
  for (const { count, device, sequence } of holes) {
    notes.push(`of ${sequence} batches of ${device} only ${count} are stored`);
  }
  const gone = holes.reduce((sum, { count, sequence }) => sum + sequence - count, 0);
  return { lost: missing.size + gone, notes };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
