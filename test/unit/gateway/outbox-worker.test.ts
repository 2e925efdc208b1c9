import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openToken, verifyToken } from '../../../devices/credential/jws.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import type { EdgeError } from '../../../devices/errors.ts';
import { publicKeyOfDid } from '../../../devices/identity/did-key.ts';
import { openFileKeyStore } from '../../../devices/io/key-store-file.ts';
import { lockDirectory, openDatabase } from '../../../devices/io/sqlite.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { openOutbox } from '../../../gateway/outbox-client.ts';
import type { OutboxSettings } from '../../../gateway/outbox-message.ts';
import { outboxSchema } from '../../../gateway/outbox-tables.ts';
import { draftOf, openBatch } from './support/outbox-world.ts';

let keys = '';
let directory = '';
let settings: OutboxSettings;
beforeAll(async () => {
  keys = mkdtempSync(join(tmpdir(), 'outbox-keys-'));
  writeFileSync(join(keys, 'passphrase'), 'a passphrase for one test\n', { mode: 0o600 });
  const store = await openFileKeyStore(join(keys, 'keys.json'), join(keys, 'passphrase'));
  for (const label of ['gateway', 'fc-1']) await store.create(label, 'ES256');
  await store.close();
});
afterAll(() => rmSync(keys, { recursive: true, force: true }));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'outbox-worker-'));
  cpSync(keys, directory, { recursive: true });
  settings = {
    file: join(directory, 'data', 'outbox.db'),
    keys: {
      settings: { store: 'file', path: join(directory, 'keys.json'), secret: {} },
      secret: 'a passphrase for one test',
    },
    labels: ['gateway', 'fc-1'],
    bytesMax: 1024 * 1024 * 1024,
    whenFull: 'keep-oldest',
  };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The code of the error with which opening fails. */
async function refusal(given: OutboxSettings): Promise<string> {
  try {
    const { outbox } = await openOutbox(given, silentLog);
    await outbox.close();
    return 'opened';
  } catch (error) {
    return (error as EdgeError).code;
  }
}

describe('the outbox in its worker', () => {
  it('signs with the device’s key, keeps across restarts, and forgets what is settled', async () => {
    const first = await openOutbox(settings, silentLog);
    const did = first.identities.find(({ label }) => label === 'fc-1')?.did ?? '';
    expect(first.identities.map(({ label }) => label)).toEqual(['gateway', 'fc-1']);
    const big = { ...draftOf(did), groups: [] };
    const wide = 2n ** 64n - 1n;
    const [reading] = draftOf(did, undefined, 1).groups;
    const readings = reading?.readings.map((r) => ({ ...r, value: wide })) ?? [];
    await Promise.all([
      first.outbox.append(draftOf(did)),
      first.outbox.append({ ...big, groups: [{ timeMs: 1, readings }] }),
    ]);
    await first.outbox.close();

    const second = await openOutbox(settings, silentLog);
    const rows = await second.outbox.peek({ after: 0, count: 10 });
    const batches = rows.map(({ token }) => openBatch(token));
    expect(batches.map((b) => [b.device, b.sequence])).toEqual([
      [did, 1],
      [did, 2],
    ]);
    expect(batches[1]?.groups[0]?.readings[0]?.value).toBe(wide);
    const settled = await second.outbox.settle([
      { digest: rows[0]?.digest ?? '', outcome: 'accepted' },
    ]);
    expect(settled).toEqual({ accepted: 3, refused: 0 });
    expect(await second.outbox.stats()).toMatchObject({ rows: 1, readings: 1, lastId: 2 });
    expect(await second.outbox.marks()).toHaveLength(1);
    await second.outbox.close();
    await expect(second.outbox.stats()).rejects.toMatchObject({ code: 'GW_OUTBOX_FAILED' });
  });

  it('signs with the gateway’s key what it is to say, as the kind that it is', async () => {
    const { identities, outbox, vouch } = await openOutbox(settings, silentLog);
    const did = identities.find(({ label }) => label === 'gateway')?.did ?? '';
    for (const typ of ['bondline-certificate-request+jwt', 'bondline-witness+jwt'] as const) {
      const opened = openToken(await vouch({ payload: '{"says":"so"}', typ }), 1_000, typ);
      if (isRefusal(opened)) throw new Error(opened.reason);
      expect([opened.payloadText, verifyToken(opened, publicKeyOfDid(did))]).toEqual([
        '{"says":"so"}',
        true,
      ]);
    }
    await outbox.close();
  });

  it('rejects what is asked after its database failed, and says so', async () => {
    const { outbox } = await openOutbox(settings, silentLog);
    const stranger = draftOf('did:key:zDnaeStranger');
    await expect(outbox.append(stranger)).rejects.toMatchObject({ code: 'GW_OUTBOX_FAILED' });
    await expect(outbox.stats()).rejects.toMatchObject({ code: 'GW_OUTBOX_FAILED' });
    await outbox.close();
  });
});

