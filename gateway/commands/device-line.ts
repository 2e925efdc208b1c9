/** One point of one device as `read` shows it, and the connection that it comes over. */
import { strict as assert } from 'node:assert';
import type { DeviceProfile } from '../../devices/profile.ts';
import type { Reading } from '../../devices/reading.ts';
import { createLog, formatTime } from '../../devices/runtime.ts';
import type { DeviceConfig } from '../config.ts';
import { profileOf } from '../config-check.ts';
import type { Connection } from '../driver.ts';
import { registries } from '../gateway.ts';
import type { CommandContext, LoadedConfig } from './command.ts';

/** What is known of one point. */
export interface Line {
  readonly device: string;
  readonly point: string;
  /** Absent where the point did not come. */
  readonly reading?: Reading;
  readonly sourceTimeMs?: number;
  readonly missing?: string;
}

/** Opens a device's connection as the gateway would; the caller closes it. */
export async function openDevice(
  device: DeviceConfig,
  loaded: LoadedConfig,
  context: CommandContext,
): Promise<{ connection: Connection; profile: DeviceProfile }> {
  const { clock, random } = context;
  const profile = profileOf(device, registries.profiles);
  const driver = registries.drivers[device.driver];
  assert(profile && driver, 'configuration was not checked');
  const connection = await driver.open(device.connection, profile.points, {
    clock,
    random,
    log: createLog({ component: 'read', level: 'warn', clock, write: context.err }),
    // No key is opened to read: a name of this run's own keeps it apart from a running gateway.
    gateway: `read-${Buffer.from(random.bytes(8)).toString('hex')}`,
    device: device.name,
    dataDirectory: loaded.resolvePath(loaded.config.gateway.data),
    resolvePath: loaded.resolvePath,
  });
  return { connection, profile };
}

export const HEADINGS = ['DEVICE', 'POINT', 'RAW', 'VALUE', 'UNIT', 'QUALITY', 'SOURCE TIME'];
const RAW_SHOWN = 32;

export function toRow({ device, missing, point, reading, sourceTimeMs }: Line): string[] {
  if (!reading) return [device, point, '', '', '', `missing (${missing})`, ''];
  const { quality, rawHex, status, unit, value } = reading;
  return [
    device,
    point,
    rawHex.length > RAW_SHOWN ? `${rawHex.slice(0, RAW_SHOWN)}…` : rawHex,
    value === undefined ? '' : String(value),
    unit,
    status ? `${quality} (${status})` : quality,
    sourceTimeMs === undefined ? '' : formatTime(sourceTimeMs),
  ];
}

export function toJson({ device, missing, point, reading, sourceTimeMs }: Line): object {
  if (!reading) return { device, point, missing };
  const { quality, rawHex, serverTimeMs, status, type, unit, value } = reading;
  // JSON has no integers beyond 2^53: they travel as text, as in a batch.
  const shown = typeof value === 'bigint' ? String(value) : value;
  const judged = { value: shown, type, unit, quality, status };
  return { device, point, rawHex, ...judged, sourceTimeMs, serverTimeMs };
}
