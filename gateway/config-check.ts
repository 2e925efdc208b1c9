/**
 * What the schema of a configuration cannot say: names that must differ, profiles, drivers and
 * uplinks that must exist, and settings that only the driver knows. Never touches the network.
 */
import type { DeviceProfile } from '../devices/profile.ts';
import { compileReporter, type SchemaMistake } from '../devices/schema.ts';
import type { DeviceConfig, GatewayConfig } from './config.ts';
import type { Driver } from './driver.ts';
import type { Sink } from './sink.ts';

/** What a configuration may name. */
export interface Registries {
  readonly profiles: Readonly<Record<string, DeviceProfile>>;
  readonly drivers: Readonly<Record<string, Driver>>;
  readonly sinks: Readonly<Record<string, Sink>>;
}

/** Key labels are the devices' names; this one is the gateway's own. */
export const GATEWAY_LABEL = 'gateway';

/** Every mistake of a configuration that has passed the schema; fills in connection defaults. */
export function checkGatewayConfig(config: GatewayConfig, known: Registries): SchemaMistake[] {
  return [
    ...checkNames(config),
    ...checkUplink(config, known),
    ...config.devices.flatMap((device, index) => checkDevice(device, ['devices', index], known)),
  ];
}

/** The profile that a device names or brings along. */
export function profileOf(
  device: DeviceConfig,
  profiles: Readonly<Record<string, DeviceProfile>>,
): DeviceProfile | undefined {
  // The schema has checked an inline profile's shape; optional members are absent or set.
  if (typeof device.profile !== 'string') return device.profile as DeviceProfile;
  return Object.hasOwn(profiles, device.profile) ? profiles[device.profile] : undefined;
}

function checkNames(config: GatewayConfig): SchemaMistake[] {
  const seen = new Set([GATEWAY_LABEL]);
  return config.devices.flatMap((device, index) => {
    const path = ['devices', index, 'name'];
    if (!seen.has(device.name)) {
      seen.add(device.name);
      return [];
    }
    const message =
      device.name === GATEWAY_LABEL
        ? `"${GATEWAY_LABEL}" is the label of the gateway’s own key; give the device another name`
        : `two devices are called "${device.name}"; each needs a name of its own`;
    return [{ path, message }];
  });
}

function checkUplink(config: GatewayConfig, { sinks }: Registries): SchemaMistake[] {
  const { connection, sink: name } = config.uplink;
  const sink = Object.hasOwn(sinks, name) ? sinks[name] : undefined;
  if (!sink) return [unknownName(['uplink', 'sink'], name, sinks)];
  const path = ['uplink', 'connection'];
  const mistakes = below(path, compileReporter(sink.settings)(connection));
  return mistakes.length > 0 ? mistakes : below(path, sink.check?.(connection) ?? []);
}

function checkDevice(
  device: DeviceConfig,
  path: readonly (string | number)[],
  { drivers, profiles }: Registries,
): SchemaMistake[] {
  const profile = profileOf(device, profiles);
  const driver = Object.hasOwn(drivers, device.driver) ? drivers[device.driver] : undefined;
  const mistakes: SchemaMistake[] = [];
  if (!driver) mistakes.push(unknownName([...path, 'driver'], device.driver, drivers));
  if (!profile) {
    mistakes.push(unknownName([...path, 'profile'], String(device.profile), profiles));
  } else mistakes.push(...checkProfile(profile, device, path));
  if (!driver) return mistakes;
  const at = [...path, 'connection'];
  const wrong = below(at, compileReporter(driver.settings)(device.connection));
  if (wrong.length > 0 || !profile) return [...mistakes, ...wrong];
  return [...mistakes, ...below(at, driver.check(device.connection, profile.points))];
}

function checkProfile(
  profile: DeviceProfile,
  device: DeviceConfig,
  path: readonly (string | number)[],
): SchemaMistake[] {
  const mistakes: SchemaMistake[] = [];
  const points = Object.entries(profile.points);
  const inline = typeof device.profile !== 'string';
  if (profile.protocol !== device.driver) {
    const message = `profile ${profile.name} is for ${profile.protocol}: write driver: ${profile.protocol}`;
    mistakes.push({ path: [...path, 'driver'], message });
  }
  for (const [name, point] of inline ? points : []) {
    const at = [...path, 'profile', 'points', name];
    if (!point[profile.protocol]) {
      mistakes.push({
        path: at,
        message: `"${profile.protocol}" is required here: where it stands`,
      });
    }
    if (point.range && point.range[0] > point.range[1]) {
      const message = `[${point.range.join(', ')}] is empty: write the lower bound first`;
      mistakes.push({ path: [...at, 'range'], message });
    }
  }
  if (device.goods === undefined && points.some(([, point]) => point.identifies)) {
    const message = `"goods" is required here: profile ${profile.name} names goods, and their URI begins with it`;
    mistakes.push({ path, message });
  }
  return mistakes;
}

function unknownName(
  path: readonly (string | number)[],
  name: string,
  known: Readonly<Record<string, unknown>>,
): SchemaMistake {
  return { path, message: `"${name}" is not known; known are: ${Object.keys(known).join(', ')}` };
}

function below(
  path: readonly (string | number)[],
  mistakes: readonly SchemaMistake[],
): SchemaMistake[] {
  return mistakes.map((mistake) => ({ ...mistake, path: [...path, ...mistake.path] }));
}
