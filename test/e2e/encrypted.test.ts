/** An ingester whose databases are encrypted: every thread and every command reads them. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

it('starts again, admits, shows twins, proves that they can be rebuilt, and leaves nothing readable', async () => {
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
  expect(await running.end('SIGTERM')).toBe(0);
  running = undefined;

  const shown = await must('twin', before?.id ?? '', '--json');
  expect(shown).toContain(secret);
  await must('rebuild', '--check');
  const stored = readdirSync(folder.data, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map(({ name, parentPath }) => join(parentPath, name));
  const databases = ['journal.db', 'twins.db'].map((name) => join(folder.data, name));
  expect(stored).toEqual(expect.arrayContaining(databases));
  const readable = stored.filter((file) => {
    const bytes = readFileSync(file);
    // The lock is an empty database.
    const isPlain = bytes.includes('SQLite format') && !file.endsWith('lock.db');
    return isPlain || bytes.includes(secret);
  });
  expect(readable).toEqual([]);
}, 120_000);
