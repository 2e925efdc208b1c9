/** Mosquitto as a process of its own, on loopback, with a folder that outlives its restarts. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/ports.ts';

export interface Mosquitto {
  readonly url: string;
  readonly port: number;
  /** Ends the process (orderly, so that it writes its sessions down) and starts it again. */
  restart(): Promise<void>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

export interface MosquittoOptions {
  /** User name and password that it asks for. */
  readonly user?: readonly [name: string, password: string];
  /** Paths; clients must show a certificate of `ca`, and it shows `cert`. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Further lines of its configuration. */
  readonly lines?: readonly string[];
}

/** Starts Mosquitto on a free port. Sessions and their messages are kept over a restart. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const { tls, user } = options;
  const folder = mkdtempSync(join(tmpdir(), 'bondline-mosquitto-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  const passwords = join(folder, 'passwords');
  if (user) execFileSync('mosquitto_passwd', ['-b', '-c', passwords, ...user]);
  const lines = [
    `listener ${port} 127.0.0.1`,
    ...(user ? [`password_file ${passwords}`, 'allow_anonymous false'] : ['allow_anonymous true']),
    ...(tls
      ? [
          `cafile ${tls.ca}`,
          `certfile ${tls.cert}`,
          `keyfile ${tls.key}`,
          'require_certificate true',
        ]
      : []),
    'persistence true',
    `persistence_location ${folder}/`,
    'max_queued_messages 0',
    // It would change to an account that cannot write here.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    ...(options.lines ?? []),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  let child = await start(config);
  return {
    url: `${tls ? 'mqtts://localhost' : 'mqtt://127.0.0.1'}:${port}`,
    port,
    restart: async () => {
      await end(child);
      child = await start(config);
    },
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true });
    },
  };
}

async function start(config: string): Promise<ChildProcess> {
  const program = existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto';
  const child = spawn(program, ['-c', config, '-v'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      said.push(chunk.toString());
      if (/ running\b/.test(said.join(''))) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`mosquitto ended (${code}): ${said.join('')}`)));
  });
  // Whatever it says from now on is not kept, but must be read.
  for (const stream of [child.stdout, child.stderr]) stream.removeAllListeners('data').resume();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
