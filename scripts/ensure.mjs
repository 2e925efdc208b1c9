/**
 * Installs what is missing and says where the pinned Node is. Like every script of this folder it
 * is plain JavaScript without dependencies for Node 20 or later, since it runs before anything is
 * installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const bin = join(root, 'node_modules', '.bin');

/** The pinned Node, which everything but these scripts runs on. */
export const node = join(bin, process.platform === 'win32' ? 'node.cmd' : 'node');

/** Writes one line of progress to standard error; standard output belongs to results. */
export function progress(line) {
  process.stderr.write(`${line}\n`);
}

/** The environment of everything started from here: `node` means the pinned one. */
export function environment(extra = {}) {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, ...extra };
}

/**
 * Installs what `package-lock.json` names, if `node_modules` is anything else. Ends the process
 * when that fails.
 */
export function ensure() {
  const reason = missing();
  if (reason === undefined) return;
  progress(`installing what package-lock.json names (${reason}); this takes about a minute`);
  npm(process.execPath, ['ci']);
  // Under a Node that is older than an optional package asks for, npm leaves that package out and
  // says nothing. The pinned Node is there now and is new enough.
  if (missing() !== undefined && existsSync(node)) npm(node, ['install', '--no-save']);
  const still = missing();
  if (still === undefined) return;
  progress(`npm ended, but ${still}: remove node_modules and try again`);
  process.exit(1);
}

/** Runs npm on the given Node. Its report goes to standard error: ours may be read as JSON. */
function npm(runtime, command) {
  const args = [...command, '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  // npm names its own program in npm_execpath; outside npm the one on the PATH is taken.
  const program = process.env.npm_execpath?.endsWith('.js') ? process.env.npm_execpath : undefined;
  const options = { cwd: root, stdio: ['ignore', 2, 2], env: environment() };
  const done = program
    ? spawnSync(runtime, [program, ...args], options)
    : spawnSync('npm', args, options);
  if (done.error) progress(`npm could not be started: ${done.error.message}`);
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** Why an installation is needed, or `undefined` when everything is there. */
export function missing(folder = root) {
  const modules = join(folder, 'node_modules');
  const installedFile = join(modules, '.package-lock.json');
  if (!existsSync(installedFile)) return 'nothing is installed';
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  const top = wanted[''];
  const direct = { ...top.dependencies, ...top.devDependencies, ...top.optionalDependencies };
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const name = path.slice('node_modules/'.length);
    // npm leaves out packages for other platforms, and what only those need.
    if (installed[path] === undefined && entry.optional && !(name in direct)) continue;
    if (installed[path]?.version !== entry.version) return `${name} is not ${entry.version}`;
  }
  if (!existsSync(join(modules, '.bin', 'node'))) return 'the pinned node is not there';
  return undefined;
}

/**
 * Runs a command in the foreground and resolves with its exit code (128 + number after a signal,
 * as shells say it). SIGINT, SIGTERM and SIGHUP are passed on; a child that is still there
 * `graceMs` later is killed, so that nothing is left behind. With `timeoutMs` it is ended then.
 */
export function run(command, args, options = {}) {
  const { stdio = 'inherit', env = environment(), graceMs = 6_000, timeoutMs } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio, env });
    let killer;
    const pass = (signal) => {
      child.kill(signal);
      killer ??= setTimeout(() => child.kill('SIGKILL'), graceMs);
    };
    const expiry = timeoutMs && setTimeout(expire, timeoutMs);
    function expire() {
      progress(`ended after ${Math.round(timeoutMs / 60_000)} minutes: ${args.join(' ')}`);
      pass('SIGTERM');
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    const end = (code) => {
      clearTimeout(killer);
      clearTimeout(expiry);
      for (const signal of signals) process.off(signal, pass);
      resolve(code);
    };
    child.on('error', (error) => {
      progress(`${command} could not be started: ${error.message}`);
      end(1);
    });
    child.on('exit', (code, signal) => end(code ?? 128 + constants.signals[signal]));
  });
}
