/** An ingester whose databases are encrypted: every thread and every command reads them. */
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { uplinkTopic } from '../../devices/envelope.ts';
import { eventually } from '../support/eventually.ts';
import {
  type IngesterFolder,
  ingesterFolder,
  type RunningIngester,
  runIngest,
  startRunning,
} from '../support/ingester.ts';
import { readingGroups } from '../support/signed-batch.ts';
import { makeWorld } from '../support/trust-world.ts';

let folder: IngesterFolder;
let running: RunningIngester | undefined;

beforeEach(() => {
  folder = ingesterFolder();
  appendFileSync(folder.config, 'encryption: { key: { file: store.key } }\n');
});
afterEach(async () => {
  await running?.end('SIGKILL');
  folder.remove();
});

/** Runs a command that must end well; what it prints. */
async function must(command: string, ...args: readonly string[]): Promise<string> {
  const { code, err, out } = await runIngest(command, folder.config, ...args);
  expect([code, err]).toEqual([0, '']);
  return out;
}

interface Seen {
  readonly twins: readonly { readonly id: string }[];
}
const ask = async (path: string) => (await fetch(`${running?.http}${path}`)).json();
const twins = async (): Promise<Seen['twins']> => ((await ask('/api/twins')) as Seen).twins;

it('starts again, admits, rebuilds, comes back from a copy, and leaves nothing readable', async () => {
  const world = makeWorld();
  const secret = world.organisation.did;
  await must('store', 'keygen');
  const papers = [world.document(), await world.enrolment({ validFromMs: Date.now() - 60_000 })];
  const files = papers.map((bytes, at) => {
    const file = join(folder.directory, at === 0 ? 'did.json' : 'fc-1.jwt');
    writeFileSync(file, bytes);
    return file;
  });
  await must('trust', 'add', ...files);

  const about = `${secret}/batch/1`;
  const send = async (): Promise<void> => {
    const nowMs = Date.now();
    const groups = readingGroups({ fromMs: nowMs - 2_000, times: 2, points: 2, about });
    const client = await connectAsync(running?.mqtt ?? '', { protocolVersion: 4 });
    const token = await world.device.next(nowMs, { groups });
    await client.publishAsync(uplinkTopic(world.fingerprint), Buffer.from(token), { qos: 1 });
    await client.endAsync();
  };
  const accepted = async () => ((await ask('/api/status')) as { accepted: number }).accepted;

  running = await startRunning(folder);
  await send();
  await eventually(async () => (await twins()).length > 0, 'a twin');
  const [before] = await twins();
  expect(await running.end('SIGTERM')).toBe(0);

  // The enrolment is looked up in the journal by the admission thread of another process.
  running = await startRunning(folder);
  await send();
  await eventually(async () => (await accepted()) === 1, 'a second batch');
  expect((await twins()).map(({ id }) => id)).toContain(before?.id);
  const copy = join(folder.directory, 'copy');
  await must('backup', '--out', copy);
  expect(await running.end('SIGTERM')).toBe(0);
  running = undefined;

  const shown = await must('twin', before?.id ?? '', '--json');
  expect(shown).toContain(secret);
  await must('rebuild', '--check');
  for (const place of [folder.data, copy]) {
    const stored = filesBelow(place);
    const databases = ['journal.db', 'twins.db'].map((name) => join(place, name));
    expect(stored).toEqual(expect.arrayContaining(databases));
    expect(stored.filter((file) => isReadable(file, secret))).toEqual([]);
  }

  // As on a machine whose disk is lost: the copy, and the store key that was kept apart from it.
  rmSync(folder.data, { recursive: true });
  const restored = await runIngest('restore', folder.config, copy, '--json');
  expect(restored.err).toMatch(/^ENTRIES AFTER /);
  const { page } = JSON.parse(restored.out) as Restored;
  expect(page).toMatchObject({ encrypted: true, keys: false });
  expect(await must('twin', before?.id ?? '', '--json')).toBe(shown);
  await must('rebuild', '--check');
  expect(filesBelow(folder.data).filter((file) => isReadable(file, secret))).toEqual([]);
  writeFileSync(join(folder.directory, 'store.key'), 'another key\n');
  expect((await runIngest('backup', folder.config, '--verify', copy)).err).toMatch(/^[A-Z_]+: /);
}, 120_000);

interface Restored {
  readonly page: { readonly encrypted: boolean; readonly keys: boolean };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map(({ name, parentPath }) => join(parentPath, name));
}

function isReadable(file: string, secret: string): boolean {
  const bytes = readFileSync(file);
  // The lock is an empty database.
  const isPlain = bytes.includes('SQLite format') && !file.endsWith('lock.db');
  return isPlain || bytes.includes(secret);
}
