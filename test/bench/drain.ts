/**
 * How fast a backlog drains, and how old live data are meanwhile: twelve devices fill the outbox
 * while the ingester is away; then one of them goes on at 1,000 readings a second, and the ingester
 * comes back. Everything is a process of its own, signatures and fsync on.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBatch } from '../../devices/credential/batch-wire.ts';
import { openToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { limits } from '../../devices/limits.ts';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import type { RunningCommand } from '../support/commands.ts';
import { startRegisters } from '../support/registers.ts';
import { Site } from '../support/site.ts';
import { type Figure, figure, quantile } from './figure.ts';

const DEVICES = 12;
const POINTS = 100;
const EVERY_MS = 100;
/** Readings a second of one device, which is what goes on. */
const PRODUCTION = (POINTS * 1_000) / EVERY_MS;
/** The ingester is away for this long while all devices are read: 240,000 readings. */
const AWAY_MS = 20_000;
/** What the issue asks for. */
const DRAIN_ASKED = 10 * PRODUCTION;
const LIVE_AGE_ASKED_MS = 5_000;
/** Readings that are on their way at any time: those of two seconds. */
const UNDER_WAY = 2 * PRODUCTION;

export async function benchDrain(say: (line: string) => void): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-drain-'));
  const { devices, meters } = await startRegisters({
    ...{ devices: DEVICES, points: POINTS },
    ...{ everyMs: EVERY_MS, flushMs: 1_000 },
  });
  let site: Site | undefined;
  try {
    const created = await Site.create({ directory, devices, goods: 'batch/' });
    site = created.site;
    say(`filling the outbox for ${AWAY_MS / 1_000} s`);
    await fill(site, created.ingester);
    keepFirstDevice(site);
    return await drain(site, say);
  } finally {
    await site?.close();
    await meters.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** All devices are known to the ingester, which then goes away while they are read. */
async function fill(site: Site, ingester: RunningCommand): Promise<void> {
  const gateway = await site.startGateway('--drain', '0');
  await gateway.line((line) => Number(line['delivered']) > DEVICES * POINTS);
  await ingester.stop();
  await pause(AWAY_MS);
  await gateway.stop();
}

function keepFirstDevice({ gatewayConfig }: Site): void {
  const lines = readFileSync(gatewayConfig, 'utf8').split('\n');
  const kept = lines.filter((line) => !/"name":"meter-([1-9]|1\d)"/.test(line));
  writeFileSync(gatewayConfig, kept.join('\n'));
}

async function drain(site: Site, say: (line: string) => void): Promise<Figure[]> {
  const gateway = await site.startGateway('--drain', '0');
  const backlog = Number(gateway.lines.at(-1)?.['waiting']);
  say(`draining ${backlog} readings while ${PRODUCTION} a second are added`);
  const ingester = await site.startIngester();
  const first = await gateway.line((line) => Number(line['delivered']) > 0);
  const last = await gateway.line((line) => Number(line['waiting']) < UNDER_WAY, 120_000);
  const code = await gateway.stop();
  if (code !== 0) throw new Error(`the gateway ended with ${code}: ${gateway.said}`);
  await ingester.stop();
  // What was delivered before the first look is not counted, nor is the time that it took.
  const delivered = Number(last['delivered']) - Number(first['delivered']);
  const seconds = (Number(last['timeMs']) - Number(first['timeMs'])) / 1_000;
  const ages = liveAges(site.journalFile, Number(first['timeMs']), Number(last['timeMs']));
  say(`${delivered} readings in ${seconds.toFixed(1)} s; ${ages.length} live batches meanwhile`);
  return [
    figure('drain.readingsPerSecond', delivered / seconds, 'readings/s', DRAIN_ASKED),
    figure('drain.liveAgeP99Ms', quantile(ages, 0.99), 'ms', LIVE_AGE_ASKED_MS),
  ];
}

/** Of batches closed while the backlog drained: from the oldest reading to the ingester. */
function liveAges(journalFile: string, fromMs: number, toMs: number): number[] {
  const journal = openJournalReader(journalFile);
  const ages: number[] = [];
  const size = journal.size();
  for (let at = 0; at < size; at += limits.apiEntriesMax) {
    for (const { bytes, header } of journal.read(at, limits.apiEntriesMax)) {
      if (header.kind !== 'batch') continue;
      const opened = openToken(bytes, limits.batchBytesMax);
      const batch = isRefusal(opened) ? opened : readBatch(opened.payload);
      if (isRefusal(batch)) throw new Error(batch.reason);
      const { closedMs, groups } = batch;
      if (closedMs < fromMs || closedMs > toMs || groups.length === 0) continue;
      const oldestMs = Math.min(...groups.map(({ timeMs }) => timeMs));
      ages.push(header.receivedMs - oldestMs);
    }
  }
  journal.close();
  return ages;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
