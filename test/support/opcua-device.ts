/** A small OPC UA device of every type, its server, and a wire to it that a test can cut. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { defineProfile, type PointDefinition } from '../../devices/profile.ts';
import type { Sample } from '../../devices/reading.ts';
import { systemClock } from '../../devices/runtime.ts';
import type { Connection, Missing, SampleSet } from '../../gateway/driver.ts';
import type { OpcuaSettings } from '../../gateway/drivers/opcua/settings.ts';
import { opcuaDriver } from '../../gateway/drivers/opcua.ts';
import { type Ledger, memoryLedger } from '../../simulators/ledger.ts';
import {
  type OfferedSecurity,
  type OpcuaServer,
  startOpcuaServer,
} from '../../simulators/servers/opcua.ts';
import type { BuiltInType } from '../../simulators/servers/opcua-bytes.ts';
import { driverContext, type TestContext } from './driver-context.ts';
import { eventually } from './eventually.ts';
import { cutWire } from './opcua-wire.ts';

export const testTypes = {
  flag: 'Boolean',
  tiny: 'SByte',
  small: 'UInt16',
  whole: 'Int32',
  counter: 'UInt64',
  balance: 'Int64',
  level: 'Float',
  mass: 'Double',
  name: 'String',
  changed: 'DateTime',
  tapped: 'String',
  weight: 'Double',
  coils: 'UInt32',
} as const satisfies Readonly<Record<string, BuiltInType>>;

const eventPoints: readonly string[] = ['tapped', 'weight', 'coils'];

function point(name: string): PointDefinition {
  const isEvent = eventPoints.includes(name);
  const path = name.charAt(0).toUpperCase() + name.slice(1);
  return {
    summary: `Point ${name}.`,
    type: 'bl:Text',
    unit: '',
    group: isEvent ? 'event' : 'values',
    opcua: isEvent ? { event: 'TappedEventType', path } : { path: `Area/${path}` },
  };
}

export const testProfile = defineProfile({
  name: 'test-device',
  summary: 'A device of every type, for tests.',
  source: 'Our own.',
  protocol: 'opcua',
  reportsOn: 'steel-heat',
  points: Object.fromEntries(Object.keys(testTypes).map((name) => [name, point(name)])),
});

export const allPoints = Object.keys(testProfile.points);

const folders = mkdtempSync(join(tmpdir(), 'bondline-opcua-'));
// Imported by a test file, so that this ends with the last test of that file.
afterAll(() => rmSync(folders, { recursive: true, force: true }));

/** A folder of its own for keys and certificates; it goes when the test file is done. */
export function freshFolder(): string {
  return mkdtempSync(join(folders, 'folder-'));
}

export async function startTestDevice(options: {
  readonly directory: string;
  readonly port?: number;
  readonly ledger?: Ledger;
  readonly security?: OfferedSecurity;
}): Promise<OpcuaServer> {
  return await startOpcuaServer({
    host: '127.0.0.1',
    port: options.port ?? 0,
    directory: options.directory,
    profile: testProfile,
    device: 'line-1',
    rootName: 'TestDevice',
    types: testTypes,
    ledger: options.ledger ?? memoryLedger(),
    clock: systemClock,
    ...(options.security && { security: options.security }),
  });
}

/** Settings for the test device; short intervals, since a test waits for each. */
export function testSettings(url: string, more: Partial<OpcuaSettings> = {}): OpcuaSettings {
  return {
    url,
    rootPath: 'TestDevice',
    securityMode: 'SignAndEncrypt',
    securityPolicy: 'Basic256Sha256',
    publishingMs: 50,
    samplingMs: 0,
    queueSize: 1_000,
    mode: 'subscribe',
    discard: 'newest',
    trigger: 'timestamp',
    history: 'auto',
    watchdogMs: 60_000,
    eventsFrom: 'root',
    ...more,
  };
}

/** Everything that was delivered; `before` is awaited first, as a disk would be. */
export function collector(before: (set: SampleSet) => Promise<void> = async () => {}) {
  const samples: Sample[] = [];
  const missing: Missing[] = [];
  return {
    samples,
    missing,
    of: (point: string) => samples.filter((sample) => sample.point === point),
    deliver: async (set: SampleSet) => {
      await before(set);
      samples.push(...set.samples);
      if (set.missing) missing.push(set.missing);
    },
  };
}

/** Opens a connection to `target`, whose certificate it pins unless told otherwise. */
export async function connectTo(
  target: OpcuaServer,
  dataDirectory: string,
  more: Partial<OpcuaSettings> = {},
): Promise<{ readonly connection: Connection; readonly context: TestContext }> {
  const context = driverContext('line-1', { dataDirectory });
  const pinned =
    more.securityMode === 'None'
      ? { insecure: true }
      : { serverCertificate: target.certificateFile };
  const settings = testSettings(target.url, { ...pinned, ...more });
  const connection = await opcuaDriver.open(settings, testProfile.points, context);
  return { connection, context };
}

/** Resolves when the connection works. */
export async function isUp(connection: Connection): Promise<void> {
  await eventually(() => connection.state?.().up, 'the connection is up');
}

/** Point and raw words of each entry or sample, in an order that depends on nothing else. */
export function keys(
  list: readonly { readonly point: string; readonly rawHex: string }[],
): string[] {
  return list.map(({ point, rawHex }) => `${point} ${rawHex}`).sort();
}

/** A wire to a port on loopback that a test can cut. */
export const wireTo = cutWire;
export type Wire = Awaited<ReturnType<typeof cutWire>>;
