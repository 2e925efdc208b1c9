/** An outbox whose database is malformed: what proves itself is carried over, the rest is told. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Signer } from '../../../devices/identity/signer.ts';
import { openDatabase } from '../../../devices/io/sqlite.ts';
import { isMalformed, salvageOutbox } from '../../../gateway/outbox-salvage.ts';
import { outboxSchema } from '../../../gateway/outbox-tables.ts';
import { memorySigner } from '../../support/identity.ts';
import { allBatches, draftOf, openStore } from './support/outbox-world.ts';

const at = 1_767_225_600_000;
const BATCHES = 60;
let directory = '';
let file = '';
let devices: Signer[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'outbox-salvage-'));
  file = join(directory, 'outbox.db');
  devices = [memorySigner(), memorySigner()];
  const { db, store } = openStore({ file, devices });
  for (let n = 0; n < BATCHES; n += 1) {
    await store.append([draftOf(devices[n % 2]?.did ?? '', at + 1_000 * n)]);
  }
  db.pragma('wal_checkpoint(TRUNCATE)');
  store.close();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function malformed(): boolean {
  const db = openDatabase(file, { readonly: true, schema: outboxSchema });
  try {
    return isMalformed(db);
  } finally {
    db.close();
  }
}

/** Writes zeros over the leaf page of the table where the row of an id stands. */
function zeroPageOf(id: number): void {
  const db = openDatabase(file, { readonly: true, schema: outboxSchema });
  const pageSize = Number(db.pragma('page_size', { simple: true }));
  const { device, digest } = db
    .prepare('SELECT device, digest FROM batch WHERE id = ?')
    .get(id) as Record<'device' | 'digest', string>;
  db.close();
  // In an index the digest stands without the device.
  const row = new RegExp(`${device}[^]{0,8}${digest}`, 'g');
  const text = readFileSync(file).toString('latin1');
  // The root of the table still has bytes of rows that moved to a page of their own.
  const place = [...text.matchAll(row)].at(-1)?.index ?? 0;
  expect(place).toBeGreaterThan(0);
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(pageSize), 0, pageSize, Math.floor(place / pageSize) * pageSize);
  closeSync(handle);
}

it.each([1, 30, BATCHES])(
  'is carried over but for what cannot be read, and the losses name the places: %i',
  async (id) => {
    expect(malformed()).toBe(false);
    zeroPageOf(id);
    expect(malformed()).toBe(true);
    const salvaged = salvageOutbox(file, () => {});
    expect(salvaged.carried).toBeGreaterThan(BATCHES / 2);
    expect(salvaged.carried + salvaged.damaged + salvaged.unreadable).toBe(BATCHES);
    expect(salvaged.unreadable).toBeGreaterThan(0);
    expect(existsSync(salvaged.kept)).toBe(true);
    expect(malformed()).toBe(false);
    const databases = readdirSync(directory).filter((name) => !/-(wal|shm)$/.test(name));
    expect(databases.sort()).toEqual(['disk.probe', 'outbox.db', 'outbox.db.damaged-1']);

    const { store } = openStore({ file, devices });
    const kept = allBatches(store);
    expect(kept).toHaveLength(salvaged.carried);
    // The next batches say which places are missing, under a new epoch.
    for (const { did } of devices) await store.append([draftOf(did, at + 100_000)]);
    const told = allBatches(store).slice(kept.length);
    const places = new Set(kept.map(({ device, sequence }) => `${device} ${sequence}`));
    for (const batch of told) {
      expect(batch.epoch.counter).toBe(2);
      for (const { batches, cause, estimated } of batch.losses) {
        expect([cause, estimated]).toEqual(['damaged', true]);
        for (let n = batches?.first ?? 0; n <= (batches?.last ?? -1); n += 1) {
          places.add(`${batch.device} ${n}`);
        }
      }
    }
    expect(places.size).toBe(BATCHES);
    store.close();
  },
);

it('goes on where a history was, though the row that says so is gone', async () => {
  zeroPageOf(10);
  const db = openDatabase(file, { schema: outboxSchema });
  db.prepare('DELETE FROM device WHERE did = ?').run(devices[0]?.did);
  db.close();
  const salvaged = salvageOutbox(file, () => {});
  expect(salvaged.placesFromBatches).toBe(1);
  const { store } = openStore({ file, devices });
  const last = allBatches(store).findLast(({ device }) => device === devices[0]?.did);
  await store.append([draftOf(devices[0]?.did ?? '', at + 100_000)]);
  const next = allBatches(store).at(-1);
  expect(next?.epoch).toMatchObject({ counter: 2, follows: last?.digest });
  store.close();
});
