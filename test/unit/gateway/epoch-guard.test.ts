/** A disk that was put back, seen by the epoch that the key store keeps. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyCounters } from '../../../devices/io/key-store.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import { createEpochGuard } from '../../../gateway/epoch-guard.ts';
import { memorySigner } from '../../support/identity.ts';
import { memoryToken } from './support/counting-world.ts';
import { allBatches, draftOf, openStore } from './support/outbox-world.ts';

const START = 1_767_225_600_000;
const device = memorySigner();

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'epoch-guard-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function start(counters: KeyCounters, closedMs: number) {
  const said: string[] = [];
  const log = {
    ...silentLog,
    error: (m: string) => said.push(m),
    warn: (m: string) => said.push(m),
  };
  const patience = { clock: systemClock, log, stop: new AbortController().signal };
  const labelOf = (did: string) => (did === device.did ? 'fc-1' : undefined);
  const epochs = createEpochGuard(counters, { labelOf, patience, log });
  const file = join(directory, 'outbox.db');
  const { db, store } = openStore({ file, devices: [device], epochs, log });
  await store.append([draftOf(device.did, closedMs)]);
  const batch = allBatches(store).at(-1);
  return { batch, db, said, close: () => store.close() };
}

describe('the epoch that a token keeps', () => {
  it('is behind no start that went on from the same disk, also after a crash', async () => {
    const counters = memoryToken();
    for (const epoch of [1, 2, 3]) {
      const { batch, close, said } = await start(counters, START + 1_000 * epoch);
      expect([batch?.epoch.counter, batch?.losses, said]).toEqual([epoch, [], []]);
      close();
    }
    // A cut after the token was told and before the batch was durable is no restored disk.
    const failing: KeyCounters = {
      ...counters,
      async raise(label, to) {
        await counters.raise(label, to);
        throw new Error('cut');
      },
    };
    await expect(start(failing, START + 9_000)).rejects.toThrow('cut');
    const { batch, close, said } = await start(counters, START + 10_000);
    expect([batch?.epoch.counter, batch?.losses, said]).toEqual([5, [], []]);
    close();
  });

  it('shows a disk that was put back, in the log and in the first batch, once', async () => {
    const counters = memoryToken();
    const first = await start(counters, START);
    await first.db.backup(join(directory, 'copy.db'));
    first.close();
    for (const at of [1_000, 2_000]) (await start(counters, START + at)).close();
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(directory, `outbox.db${suffix}`), { force: true });
    copyFileSync(join(directory, 'copy.db'), join(directory, 'outbox.db'));
    const { batch, close, said } = await start(counters, START + 60_000);
    expect(said).toEqual([expect.stringContaining('older than the token')]);
    expect(batch?.epoch).toMatchObject({ counter: 4, after: { counter: 1, sequence: 1 } });
    const loss = { cause: 'rolled-back', count: 0, estimated: true, fromMs: START - 7 };
    expect(batch?.losses).toEqual([{ ...loss, toMs: START + 60_000 }]);
    close();
    const next = await start(counters, START + 61_000);
    expect([next.batch?.epoch.counter, next.batch?.losses, next.said]).toEqual([5, [], []]);
    next.close();
  });

  it('that cannot be kept is said once, and the gateway goes on', async () => {
    const { batch, close, said } = await start(memoryToken(false), START);
    expect(batch?.epoch.counter).toBe(1);
    expect(said).toEqual([expect.stringContaining('no data objects')]);
    close();
  });
});
