/** Limits of a process that runs already (prlimit): files' size, descriptors, memory. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export type ProcessLimit = 'fsize' | 'nofile' | 'data';

/** Room that is left for more memory, bytes: some calls still succeed, which is worse. */
const MEMORY_LEFT = 2 * 1024 * 1024;

/** Why limits cannot be set here; `undefined` where they can. */
export function limitObstacle(): string | undefined {
  return setLimit(process.pid, 'nofile', 4_096) ? undefined : 'prlimit is missing (util-linux)';
}

/** Takes from the process what it has no more of than now; `false` where it is gone. */
export function takeAway(pid: number, limit: ProcessLimit): boolean {
  try {
    if (limit === 'fsize') return setLimit(pid, limit, 1_024);
    if (limit === 'nofile') {
      return setLimit(pid, limit, readdirSync(`/proc/${pid}/fd`).length);
    }
    const [, kibibytes = '0'] = /^VmData:\s+(\d+)/m.exec(statusOf(pid)) ?? [];
    return setLimit(pid, limit, 1_024 * Number(kibibytes) + MEMORY_LEFT);
  } catch {
    return false;
  }
}

export function giveBack(pid: number, limit: ProcessLimit): void {
  setLimit(pid, limit, limit === 'nofile' ? 4_096 : 'unlimited');
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}

/** The soft limit alone, so that it can be raised again. */
function setLimit(pid: number, limit: ProcessLimit, value: number | 'unlimited'): boolean {
  const words = ['--pid', String(pid), `--${limit}=${value}:`];
  return spawnSync('prlimit', words, { stdio: 'ignore' }).status === 0;
}