describe('a start that cannot go well changes nothing', () => {
  it('with a wrong passphrase', async () => {
    const keys = { ...settings.keys, secret: 'wrong' };
    expect(await refusal({ ...settings, keys })).toBe('KEY_PASSPHRASE_WRONG');
    expect(existsSync(join(directory, 'data'))).toBe(false);
  });

  it('without a device’s key', async () => {
    const labels = [...settings.labels, 'fc-2'];
    expect(await refusal({ ...settings, labels })).toBe('KEY_NOT_FOUND');
    expect(existsSync(join(directory, 'data'))).toBe(false);
  });

  it('with a database of a newer version', async () => {
    openDatabase(settings.file, { schema: [...outboxSchema, 'CREATE TABLE newer (a)'] }).close();
    const before = readFileSync(settings.file);
    expect(await refusal(settings)).toBe('DB_NEWER');
    expect(readFileSync(settings.file)).toEqual(before);
  });

  it('with a file that is no database', async () => {
    openDatabase(settings.file, { schema: outboxSchema }).close();
    writeFileSync(
      settings.file,
      'this is not a database, though it is long enough to be one '.repeat(20),
    );
    expect(await refusal(settings)).toBe('DB_DAMAGED');
  });

  it('in a directory that cannot be', async () => {
    const file = join(directory, 'keys.json', 'data', 'outbox.db');
    expect(await refusal({ ...settings, file })).toBe('CFG_DIRECTORY_UNWRITABLE');
  });

  it('in a directory that another process uses, until that is gone', async () => {
    const release = lockDirectory(join(directory, 'data'));
    expect(await refusal(settings)).toBe('DB_IN_USE');
    expect(existsSync(settings.file)).toBe(false);
    release();
    expect(await refusal(settings)).toBe('opened');
  });
});

describe('a process that is killed', () => {
  const child = fileURLToPath(new URL('./support/outbox-child.ts', import.meta.url));

  /** Appends in a process of its own until `kills` says so; resolves with what it was told. */
  function appendUntilKilled(afterLines: number): Promise<number> {
    const process_ = spawn(process.execPath, [child, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = 0;
    createInterface({ input: process_.stdout }).on('line', () => {
      acknowledged += 1;
      if (acknowledged === afterLines) process_.kill('SIGKILL');
    });
    return new Promise((done) => process_.once('close', () => done(acknowledged)));
  }

  it('has every batch that it was told is durable, each place once, in one chain', async () => {
    let acknowledged = 0;
    for (const afterLines of [1, 17, 40]) acknowledged += await appendUntilKilled(afterLines);
    const { outbox } = await openOutbox(settings, silentLog);
    const rows = await outbox.peek({ after: 0, count: 10_000 });
    await outbox.close();
    expect(acknowledged).toBeGreaterThanOrEqual(58);
    expect(rows.length).toBeGreaterThanOrEqual(acknowledged);
    const batches = rows.map(({ token }) => openBatch(token));
    const places = batches.map((b) => `${b.epoch.counter}/${b.sequence}`);
    expect(new Set(places).size).toBe(places.length);
    for (const [index, batch] of batches.entries()) {
      expect(batch.previous?.digest).toBe(batches[index - 1]?.digest);
    }
    expect(Math.max(...batches.map((b) => b.epoch.counter))).toBe(3);
  });
});
