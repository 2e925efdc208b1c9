/**
 * What a simulated device remembers while it is switched off: its totals and its place, as a real
 * meter keeps them in memory that needs no power.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { makeDirectory } from '../../devices/io/directory.ts';

const VERSION = 1;

interface Kept {
  readonly version: number;
  readonly profile: string;
  readonly savedMs: number;
  readonly devices: Readonly<Record<string, unknown>>;
}

/** State of devices by name, kept in one file of a folder; without a folder nothing is kept. */
export interface KeptState {
  /** What was kept of a device, and when, or `undefined` for a new one. */
  restore(device: string): { readonly state: unknown; readonly savedMs: number } | undefined;
  /** Replaces the file as a whole. */
  save(devices: Readonly<Record<string, unknown>>, savedMs: number): void;
}

/** @throws EdgeError SIM_STATE_UNREADABLE when there is a file and it cannot be used. */
export function openKeptState(directory: string | undefined, profile: string): KeptState {
  if (directory === undefined) return { restore: () => undefined, save() {} };
  const file = join(directory, `${profile}.state.json`);
  makeDirectory(directory);
  const kept = readKept(file, profile);
  return {
    restore(device) {
      const state = kept?.devices[device];
      return kept && state !== undefined ? { state, savedMs: kept.savedMs } : undefined;
    },
    save(devices, savedMs) {
      const next: Kept = { version: VERSION, profile, savedMs, devices };
      writeFileSync(`${file}.new`, JSON.stringify(next));
      renameSync(`${file}.new`, file);
    },
  };
}

function readKept(file: string, profile: string): Kept | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // A device that was never switched on has no file.
  }
  try {
    const kept = JSON.parse(text) as Kept;
    if (kept.version === VERSION && kept.profile === profile) return kept;
  } catch (cause) {
    throw new EdgeError('SIM_STATE_UNREADABLE', `reading ${file}`, { cause });
  }
  throw new EdgeError('SIM_STATE_UNREADABLE', `reading ${file}`);
}
