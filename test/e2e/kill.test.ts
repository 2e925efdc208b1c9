/**
 * Gateway and ingester are killed (SIGKILL) at random instants under load, 50 times each. Nothing
 * that was signed may be lost and nothing applied twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeJournal, readJournal } from '../faults/judge-journal.ts';
import type { RunningCommand } from '../support/commands.ts';
import { type Rig, startRig } from '../support/rig.ts';

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
  let rig: Rig;
  let gateway: RunningCommand;
  let ingester: RunningCommand;

  beforeAll(async () => {
    rig = await startRig(directory);
    ({ ingester } = rig);
    gateway = await rig.site.startGateway('--drain', '20');
  });

  afterAll(async () => {
    await rig?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('loses nothing that was signed and applies nothing twice', async () => {
    const killGateway = async () => {
      for (let round = 0; round < KILLS; round += 1) {
        await sleep(fraction() * 250);
        await gateway.kill();
        gateway = await rig.site.startGateway('--drain', '20');
      }
    };
    const killIngester = async () => {
      for (let round = 0; round < KILLS; round += 1) {
        await sleep(fraction() * 250);
        await ingester.kill();
        ingester = await rig.site.startIngester();
      }
    };
    await Promise.all([killGateway(), killIngester()]);
    expect(await gateway.stop()).toBe(0);
    expect(gateway.lines.at(-1)?.['waiting']).toBe(0);
    expect(await ingester.stop()).toBe(0);

    const found = await judgeJournal(rig.site);
    expect(found).toEqual({ count: 0, lost: 0, doubled: 0, wrong: 0, notes: [] });
    const entries = readJournal(rig.site.journalFile);
    const epochs = new Set(entries.flatMap(({ header }) => header.batch?.epochNonce ?? []));
    expect(epochs.size).toBeGreaterThan(KILLS);
  }, 600_000);
});

function sleep(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
