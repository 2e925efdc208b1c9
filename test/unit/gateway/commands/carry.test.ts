/** `carry` as a person runs it, without a gateway, beside a running one, and before a kill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../../../../devices/credential/jws.ts';
import { custody } from '../../../../devices/credential/party/custody.ts';
import { openDatabase } from '../../../../devices/io/sqlite.ts';
import { outboxSchema } from '../../../../gateway/outbox-tables.ts';
import { memorySigner } from '../../../support/identity.ts';
import { loneMeterConfig } from '../../../support/lone-meter.ts';
import { custodyStep } from '../../../support/party.ts';

const cli = fileURLToPath(new URL('../../../../gateway/cli.ts', import.meta.url));

let directory = '';
let config = '';
let running: ChildProcess | undefined;

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, out, err };
}

/** A file with a custody step that nobody has seen before. */
async function paperFile(name: string): Promise<{ file: string; token: Uint8Array }> {
  const payload = custody.compose(custodyStep());
  const token = await signToken({ payload, signer: memorySigner(), typ: 'vc+jwt' });
  const file = join(directory, name);
  writeFileSync(file, Buffer.concat([token, Buffer.from('\n')]));
  return { file, token };
}

/** What waits, read as another process sees it on the disk. */
function tokens(): Buffer[] {
  const db = openDatabase(join(directory, 'data', 'outbox.db'), {
    readonly: true,
    schema: outboxSchema,
  });
  const rows = db.prepare('SELECT token FROM batch WHERE paper IS NOT NULL ORDER BY id').all();
  db.close();
  return rows.map((row) => Buffer.from((row as { token: Uint8Array }).token));
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'carry-'));
  config = join(directory, 'gateway.yaml');
  writeFileSync(join(directory, 'passphrase'), 'a passphrase for one test\n', { mode: 0o600 });
  writeFileSync(
    config,
    loneMeterConfig({
      data: './data',
      ingester: 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169',
    }),
  );
  expect((await run('keygen', config)).err).toBe('');
});
afterAll(() => {
  running?.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

describe('carry', () => {
  it('keeps papers while no gateway runs, all of them or none, each once', async () => {
    const one = await paperFile('one.jwt');
    const two = await paperFile('two.jwt');
    const letter = join(directory, 'letter.txt');
    writeFileSync(letter, 'dear customs');
    const refused = await run('carry', config, one.file, letter);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('letter.txt');
    const kept = await run('carry', config, one.file, two.file, '--json');
    expect(kept).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(kept.out).carried).toMatchObject([{ family: 'custody' }, {}]);
    expect((await run('carry', config, one.file)).code).toBe(0);
    expect(tokens()).toEqual([Buffer.from(one.token), Buffer.from(two.token)]);
    const listed = JSON.parse((await run('outbox', config, 'list', '--json')).out);
    expect(listed.papers).toMatchObject([
      { family: 'custody', party: 'did:web:northline.example', bytes: one.token.length },
      { digest: expect.stringMatching(/^uEi/) },
    ]);
    expect((await run('outbox', config, 'list')).out).toContain('custody');
    expect((await run('outbox', config, 'verify')).code).toBe(0);
  });

  it('is done beside a running gateway when it is on disk, and a kill takes nothing', async () => {
    running = spawn(process.execPath, [cli, 'run', config, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { stdout } = running;
    if (!stdout) throw new Error('no output');
    await new Promise((done) => createInterface({ input: stdout }).once('line', done));
    const before = tokens().length;
    const three = await paperFile('three.jwt');
    const kept = await run('carry', config, three.file);
    running.kill('SIGKILL');
    expect(kept).toMatchObject({ code: 0, err: '' });
    expect(tokens().slice(before)).toEqual([Buffer.from(three.token)]);
  });

  it('wants a file', async () => {
    expect((await run('carry', config)).code).toBe(2);
    expect((await run('carry', config, join(directory, 'nowhere'))).code).toBe(1);
  });
});
