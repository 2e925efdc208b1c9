/**
 * "Your own meter in five minutes", exactly as the top README says it: its commands are taken from
 * there and run in their order. Only addresses are put in, as a reader would.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Document, parseDocument } from 'yaml';
import { projectRoot, RunningCommand } from '../support/commands.ts';
import { freePort } from '../support/ports.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-own-meter-'));
const running: RunningCommand[] = [];
let http: number;

/** The commands of the README's section, without what they are told in comments. */
const commands = readFileSync(join(projectRoot, 'README.md'), 'utf8')
  .split('## Your own meter in five minutes')[1]
  ?.split('\n## ')[0]
  ?.split('\n')
  .filter((line) => /^(npx |head )/.test(line))
  .map((line) => line.replace(/\s+#.*$/, ''));

beforeAll(async () => {
  cpSync(join(projectRoot, 'examples', 'own-meter'), directory, { recursive: true });
  const meter = new RunningCommand('sim', ['device', 'registers', '--units', '1', '--attached']);
  running.push(meter);
  const { port } = new URL(String((await meter.ready())['url']));
  http = await freePort();
  const mqtt = await freePort();
  edit('ingest.yaml', (document) => {
    document.setIn(['http', 'port'], http);
    document.setIn(['sources', 0, 'connection', 'port'], mqtt);
  });
  edit('gateway.yaml', (document) => {
    document.setIn(['devices', 0, 'connection', 'port'], Number(port));
    document.setIn(['uplink', 'connection', 'url'], `mqtt://127.0.0.1:${mqtt}`);
  });
});

afterAll(async () => {
  for (const command of running.reverse()) await command.kill();
  rmSync(directory, { recursive: true, force: true });
});

describe('the README’s five minutes', () => {
  it('has the commands that this test knows', () => {
    expect(commands?.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'npx bondline-gateway check',
      'npx bondline-gateway read',
      'head -c 32',
      'npx bondline-ingest run',
      'npx bondline-wallet init',
      'npx bondline-gateway keygen',
      'npx bondline-gateway enrol-request',
      'npx bondline-wallet enrol',
      'npx bondline-wallet publish',
      'npx bondline-ingest trust',
      'npx bondline-gateway run',
    ]);
  });

  it('lead from a register map to a twin', async () => {
    const [check = '', read = '', passphrase = '', , ...rest] = commands ?? [];
    expect(await shell(check)).toContain('no mistakes');
    expect(await shell(read)).toMatch(/meter-1 +flowRate +[0-9a-f]{8} /);
    await shell(passphrase);

    const ingester = start('ingest', 'ingest.yaml');
    const did = String((await ingester.ready())['ingester']);
    edit('gateway.yaml', (document) => document.setIn(['uplink', 'ingester'], did));
    for (const line of rest.slice(0, -1)) await shell(line);

    const gateway = start('gateway', 'gateway.yaml');
    await gateway.line((line) => Number(line['delivered']) > 0);
    const goods = async () => {
      const answer = await fetch(`http://127.0.0.1:${http}/api/twins`);
      const { twins } = (await answer.json()) as { twins: { kind: string; uri: string }[] };
      return twins.filter(({ kind }) => kind === 'pipeline-batch');
    };
    await expect.poll(goods, { timeout: 20_000 }).not.toEqual([]);
    expect((await goods())[0]?.uri).toMatch(/^did:web:you\.example\/batch\/\d+$/);
  });
});

function edit(name: string, change: (document: Document) => void): void {
  const file = join(directory, name);
  const document = parseDocument(readFileSync(file, 'utf8'));
  change(document);
  writeFileSync(file, document.toString());
}

/** Long-running commands are started by themselves, to hear when they are ready. */
function start(command: 'gateway' | 'ingest', config: string): RunningCommand {
  const started = new RunningCommand(command, ['run', join(directory, config), '--json']);
  running.push(started);
  return started;
}

/** Runs a line as a shell would, with the project's commands on the path as `npx` finds them. */
async function shell(line: string): Promise<string> {
  const path = `${join(projectRoot, 'node_modules', '.bin')}${delimiter}${process.env['PATH']}`;
  const child = spawn('sh', ['-c', line.replace(/^npx /, '')], {
    cwd: directory,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const code = await new Promise((done) => child.once('close', done));
  expect(code, `${line}\n${said}`).toBe(0);
  return said;
}
