/**
 * Gateway and ingester are killed (SIGKILL) at random instants under load, 50 times each. Nothing
 * that was signed may be lost and nothing applied twice.
 *
 * How it can be seen: each device's batches form one chain of epochs and sequences. When the
 * journal holds every sequence of every epoch from 1 on, each once, and every epoch follows the
 * last batch before it, then no batch that was ever signed and chained is missing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import type { BatchKey, JournalEntry } from '../../ingest/store.ts';
import { mustRun, RunningCommand } from '../support/commands.ts';
import { Site, siteOrganisation } from '../support/site.ts';

const KILLS = 50;
/** The seed of the instants is printed, so that a failing run can be told from another. */
const seed = Number(process.env['BONDLINE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const directory = mkdtempSync(join(tmpdir(), 'bondline-kill-'));
let random = seed;

/** Park and Miller's generator: enough to spread instants, and repeatable. */
function fraction(): number {
  random = (random * 48_271) % 2_147_483_647;
  return random / 2_147_483_647;
}

describe(`under SIGKILL (seed ${seed})`, () => {
  let site: Site;
  let meter: RunningCommand;
  let ingester: RunningCommand;
  let gateway: RunningCommand;

  beforeAll(async () => {
    const args = ['--port', '0', '--attached', '--directory', directory];
    meter = new RunningCommand('sim', ['device', 'liquid-flow-computer', ...args]);
    const { port } = new URL(String((await meter.ready())['url']));
    const device = {
      name: 'fc-1',
      profile: 'liquid-flow-computer',
      driver: 'modbus',
      connection: { host: '127.0.0.1', port: Number(port), unitId: 1, timeoutMs: 1000 },
      goods: `${siteOrganisation}/batch/`,
      everyMs: 20,
      flushMs: 40,
      enrolment: 'enrolments/fc-1.jwt',
    };
    const devices = [JSON.stringify(device)];
    ({ site, ingester } = await Site.create({ directory, devices, goods: 'batch/' }));
    gateway = await site.startGateway('--drain', '20');
  });

  afterAll(async () => {
    await site?.close();
    await meter?.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  it('loses nothing that was signed and applies nothing twice', async () => {
    const killGateway = async () => {
      for (let round = 0; round < KILLS; round += 1) {
        await sleep(fraction() * 250);
        await gateway.kill();
        gateway = await site.startGateway('--drain', '20');
      }
    };
    const killIngester = async () => {
      for (let round = 0; round < KILLS; round += 1) {
        await sleep(fraction() * 250);
        await ingester.kill();
        ingester = await site.startIngester();
      }
    };
    await Promise.all([killGateway(), killIngester()]);
    expect(await gateway.stop()).toBe(0);
    expect(gateway.lines.at(-1)?.['waiting']).toBe(0);
    expect(await ingester.stop()).toBe(0);

    const entries = readJournal(site.journalFile);
    const batches = entries.filter((entry) => entry.header.kind === 'batch');
    expect(entries.filter((entry) => entry.header.kind === 'equivocation')).toEqual([]);
    expect(entries.filter((entry) => entry.header.kind === 'refusal')).toEqual([]);
    const epochs = checkChain(batches);
    expect(epochs).toBeGreaterThan(KILLS);

    const rebuilt = await mustRun('ingest', ['rebuild', site.ingestConfig, '--check', '--json']);
    expect(JSON.parse(rebuilt.trim().split('\n').at(-1) ?? '{}')).toMatchObject({ equal: true });
  }, 400_000);
});

function readJournal(file: string): JournalEntry[] {
  const reader = openJournalReader(file);
  try {
    return reader.read(0, 1_000_000);
  } finally {
    reader.close();
  }
}

/** Checks that the batches form one unbroken chain; returns the number of epochs. */
function checkChain(batches: readonly JournalEntry[]): number {
  const byEpoch = new Map<string, Map<number, { key: BatchKey; digest: string }>>();
  for (const { header } of batches) {
    const key = header.batch;
    expect(key).toBeDefined();
    if (!key) continue;
    const name = `${String(key.epochCounter).padStart(6, '0')} ${key.epochNonce}`;
    const epoch = byEpoch.get(name) ?? new Map();
    byEpoch.set(name, epoch);
    expect(epoch.has(key.sequence), `epoch ${name} sequence ${key.sequence} twice`).toBe(false);
    epoch.set(key.sequence, { key, digest: header.digest });
  }
  let previous: string | undefined;
  for (const [name, epoch] of [...byEpoch].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (let sequence = 1; sequence <= epoch.size; sequence += 1) {
      const batch = epoch.get(sequence);
      expect(batch, `epoch ${name} sequence ${sequence}`).toBeDefined();
      expect(batch?.key.previous, `epoch ${name} sequence ${sequence}`).toBe(previous);
      previous = batch?.digest;
    }
  }
  return byEpoch.size;
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
