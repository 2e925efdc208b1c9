import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { missing } from '../../../scripts/ensure.mjs';

const folder = mkdtempSync(join(tmpdir(), 'bondline-ensure-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Packages = Record<string, { version: string; optional?: boolean }>;

const lock = {
  '': { dependencies: { ajv: '8' }, optionalDependencies: { opcua: '2' } },
  'node_modules/ajv': { version: '8.20.0' },
  'node_modules/opcua': { version: '2.1.0', optional: true },
  'node_modules/other-platform': { version: '1.0.0', optional: true },
};
const { 'node_modules/other-platform': _, '': __, ...complete } = lock;

/** A project folder with a lock file and what npm says is installed. */
function project(installed?: Packages, { node = true } = {}): string {
  const root = mkdtempSync(join(folder, 'project-'));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: lock }));
  if (!installed) return root;
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
  const hidden = join(root, 'node_modules', '.package-lock.json');
  writeFileSync(hidden, JSON.stringify({ packages: installed }));
  if (node) writeFileSync(join(root, 'node_modules', '.bin', 'node'), '');
  return root;
}

describe('what is missing', () => {
  it('is nothing when what the lock file names is installed', () => {
    expect(missing(project(complete))).toBeUndefined();
  });

  it('is everything on a fresh clone', () => {
    expect(missing(project())).toBe('nothing is installed');
  });

  it('is a package that is absent or of another version', () => {
    const { 'node_modules/ajv': ___, ...without } = complete;
    expect(missing(project(without))).toBe('ajv is not 8.20.0');
    const older = { ...complete, 'node_modules/ajv': { version: '8.19.0' } };
    expect(missing(project(older))).toBe('ajv is not 8.20.0');
  });

  it('is an optional package that we name ourselves, but not one for another platform', () => {
    const { 'node_modules/opcua': ___, ...without } = complete;
    expect(missing(project(without))).toBe('opcua is not 2.1.0');
  });

  it('is the pinned node', () => {
    expect(missing(project(complete, { node: false }))).toBe('the pinned node is not there');
  });
});

describe('a process in the foreground', () => {
  const scripts = fileURLToPath(new URL('../../../scripts/ensure.mjs', import.meta.url));

  /** Runs `child` through `run` in a process of its own, as npm does. */
  function start(child: string, options = '') {
    const program = `
      import { run } from ${JSON.stringify(scripts)};
      const child = ${JSON.stringify(child)};
      process.exit(await run(process.execPath, ['-e', child], { ${options} }));`;
    const args = ['--input-type=module', '-e', program];
    const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = new Promise<number | null>((resolve) => started.once('close', resolve));
    const said = new Promise<string>((resolve) =>
      started.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    return { started, exit, said };
  }

  it('hands on the exit code', async () => {
    expect(await start('process.exit(7)').exit).toBe(7);
    expect(await start('').exit).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('hands on %s and waits for the end', async (signal) => {
    const child = `
      process.on('${signal}', () => process.exit(42));
      setInterval(() => {}, 1000);
      console.log('ready');`;
    const { started, exit, said } = start(child);
    await said;
    started.kill(signal);
    expect(await exit).toBe(42);
  });

  it('leaves nothing behind when the child does not end', async () => {
    const child = `
      process.on('SIGTERM', () => {});
      setInterval(() => {}, 1000);
      console.log(process.pid);`;
    const { started, exit, said } = start(child, 'graceMs: 200');
    const pid = Number(await said);
    started.kill('SIGTERM');
    expect(await exit).toBe(137);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('is ended when its time is over', async () => {
    const { exit } = start('setInterval(() => {}, 1000)', 'timeoutMs: 300, graceMs: 2000');
    expect(await exit).toBe(143);
  });
});
