/** A serial port that leads to a socket, by socat: what stands behind it is a device in a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './driver-context.ts';

export interface SerialLine {
  /** Path of the port. */
  readonly path: string;
  /** How often this process has the port open. */
  opened(): number;
  /** Pulls the adapter: the port hangs up and its file is gone. Resolves when it is. */
  unplug(): Promise<void>;
  /** Plugs it in again, under the same name. Resolves when the file is there. */
  plug(): Promise<void>;
  /** Unplugs it for good. */
  stop(): Promise<void>;
}

/** A port whose bytes go to, and come from, 127.0.0.1:`port`. */
export async function startSerialLine(port: number): Promise<SerialLine> {
  const folder = mkdtempSync(join(tmpdir(), 'bondline-serial-'));
  const path = join(folder, 'port');
  let socat: ChildProcess | undefined;
  let device = '';
  const plug = async () => {
    const ends = [`pty,raw,echo=0,link=${path}`, `tcp:127.0.0.1:${port},nodelay`];
    socat = spawn('socat', ends, { stdio: 'ignore' });
    await until(() => existsSync(path));
    device = realpathSync(path);
  };
  const unplug = async () => {
    if (socat === undefined) return;
    const ended = socat.exitCode !== null || socat.signalCode !== null;
    const exit = ended ? undefined : once(socat, 'exit');
    // SIGTERM in the moment in which it opens its other end can hold it up for ever.
    socat.kill('SIGKILL');
    await exit;
    socat = undefined;
    rmSync(path, { force: true });
  };
  await plug();
  return {
    path,
    plug,
    unplug,
    opened: () => readdirSync('/proc/self/fd').filter((fd) => leadsTo(fd) === device).length,
    async stop() {
      await unplug();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function leadsTo(fd: string): string | undefined {
  try {
    return readlinkSync(join('/proc/self/fd', fd));
  } catch {
    // Closed since the folder was read.
    return undefined;
  }
}
