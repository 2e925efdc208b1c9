/** Nodes of several namespaces, in a server whose indexes change when it starts again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataType, type Namespace, type UAObject } from 'node-opcua';
import { afterEach, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../devices/profile.ts';
import { systemClock, systemRandom } from '../../devices/runtime.ts';
import { runCheck } from '../../gateway/commands/check.ts';
import type { CommandContext } from '../../gateway/commands/command.ts';
import { runDiscover } from '../../gateway/commands/discover.ts';
import { runRead } from '../../gateway/commands/read.ts';
import { decode } from '../../gateway/decode.ts';
import type { Connection } from '../../gateway/driver.ts';
import { opcuaDriver } from '../../gateway/drivers/opcua.ts';
import { driverContext } from '../support/driver-context.ts';
import { eventually } from '../support/eventually.ts';
import { freshFolder, testSettings } from '../support/opcua-device.ts';
import { type SecureServer, startSecureServer } from '../support/opcua-secure-server.ts';

const A = 'http://a.example/UA/';
const B = 'http://b.example/UA/';
const PLANT = 'urn:plant';

const never = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A plant with a speed in each of two namespaces, which get their indexes in this order. */
async function start(order: readonly string[], port = 0): Promise<SecureServer> {
  const server = await startSecureServer({
    modes: ['None'],
    policies: ['None'],
    port,
    prepare: (space) => {
      const of = new Map(order.map((uri) => [uri, space.registerNamespace(uri)]));
      const root = of.get(PLANT)?.addObject({
        browseName: 'Plant',
        organizedBy: space.rootFolder.objects,
      });
      addSpeed(of.get(A), root, 1.5);
      addSpeed(of.get(B), root, 99);
    },
  });
  closing.push(() => server.close());
  return server;
}

function addSpeed(
  namespace: Namespace | undefined,
  plant: UAObject | undefined,
  speed: number,
): void {
  if (!namespace || !plant) return;
  const drive = namespace.addObject({ browseName: 'Drive 1/2', componentOf: plant });
  namespace.addVariable({
    browseName: 'Speed',
    componentOf: drive,
    dataType: 'Double',
    value: { dataType: DataType.Double, value: speed },
  });
}

function point(path: string): PointDefinition {
  return { summary: path, type: 'bl:Test', unit: '', opcua: { path } };
}

const insecure = { securityMode: 'None', securityPolicy: 'None', insecure: true } as const;

async function open(
  server: SecureServer,
  paths: Readonly<Record<string, string>>,
  rootPath = 'Plant',
) {
  const points = Object.fromEntries(
    Object.entries(paths).map(([name, path]) => [name, point(path)]),
  );
  const context = driverContext('plant', { dataDirectory: freshFolder() });
  const settings = testSettings(server.url, { ...insecure, rootPath, mode: 'poll' });
  expect(opcuaDriver.check(settings, points)).toEqual([]);
  const connection = await opcuaDriver.open(settings, points, context);
  closing.push(() => connection.close());
  return { connection, context, names: Object.keys(paths) };
}

async function values(connection: Connection, names: readonly string[]) {
  const { samples, missing } = await connection.read(names, never);
  const read = samples.map(({ encoding, point: name, rawHex }) => [name, decode(rawHex, encoding)]);
  return { ...Object.fromEntries(read), ...(missing && { missing: missing.points }) };
}

