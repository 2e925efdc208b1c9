/**
 * Which gateways may have a certificate and use it: those that an enrolment in force names, and
 * those that a person allowed. What gateways showed is remembered in a file, so that a restart
 * cuts nobody off.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../devices/errors.ts';
import { makeDirectory } from '../devices/io/directory.ts';
import { writeFileDurably } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import { compileChecker, Type } from '../devices/schema.ts';
import { uplinkDirectory } from './uplink-authority.ts';

/** Devices whose enrolments gateways showed, by gateway DID. */
const isShown = compileChecker(Type.Record(Type.String(), Type.Array(Type.String())));
const isAllowed = compileChecker(Type.Array(Type.String()));

/** DIDs of gateways that a person allowed. */
export function readAllowed(data: string): readonly string[] {
  const value = readJson(join(uplinkDirectory(data), 'allowed.json'));
  return isAllowed(value) ? value : [];
}

/** @throws EdgeError CFG_DIRECTORY_UNWRITABLE */
export function writeAllowed(data: string, dids: readonly string[]): void {
  writeJson(data, 'allowed.json', [...dids].sort());
}

export interface UplinkGateways {
  /** Whether the gateway may connect now. */
  isAllowed(did: string): boolean;
  /** A gateway showed enrolments of these devices. */
  remember(did: string, devices: readonly string[]): void;
}

export function createUplinkGateways(options: {
  readonly data: string;
  /** Whether an enrolment in force names the gateway for the device. */
  readonly isEnrolled: (device: string, gateway: string) => boolean;
}): UplinkGateways {
  const { data, isEnrolled } = options;
  const shown = readShown(data);
  let allowed = new Set(readAllowed(data));
  let allowedStamp = stampOf(data);

  function isByHand(did: string): boolean {
    const stamp = stampOf(data);
    if (stamp !== allowedStamp) {
      allowed = new Set(readAllowed(data));
      allowedStamp = stamp;
    }
    return allowed.has(did);
  }

  const isNow = (did: string) =>
    (shown.get(did) ?? []).some((device) => isEnrolled(device, did)) || isByHand(did);
  return {
    isAllowed: isNow,
    remember(did, devices) {
      const before = shown.get(did);
      if (before && before.join() === devices.join()) return;
      shown.delete(did);
      shown.set(did, [...devices]);
      const [oldest] = shown.keys();
      if (shown.size > limits.sitesMax && oldest !== undefined) shown.delete(oldest);
      writeJson(data, 'gateways.json', Object.fromEntries(shown));
    },
  };
}

function readShown(data: string): Map<string, readonly string[]> {
  const value = readJson(join(uplinkDirectory(data), 'gateways.json'));
  return new Map(isShown(value) ? Object.entries(value) : []);
}

/** Changes when `allowed.json` does; asked often, so only the file's facts are looked at. */
function stampOf(data: string): string {
  const found = statSync(join(uplinkDirectory(data), 'allowed.json'), { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`;
}

/** What is not there, or is no JSON, allows nobody. */
function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function writeJson(data: string, name: string, value: unknown): void {
  const file = join(uplinkDirectory(data), name);
  try {
    makeDirectory(uplinkDirectory(data), 0o700);
    writeFileDurably(file, `${JSON.stringify(value, null, 2)}\n`, 0o600);
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${file}`, { cause });
  }
}
