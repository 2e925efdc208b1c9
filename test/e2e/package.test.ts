/**
 * The package as a gateway box installs it: packed, unpacked into an empty folder, installed
 * without development and optional packages, and its commands started by name.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bondline-package-'));
const installed = join(folder, 'package');
const commands = ['bondline-gateway', 'bondline-ingest', 'bondline-wallet', 'bondline-sim'];
// What `node` means to npm and to the commands' first line: the Node that runs this test.
const bin = join(folder, 'bin');
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };

let packed: string[] = [];

beforeAll(() => {
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  execFileSync(process.execPath, [join(project, 'scripts', 'build.mjs')], { stdio: 'pipe' });
  const said = npm(project, 'pack', '--json', '--pack-destination', folder);
  const [report] = JSON.parse(said) as [{ filename: string; files: { path: string }[] }];
  packed = report.files.map(({ path }) => path);
  execFileSync('tar', ['-xzf', join(folder, report.filename), '-C', folder]);
  // With the lock file, what is installed is what was tested, and the cache of npm has it.
  copyFileSync(join(project, 'package-lock.json'), join(installed, 'package-lock.json'));
  npm(installed, 'ci', '--omit=dev', '--omit=optional', '--prefer-offline', '--loglevel=error');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: 'pipe' });
}

function run(command: string, ...args: string[]) {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  const file = join(installed, manifest.bin[command]);
  const done = spawnSync(file, args, { cwd: folder, env, encoding: 'utf8' });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

describe('the packed tarball', () => {
  it('holds what runs, the pages and the examples, and nothing else', () => {
    const folders = new Set(packed.filter((path) => path.includes('/')).map(topOf));
    expect([...folders].sort()).toEqual(['dist', 'docs', 'examples']);
    expect(packed.filter((path) => /\.tsx?$|\.test\.|(^|\/)(test|var)\//.test(path))).toEqual([]);
    for (const side of ['gateway', 'ingest', 'devices/wallet', 'simulators']) {
      expect(packed).toContain(`dist/${side}/cli.js`);
    }
    expect(packed).toContain('docs/wire.md');
  });

  it('brings the console', () => {
    expect(packed.some((path) => /^dist\/ingest\/console\/.*\.html$/.test(path))).toBe(true);
  });
});

describe('the installed package', () => {
  it('left the optional packages out', () => {
    expect(existsSync(join(installed, 'node_modules', 'better-sqlite3'))).toBe(true);
    expect(existsSync(join(installed, 'node_modules', 'node-opcua'))).toBe(false);
    expect(existsSync(join(installed, 'node_modules', 'vitest'))).toBe(false);
  });

  it.each(commands)('starts %s', (command) => {
    const { code, out, err } = run(command, '--help');
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toContain(command);
  });

  it('checks the configuration of an example', () => {
    const config = join(installed, 'examples', 'border', 'neche', 'gateway.yaml');
    expect(run('bondline-gateway', 'check', config)).toMatchObject({ code: 0, err: '' });
    const wrong = run('bondline-gateway', 'check', join(folder, 'absent.yaml'));
    expect(wrong.code).not.toBe(0);
    expect(wrong.err).toContain('CFG_UNREADABLE');
  });
});

function topOf(path: string): string {
  return dirname(path).split('/')[0] ?? '';
}