describe('a path through several namespaces', () => {
  it('is found by index and by URI, and means the same after the indexes have changed', async () => {
    const before = await start([PLANT, A, B]);
    const { connection, context, names } = await open(before, {
      byIndex: '3:Drive 1&/2/3:Speed',
      byUri: `nsu=${B};Drive 1&/2/nsu=${B};Speed`,
      nowhere: '9:Drive/9:Speed',
    });
    const expected = { byIndex: 1.5, byUri: 99, missing: ['nowhere'] };
    expect(await values(connection, names)).toEqual(expected);
    expect(context.lines.join('\n')).toContain('the server has no namespace 9');
    await closing.splice(0, 1)[0]?.();

    await start([B, PLANT, A], before.port);
    await eventually(async () => {
      const now = await values(connection, names);
      return now['byUri'] === 99 && now;
    }, 'it is read again');
    expect(await values(connection, names)).toEqual(expected);
    expect(context.lines.join('\n')).toContain(
      `namespace 3 was ${A}, which is 4 now and is taken there; write nsu=${A}; instead of 3:`,
    );
  });

  it('is written by discover, passes check, and is read under the name that it has', async () => {
    const server = await start([PLANT, A, B]);
    const folder = freshFolder();
    const file = join(folder, 'plant.yaml');
    const data = join(folder, 'data');
    const made = await run(
      runDiscover,
      server.url,
      '--mode',
      'None',
      '--insecure',
      ...FILLED,
      '--data',
      data,
      '--out',
      file,
    );
    expect(made).toContain('2 points');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`nsu=${A};Drive 1&/2/nsu=${A};Speed`);
    expect(text).not.toContain('left out');
    expect(await run(runCheck, file)).toContain('no mistakes');
    const { readings } = JSON.parse(await run(runRead, file, '--wait', '10', '--json'));
    const read = readings.map(({ value }: { value: number }) => value);
    expect(read.sort()).toEqual([1.5, 99]);
  });

  it('is refused by check where it is none, with the place and the way to write it', async () => {
    const server = 'opc.tcp://127.0.0.1:4840';
    const points = { a: point('nsu=urn:a/Speed'), b: point('2:') };
    const settings = testSettings(server, { ...insecure, rootPath: 'Plant//X' });
    const said = opcuaDriver.check(settings, points).map(({ message }) => message);
    expect(said).toEqual([
      expect.stringMatching(/^"Plant\/\/X" is no browse path; write names with single slashes/),
      expect.stringMatching(/^point a: "nsu=urn:a\/Speed" is no browse path; .*nsu=URI;Name/),
      expect.stringMatching(/^point b: "2:" is no browse path/),
    ]);
  });
});

describe('a root that several namespaces have', () => {
  it('is not guessed: it is asked for by its namespace', async () => {
    const server = await startSecureServer({
      modes: ['None'],
      policies: ['None'],
      prepare: (space) => {
        for (const [uri, value] of [[A, 1] as const, [B, 2] as const]) {
          const namespace = space.registerNamespace(uri);
          const line = namespace.addObject({
            browseName: 'Line',
            organizedBy: space.rootFolder.objects,
          });
          namespace.addVariable({
            browseName: 'Speed',
            componentOf: line,
            dataType: 'Double',
            value: { dataType: DataType.Double, value },
          });
        }
      },
    });
    closing.push(() => server.close());
    const guessed = await open(server, { speed: 'Speed' }, 'Line');
    expect(await values(guessed.connection, ['speed'])).toEqual({ missing: ['speed'] });
    expect(guessed.connection.state?.().reason).toContain('there are several: 2:Line, 3:Line');
    const named = await open(server, { speed: 'Speed' }, `nsu=${B};Line`);
    expect(await values(named.connection, ['speed'])).toEqual({ speed: 2 });
    const folder = freshFolder();
    const { devices } = JSON.parse(
      await run(
        runDiscover,
        server.url,
        '--mode',
        'None',
        '--insecure',
        '--data',
        folder,
        '--json',
      ),
    );
    expect(devices.map(({ rootPath }: { rootPath: string }) => rootPath)).toEqual([
      `nsu=${A};Line`,
      `nsu=${B};Line`,
    ]);
  });
});

const FILLED = [
  '--organisation=did:web:mill.example',
  '--facility=did:web:mill.example/facility/one',
  '--ingester=did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169',
  '--uplink=mqtt://127.0.0.1:1883',
];

/** What a command prints. */
async function run(
  command: (args: readonly string[], context: CommandContext) => Promise<number>,
  ...args: string[]
): Promise<string> {
  let out = '';
  await command(args, {
    clock: systemClock,
    random: systemRandom,
    out: (text) => {
      out += text;
    },
    err: () => undefined,
    terminal: false,
    stop: never,
    onInputEnd: () => undefined,
  });
  return out;
}
