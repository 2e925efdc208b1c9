/** What Linux says that another process holds. */
import { readdirSync, readFileSync } from 'node:fs';

/** Memory that is resident now, and most of it so far, MiB. */
export function residentMiB(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string) => {
    const [, kib = Number.NaN] = new RegExp(`${name}:\\s+(\\d+) kB`).exec(status) ?? [];
    return Number(kib) / 1024;
  };
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

/** Descriptors that are open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many a process of this shard may have open: Node.js asks for as many as are allowed. */
export function descriptorsMax(): number {
  const text = readFileSync('/proc/self/limits', 'utf8');
  const [, max = '0'] = /Max open files\s+\d+\s+(\d+|unlimited)/.exec(text) ?? [];
  return max === 'unlimited' ? Number.POSITIVE_INFINITY : Number(max);
}
