/**
 * A broker that lies to a real gateway: batches dropped, doubled and out of order, PUBACKs for what
 * it threw away, and receipts that it forged, changed, repeated or meant for others. Nothing may
 * be lost or doubled, and no receipt count but the ingester's own.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../../sim/chance.ts';
import type { RunningCommand } from '../../support/commands.ts';
import { startRegisters } from '../../support/registers.ts';
import { Site } from '../../support/site.ts';
import { judgeLedger } from '../disk/tapped-rig.ts';
import { endGateway } from '../end-gateway.ts';
import { addTallies, type Fault, type Shard, type Tally } from '../fault.ts';
import { judgeJournal, readJournal } from '../judge-journal.ts';
import { type LyingLine, openLyingLine } from '../net/lying-line.ts';

/** What it may take to tell one lie, milliseconds. */
const LIE_MS_MAX = 500;
/** What waits at the end is sent over an honest line within this many seconds. */
const DRAIN_S = 50;

export const lyingBroker: Fault = {
  name: 'lying-broker',
  summary: 'a broker drops, repeats, reorders and forges batches, PUBACKs and receipts',
  unit: 'lies',
  counts: { short: 60, long: 20_000, shard: 2_000 },
  run,
};

async function run({ count, directory, say, seed }: Shard): Promise<Tally> {
  const registers = await startRegisters({ devices: 4, points: 5, everyMs: 50, flushMs: 50 });
  let site: Site | undefined;
  let line: LyingLine | undefined;
  try {
    const { devices } = registers;
    const created = await Site.create({
      directory: join(directory, 's'),
      devices,
      goods: 'batch/',
    });
    site = created.site;
    const { ingester } = created;
    const did = String(ingester.lines.find(({ ready }) => ready === true)?.['ingester']);
    line = await openLyingLine({ target: site.mqtt, ingester: did, chance: new Chance(seed) });
    const text = readFileSync(site.gatewayConfig, 'utf8');
    writeFileSync(site.gatewayConfig, text.replace(site.mqtt, line.url));
    const gateway = await site.startGateway('--drain', String(DRAIN_S));
    const notes = await lieUntil(line, count, say);
    line.honest();
    return await judge(site, { line, gateway, ingester, notes });
  } finally {
    await site?.close();
    await line?.close();
    await registers.meters.kill();
  }
}

async function lieUntil(
  line: LyingLine,
  count: number,
  say: (line: string) => void,
): Promise<string[]> {
  const giveUpMs = performance.now() + 30_000 + count * LIE_MS_MAX;
  for (let said = 0; line.told() < count; await sleep(20)) {
    if (line.told() >= said + 1_000) {
      said = line.told();
      say(`${said} of ${count} lies`);
    }
    if (performance.now() > giveUpMs) return [`only ${line.told()} of ${count} lies were told`];
  }
  return [];
}

async function judge(
  site: Site,
  parts: {
    readonly line: LyingLine;
    readonly gateway: RunningCommand;
    readonly ingester: RunningCommand;
    readonly notes: readonly string[];
  },
): Promise<Tally> {
  const { gateway, ingester, line } = parts;
  const notes = [...parts.notes, ...(await endGateway(gateway, DRAIN_S))];
  const ended = await ingester.stop();
  if (ended !== 0) notes.push(`the ingester ended with ${ended}: ${ingester.said}`);
  const stored = new Set(readJournal(site.journalFile).map(({ header }) => header.digest));
  const { lost, notes: missing } = judgeLedger(line, stored);
  const own = { count: line.told(), lost, doubled: 0, wrong: notes.length };
  const figures = {
    ...line.lies,
    batchesSent: line.left.size,
    forgedAbout: line.forged.size,
    forgedAccepted: [...line.forged].filter((digest) => !stored.has(digest)).length,
  };
  const found = await judgeJournal(site);
  return { ...addTallies({ ...own, notes: [...notes, ...missing] }, found), figures };
}
