/** The OPC UA driver at the misbehaving server: three variables, one of them with a history. */
import { DataType, type Namespace, StatusCodes, type UAObject, type UAVariable } from 'node-opcua';
import { afterEach, beforeAll } from 'vitest';
import type { PointDefinition } from '../../devices/profile.ts';
import { dateOf } from '../../devices/runtime.ts';
import type { Connection, DriverContext } from '../../gateway/driver.ts';
import type { OpcuaSettings } from '../../gateway/drivers/opcua/settings.ts';
import { opcuaDriver } from '../../gateway/drivers/opcua.ts';
import { driverContext } from './driver-context.ts';
import { collector, freshFolder, isUp, testSettings, type Wire, wireTo } from './opcua-device.ts';
import { type Misbehaving, startMisbehaving } from './opcua-misbehaving.ts';

export const dataDirectory = freshFolder();
const serverDirectory = freshFolder();
export const none = { securityMode: 'None', securityPolicy: 'None', insecure: true } as const;

export function point(path: string, more: Partial<PointDefinition> = {}): PointDefinition {
  return { summary: '', type: 'Dimensionless', unit: 'C62', opcua: { path }, ...more };
}

/** `Kept` has a history, the others have not. */
export const points = { kept: point('Kept'), plain: point('Plain'), other: point('Other') };
export const all = Object.keys(points);

let variables: Readonly<Record<string, UAVariable>> = {};

export function build(own: Namespace, device: UAObject): void {
  const add = (browseName: string, more: object = {}) =>
    own.addVariable({
      browseName,
      nodeId: `s=${browseName}`,
      componentOf: device,
      dataType: 'Double',
      minimumSamplingInterval: 0,
      ...more,
    });
  const readable = 'CurrentRead | HistoryRead';
  const kept = add('Kept', { accessLevel: readable, userAccessLevel: readable, historizing: true });
  own.addressSpace.installHistoricalDataNode(kept, { maxOnlineValues: 5_000 });
  variables = { Kept: kept, Plain: add('Plain'), Other: add('Other') };
  for (const name of Object.keys(variables)) write(name, 0);
}

/** Times rise from here, so that no test meets the values of another. */
let clockMs = 1_700_000_000_000;

export function write(name: string, value: number, status = StatusCodes.Good): number {
  clockMs += 1_000;
  writeAt(name, value, clockMs, status);
  return clockMs;
}

/** The same with a source time of one's own. */
export function writeAt(
  name: string,
  value: number,
  timeMs: number,
  status = StatusCodes.Good,
): void {
  variables[name]?.setValueFromSource({ dataType: DataType.Double, value }, status, dateOf(timeMs));
}

export const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export async function start(more: Partial<Parameters<typeof startMisbehaving>[0]> = {}) {
  const server = await startMisbehaving({ directory: serverDirectory, build, ...more });
  closers.push(() => server.close());
  return server;
}

export interface Listening {
  readonly connection: Connection;
  readonly got: ReturnType<typeof collector>;
  readonly lines: readonly string[];
  /** Source times of a point's samples. */
  times(point: string): (number | undefined)[];
}

export async function listen(
  server: Misbehaving,
  settings: Partial<OpcuaSettings> = {},
  asked: Readonly<Record<string, PointDefinition>> = points,
  overrides: Partial<DriverContext> = {},
): Promise<Listening> {
  const context = driverContext('line-1', { dataDirectory, ...overrides });
  const complete = testSettings(server.url, { ...none, publishingMs: 20, ...settings });
  const connection = await opcuaDriver.open(complete, asked, context);
  closers.push(() => connection.close());
  const got = collector();
  await connection.subscribe?.(Object.keys(asked), got.deliver);
  await isUp(connection);
  const times = (name: string) => got.of(name).map(({ sourceTimeMs }) => sourceTimeMs);
  return { connection, got, lines: context.lines, times };
}

export async function wired(server: Misbehaving): Promise<Wire> {
  const wire = await wireTo(server.port);
  closers.push(() => wire.close());
  return wire;
}

export const count = (connection: Connection, name: string) =>
  connection.counters?.()[name] ?? Number.NaN;

beforeAll(async () => {
  // Our key is made once, not within a test that waits for something else.
  const server = await startMisbehaving({ directory: serverDirectory, build });
  const settings = testSettings(server.url, none);
  const context = driverContext('line-1', { dataDirectory });
  const connection = await opcuaDriver.open(settings, points, context);
  await connection.read(all, new AbortController().signal);
  await connection.close();
  await server.close();
}, 30_000);
