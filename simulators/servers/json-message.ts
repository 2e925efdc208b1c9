/**
 * Turns a device's values into the JSON message that its profile describes, and keeps the text of
 * every value exactly as it stands in the message.
 */
import { strict as assert } from 'node:assert';
import type { DeviceProfile } from '../../devices/profile.ts';
import { formatTime } from '../../devices/runtime.ts';
import type { JsonMessage } from './mqtt.ts';

/** Decimals that a device of this kind writes, by point. */
export type Decimals = Readonly<Record<string, number>>;

/** A branch of the message: text of values, or further branches. */
interface Branch {
  [key: string]: string | Branch;
}

/**
 * Composes the message of one instant. Its members are the profile's paths, and before them the
 * device's id and the `time` of the sample (RFC 3339).
 */
export function composeMessage(options: {
  readonly profile: DeviceProfile;
  readonly device: string;
  readonly timeMs: number;
  readonly values: Readonly<Record<string, number | boolean>>;
  readonly decimals: Decimals;
}): JsonMessage {
  const tokens = new Map<string, string>();
  const root: Branch = {
    deviceId: JSON.stringify(options.device),
    time: JSON.stringify(formatTime(options.timeMs)),
  };
  for (const [point, definition] of Object.entries(options.profile.points)) {
    const value = options.values[point];
    if (value === undefined || !definition.mqtt) continue;
    const token = tokenOf(value, options.decimals[point] ?? 2);
    tokens.set(point, token);
    put(root, definition.mqtt.path.split('.'), token);
  }
  return { device: options.device, payload: textOf(root), tokens };
}

/** A number with its fixed decimals, without a negative zero; JSON has no other numbers. */
function tokenOf(value: number | boolean, decimals: number): string {
  if (typeof value === 'boolean') return String(value);
  assert(Number.isFinite(value), 'a device writes finite numbers');
  const text = value.toFixed(decimals);
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

function put(root: Branch, path: readonly string[], token: string): void {
  let branch = root;
  for (const key of path.slice(0, -1)) {
    const next = branch[key] ?? {};
    assert(typeof next === 'object', `path ${path.join('.')} goes through a value`);
    branch[key] = next;
    branch = next;
  }
  branch[path.at(-1) ?? ''] = token;
}

function textOf(branch: Branch): string {
  const members = Object.entries(branch).map(([key, value]) => {
    return `${JSON.stringify(key)}:${typeof value === 'string' ? value : textOf(value)}`;
  });
  return `{${members.join(',')}}`;
}
