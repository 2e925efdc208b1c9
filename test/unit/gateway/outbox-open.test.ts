/** An outbox whose WAL a disk changed: the gateway goes on, and says what it knows. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../devices/runtime.ts';
import { memorySigner } from '../../support/identity.ts';
import { allBatches, draftOf, openStore } from './support/outbox-world.ts';

const device = memorySigner();
const startMs = 1_767_225_600_000;
let directory = '';
let file = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'outbox-open-'));
  file = join(directory, 'outbox.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Batches of which the last ones stand in a WAL, in which a byte was changed at `share` of it. */
async function damaged(share: number): Promise<void> {
  const { store } = openStore({ file, devices: [device] });
  for (let at = 0; at < 8; at += 1) await store.append([draftOf(device.did, startMs + at * 1_000)]);
  const [db, wal] = [readFileSync(file), readFileSync(`${file}-wal`)];
  store.close();
  const at = Math.floor(share * wal.length);
  wal.writeUInt8(wal.readUInt8(at) ^ 1, at);
  writeFileSync(file, db);
  writeFileSync(`${file}-wal`, wal);
}

function openSaying() {
  const said: Record<string, unknown>[] = [];
  const log = {
    ...silentLog,
    error: (message: string, fields = {}) => void said.push({ message, ...fields }),
  };
  return { ...openStore({ file, devices: [device], log }), said };
}

const names = () => readdirSync(directory).filter((name) => name.includes('damaged'));

describe('an outbox with committed batches behind damage of its WAL', () => {
  it('goes on, keeps a copy, and signs that it lost some', async () => {
    await damaged(0.6);
    const wal = readFileSync(`${file}-wal`);
    const { said, store } = openSaying();
    expect(said).toEqual([expect.objectContaining({ kept: `${file}.damaged-1` })]);
    expect(Number(said[0]?.['transactions'])).toBeGreaterThan(1);
    expect(names().sort()).toEqual(['outbox.db.damaged-1', 'outbox.db.damaged-1-wal']);
    expect(readFileSync(`${file}.damaged-1-wal`).equals(wal)).toBe(true);
    const left = allBatches(store).length;
    expect(left).toBeLessThan(8);
    await store.append([draftOf(device.did, startMs + 60_000)]);
    const batch = allBatches(store).at(-1);
    expect(batch?.losses).toEqual([
      expect.objectContaining({ cause: 'damaged', count: 0, estimated: true }),
    ]);
    const [loss] = batch?.losses ?? [];
    expect(loss?.fromMs).toBeLessThan(loss?.toMs ?? 0);
    store.close();
  });

  it('says it once: also a start behind a kill finds nothing more', async () => {
    await damaged(0.4);
    const first = openSaying();
    expect(first.said).toHaveLength(1);
    for (let at = 0; at < 2; at += 1) await first.store.append([draftOf(device.did)]);
    const [db, wal] = [readFileSync(file), readFileSync(`${file}-wal`)];
    first.store.close();
    writeFileSync(file, db);
    writeFileSync(`${file}-wal`, wal);
    const again = openSaying();
    expect(again.said).toEqual([]);
    expect(names()).toHaveLength(2);
    again.store.close();
  });

  it('makes no more copies than a few', async () => {
    for (let times = 0; times < 6; times += 1) {
      rmSync(file, { force: true });
      await damaged(0.5);
      const { said, store } = openSaying();
      expect(said).toHaveLength(1);
      store.close();
    }
    expect(names()).toHaveLength(8);
  });
});

it('that lost its last batch alone says nothing: a power cut leaves the same', async () => {
  await damaged(0.999);
  const { said, store } = openSaying();
  expect(said).toEqual([]);
  expect(allBatches(store)).toHaveLength(7);
  store.close();
});
