/** Mosquitto as a process of its own, on loopback, with a folder that outlives its restarts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/modbus-slave.ts';

export interface Mosquitto {
  readonly url: string;
  readonly port: number;
  /** Ends the process (orderly, so that it writes its sessions down) and starts it again. */
  restart(): Promise<void>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** Starts Mosquitto on a free port. Sessions and their messages are kept over a restart. */
export async function startMosquitto(): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), 'bondline-mosquitto-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${folder}/`,
    'max_queued_messages 0',
    // It would change to an account that cannot write here.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  let child = await start(config);
  return {
    url: `mqtt://127.0.0.1:${port}`,
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
