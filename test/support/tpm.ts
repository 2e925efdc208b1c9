/**
 * A TPM 2.0 in software (swtpm) with what Linux puts before one: a resource manager (tpm2-abrmd) on
 * a message bus of its own, and tpm2-pkcs11, whose library is used like any token's.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort, isFree } from './ports.ts';

export const TPM_MODULE = '/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so';
const PIN = '4321';
/** Name under which tpm2-abrmd stands on its bus. */
const BROKER = 'com.intel.tss2.Tabrmd';

export interface Tpm {
  readonly module: string;
  readonly pin: string;
  readonly token: string;
  /** A store of tpm2-pkcs11 with one empty token, which this process uses from now on. */
  newStore(): { readonly file: string };
  stop(): Promise<void>;
}

export async function startTpm(): Promise<Tpm> {
  const folder = mkdtempSync(join(tmpdir(), 'tpm-'));
  const running: ChildProcess[] = [];
  const start = (command: string, args: readonly string[], env = {}) => {
    const path = `${process.env['PATH']}:/usr/sbin`;
    const child = spawn(command, args, {
      stdio: 'ignore',
      env: { ...process.env, PATH: path, ...env },
    });
    child.on('error', () => undefined);
    running.push(child);
  };
  const stop = async () => {
    for (const child of running.reverse()) {
      const gone = new Promise((resolve) => child.once('close', resolve));
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const environment = await startParts(folder, start);
    const template = makeToken(folder, environment);
    Object.assign(process.env, environment);
    let stores = 0;
    return {
      module: TPM_MODULE,
      pin: PIN,
      token: 'bondline',
      newStore() {
        stores += 1;
        const path = join(folder, `store-${stores}`);
        cpSync(template, path, { recursive: true });
        process.env['TPM2_PKCS11_STORE'] = path;
        return { file: join(path, 'tpm2_pkcs11.sqlite3') };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Environment = Readonly<Record<string, string>>;

async function startParts(
  folder: string,
  start: (command: string, args: readonly string[], env?: Environment) => void,
): Promise<Environment> {
  const state = join(folder, 'state');
  mkdirSync(state);
  execFileSync('swtpm_setup', ['--tpm2', '--tpmstate', state, '--overwrite'], { stdio: 'ignore' });
  const port = await twoFreePorts();
  const tcp = (number: number) => `type=tcp,port=${number},bindaddr=127.0.0.1`;
  const pid = join(folder, 'swtpm.pid');
  start('swtpm', [
    ...['socket', '--tpm2', '--tpmstate', `dir=${state}`, '--pid', `file=${pid}`],
    ...['--server', tcp(port), '--ctrl', tcp(port + 1)],
    ...['--flags', 'not-need-init,startup-clear'],
  ]);
  const bus = join(folder, 'bus');
  const address = `unix:path=${bus}`;
  const conf = join(folder, 'bus.conf');
  writeFileSync(conf, busConfig(address));
  start('dbus-daemon', [`--config-file=${conf}`, '--nofork', '--nopidfile']);
  await eventually(() => existsSync(pid) && existsSync(bus), 'TPM and bus are there');
  const environment = {
    DBUS_SYSTEM_BUS_ADDRESS: address,
    TPM2_PKCS11_TCTI: 'tabrmd:',
    TPM2TOOLS_TCTI: 'tabrmd:',
  };
  const tcti = `--tcti=swtpm:host=127.0.0.1,port=${port}`;
  start('tpm2-abrmd', ['--allow-root', tcti], environment);
  await eventually(() => hasOwner(address), 'the resource manager is there');
  return environment;
}

/** swtpm's clients take it that its control port is the next one. */
async function twoFreePorts(): Promise<number> {
  for (let tries = 0; tries < 20; tries += 1) {
    const port = await freePort();
    if (await isFree(port + 1)) return port;
  }
  throw new Error('no two free ports stand side by side');
}

function hasOwner(address: string): boolean {
  const question = ['org.freedesktop.DBus.NameHasOwner', `string:${BROKER}`];
  const to = ['--dest=org.freedesktop.DBus', '/'];
  const args = [`--bus=${address}`, '--print-reply=literal', ...to, ...question];
  return execFileSync('dbus-send', args, { encoding: 'utf8' }).includes('true');
}

/** A store of tpm2-pkcs11 with one token; its keys are wrapped by the TPM. */
function makeToken(folder: string, environment: Environment): string {
  const path = join(folder, 'template');
  mkdirSync(path);
  const env = { ...process.env, ...environment, TPM2_PKCS11_STORE: path };
  const run = (...args: string[]) =>
    execFileSync('tpm2_ptool', [...args, '--path', path], { env, stdio: 'pipe' });
  run('init');
  run('addtoken', '--pid=1', '--label=bondline', '--sopin=87654321', `--userpin=${PIN}`);
  return path;
}

function busConfig(address: string): string {
  const policy = [
    '<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>',
    '<allow own="*"/><allow user="*"/>',
  ].join('');
  return [
    '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"',
    ' "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">',
    `<busconfig><type>session</type><listen>${address}</listen><auth>EXTERNAL</auth>`,
    `<policy context="default">${policy}</policy></busconfig>`,
  ].join('\n');
}

/** Bytes of the store that a test looks into. */
export function bytesOf(store: { readonly file: string }): Buffer {
  return readFileSync(store.file);
}
