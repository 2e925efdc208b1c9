/**
 * What the schema of a configuration cannot say: names that must differ, profiles, drivers and
 * uplinks that must exist, and settings that only the driver knows. Never touches the network.
 */
import { keyStoreMistakes } from '../devices/io/key-store-settings.ts';
import { pointMistakes } from '../devices/point-check.ts';
import type { DeviceProfile } from '../devices/profile.ts';
import { compileReporter, type SchemaMistake, type TSchema } from '../devices/schema.ts';
import type { DeviceConfig, WrittenConfig } from './config.ts';
import { inlineProfileSchema } from './config-profile.ts';
import { checkReport } from './config-report.ts';
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

/** Mistakes of a configuration that has passed its schemas and `checkNested`. */
export function checkGatewayConfig(config: WrittenConfig, known: Registries): SchemaMistake[] {
  const { connection, invitation, sink } = config.uplink;
  const isInvited = invitation !== undefined;
  const check = connection && find(known.sinks, sink)?.check;
  const uplink = check?.(connection, { isInvited }) ?? [];
  return [
    ...checkNames(config),
    ...below(['keys'], [...keyStoreMistakes(config.keys), ...checkCounting(config.keys)]),
    ...below(['uplink', 'connection'], uplink),
    ...config.devices.flatMap((device, index) => checkDevice(device, ['devices', index], known)),
  ];
}

function checkCounting({ countBatches, store }: WrittenConfig['keys']): SchemaMistake[] {
  if (countBatches === undefined || store === 'pkcs11') return [];
  const message = `"countBatches" needs a token that counts: store pkcs11; this one is ${store}`;
  return [{ path: ['countBatches'], message }];
}

/**
 * Mistakes of what the configuration names (profiles, drivers, uplinks) and of the parts that have
 * a schema of their own: profiles that are written out, and connection blocks, whose defaults are
 * filled in. Takes any value, so that these mistakes are told with those of the schema.
 */
export function checkNested(value: unknown, known: Registries): SchemaMistake[] {
  const config = asObject(value);
  const uplink = asObject(config['uplink']);
  const devices: unknown[] = Array.isArray(config['devices']) ? config['devices'] : [];
  return [
    ...checkName(known.sinks, uplink['sink'], ['uplink', 'sink']),
    ...checkBy(find(known.sinks, uplink['sink'])?.settings, uplink, ['uplink', 'connection']),
    ...devices.flatMap((device, index) => checkParts(asObject(device), ['devices', index], known)),
  ];
}

function checkParts(
  device: Readonly<Record<string, unknown>>,
  path: readonly (string | number)[],
  { drivers, profiles }: Registries,
): SchemaMistake[] {
  const { driver: name, profile } = device;
  const isInline = typeof profile === 'object';
  const mistakes = [
    ...checkName(drivers, name, [...path, 'driver']),
    ...(isInline
      ? checkBy(inlineProfileSchema, device, [...path, 'profile'])
      : checkName(profiles, profile, [...path, 'profile'])),
  ];
  const protocol = isInline ? asObject(profile)['protocol'] : find(profiles, profile)?.protocol;
  const driver = find(drivers, name);
  if (!driver) return mistakes;
  if (typeof protocol === 'string' && protocol !== name) {
    // The connection block is probably right for the profile, and wrong for this driver.
    const message = `the profile is for ${protocol}: write driver: ${protocol}`;
    return [...mistakes, { path: [...path, 'driver'], message }];
  }
  return [...mistakes, ...checkBy(driver.settings, device, [...path, 'connection'])];
}

function checkName(
  known: Readonly<Record<string, unknown>>,
  name: unknown,
  path: readonly (string | number)[],
): SchemaMistake[] {
  if (typeof name !== 'string' || Object.hasOwn(known, name)) return [];
  return [{ path, message: `"${name}" is not known; known are: ${Object.keys(known).join(', ')}` }];
}

const reporters = new WeakMap<TSchema, (value: unknown) => SchemaMistake[]>();

/** Checks the member of `block` that `path` ends with, if there is a schema and such a member. */
function checkBy(
  schema: TSchema | undefined,
  block: Readonly<Record<string, unknown>>,
  path: readonly (string | number)[],
): SchemaMistake[] {
  const member = block[String(path.at(-1))];
  if (!schema || typeof member !== 'object') return [];
  const reporter = reporters.get(schema) ?? compileReporter(schema);
  reporters.set(schema, reporter);
  return below(path, reporter(member));
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function find<T>(known: Readonly<Record<string, T>>, name: unknown): T | undefined {
  return typeof name === 'string' && Object.hasOwn(known, name) ? known[name] : undefined;
}

/** The profile that a device names or brings along. */
export function profileOf(
  device: DeviceConfig,
  profiles: Readonly<Record<string, DeviceProfile>>,
): DeviceProfile | undefined {
  // The schema has checked an inline profile's shape; optional members are absent or set.
  if (typeof device.profile !== 'string') return device.profile as DeviceProfile;
  return find(profiles, device.profile);
}

function checkNames(config: WrittenConfig): SchemaMistake[] {
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

function checkDevice(
  device: DeviceConfig,
  path: readonly (string | number)[],
  { drivers, profiles }: Registries,
): SchemaMistake[] {
  const profile = profileOf(device, profiles);
  const driver = find(drivers, device.driver);
  if (!profile || !driver) return [];
  const mistakes = typeof device.profile === 'string' ? [] : checkPoints(profile, path);
  const told = new Set(mistakes.map((mistake) => mistake.path[path.length + 2]));
  if (device.goods === undefined && Object.values(profile.points).some((p) => p.identifies)) {
    const message = `"goods" is required here: profile ${profile.name} names goods, and their URI begins with it`;
    mistakes.push({ path, message });
  }
  // What was told at its own line is not told again by the driver.
  const sound = Object.entries(profile.points).filter(([name]) => !told.has(name));
  mistakes.push(...below(path, checkReport(device.report, profile)));
  const wrong = driver.check(device.connection, Object.fromEntries(sound));
  return [...mistakes, ...below([...path, 'connection'], wrong)];
}

/** What the schema cannot say of the points of a profile that is written out. */
function checkPoints(profile: DeviceProfile, path: readonly (string | number)[]): SchemaMistake[] {
  return Object.entries(profile.points).flatMap(([name, point]) => {
    const at = [...path, 'profile', 'points', name];
    const mistakes: SchemaMistake[] = [];
    if (!point[profile.protocol]) {
      mistakes.push({
        path: at,
        message: `"${profile.protocol}" is required here: where it stands`,
      });
    }
    mistakes.push(...below(at, pointMistakes(point)));
    return mistakes;
  });
}

function below(
  path: readonly (string | number)[],
  mistakes: readonly SchemaMistake[],
): SchemaMistake[] {
  return mistakes.map((mistake) => ({ ...mistake, path: [...path, ...mistake.path] }));
}
