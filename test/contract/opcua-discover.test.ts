/** Discovery against node-opcua's server: what is written can be checked, and read. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AccessLevelFlag,
  DataType,
  resolveNodeId,
  StatusCodes,
  standardUnits,
  VariantArrayType,
} from 'node-opcua';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../devices/runtime.ts';
import { runCheck } from '../../gateway/commands/check.ts';
import type { CommandContext } from '../../gateway/commands/command.ts';
import { runDiscover } from '../../gateway/commands/discover.ts';
import { runOpcuaTrust } from '../../gateway/commands/opcua-trust.ts';
import { runRead } from '../../gateway/commands/read.ts';
import { freshFolder } from '../support/opcua-device.ts';
import { type SecureServer, startSecureServer } from '../support/opcua-secure-server.ts';

let server: SecureServer;
const folder = freshFolder();
const data = join(folder, 'data');

beforeAll(async () => {
  server = await startSecureServer({
    modes: ['SignAndEncrypt', 'None'],
    policies: ['Basic256Sha256', 'None'],
  });
  addMill(server);
});

afterAll(() => server.close());

function addMill({ server: { engine } }: SecureServer): void {
  const space = engine.addressSpace;
  if (!space) throw new Error('the server has no address space');
  const own = space.getOwnNamespace();
  const root = own.addObject({
    browseName: 'Mill Line',
    organizedBy: space.rootFolder.objects,
    eventNotifier: 1,
    notifierOf: space.rootFolder.objects.server,
  });
  const caster = own.addObject({ browseName: 'Caster', componentOf: root });
  own.addAnalogDataItem({
    browseName: 'CastingSpeed',
    description: 'Speed of the strand:\n"fast" # or not',
    componentOf: caster,
    dataType: 'Double',
    engineeringUnitsRange: { low: 0, high: 3 },
    engineeringUnits: standardUnits.metre_per_second,
    value: { dataType: DataType.Double, value: 1.25 },
  });
  own.addAnalogDataItem({
    browseName: 'Torque',
    componentOf: caster,
    dataType: 'Float',
    engineeringUnitsRange: { low: 0, high: 0 },
    engineeringUnits: standardUnits.becquerel,
    value: { dataType: DataType.Float, value: 7 },
  });
  for (const zone of ['Zone 1', 'Zone 2']) {
    const owner = own.addObject({ browseName: zone, componentOf: caster });
    own.addVariable({
      browseName: 'Temperature',
      componentOf: owner,
      dataType: 'Int32',
      value: { dataType: DataType.Int32, value: zone === 'Zone 1' ? 101 : 102 },
    });
  }
  own.addVariable({
    browseName: 'Weights',
    componentOf: root,
    dataType: 'Double',
    valueRank: 1,
    arrayDimensions: [3],
    value: { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1, 2, 3] },
  });
  own.addVariable({
    browseName: 'HeatId',
    componentOf: root,
    dataType: 'String',
    value: { dataType: DataType.String, value: 'H-26041' },
  });
  own.addVariable({
    browseName: 'Counter',
    componentOf: root,
    dataType: 'UInt64',
    value: {
      dataType: DataType.UInt64,
      arrayType: VariantArrayType.Scalar,
      value: [0xffff_ffff, 0xffff_fffe],
    },
  });
  own.addVariable({
    browseName: 'Limits',
    componentOf: root,
    dataType: 'Range',
    value: {
      dataType: DataType.ExtensionObject,
      value: space.constructExtensionObject(resolveNodeId('i=884'), {
        low: -5,
        high: 5,
      }),
    },
  });
  own.addVariable({
    browseName: 'Secret',
    componentOf: root,
    dataType: 'Int32',
    userAccessLevel: AccessLevelFlag.None,
    value: { dataType: DataType.Int32, value: 1 },
  });
  const matrix = {
    dataType: DataType.Double,
    arrayType: VariantArrayType.Matrix,
    dimensions: [2, 2],
    value: new Float64Array(4),
  };
  const picture = own.addVariable({
    browseName: 'Picture',
    componentOf: root,
    dataType: 'Double',
    valueRank: 2,
    arrayDimensions: [2, 2],
  });
  picture.setValueFromSource(matrix, StatusCodes.Good);
  const type = own.addEventType({ browseName: 'HeatTappedEventType', subtypeOf: 'BaseEventType' });
  own.addVariable({ browseName: 'Heat', propertyOf: type, dataType: 'String' });
  own.addVariable({ browseName: 'Weight', propertyOf: type, dataType: 'Double' });
}

async function run(
  command: (args: readonly string[], context: CommandContext) => Promise<number>,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await command(args, {
    clock: systemClock,
    random: systemRandom,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    terminal: false,
    stop: new AbortController().signal,
    onInputEnd: () => undefined,
  });
  return { code, out, err };
}

const FILLED = [
  '--organisation=did:web:mill.example',
  '--facility=did:web:mill.example/facility/one',
  '--ingester=did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169',
  '--uplink=mqtt://127.0.0.1:1883',
];

describe('bondline-gateway discover', () => {
  it('refuses a server that nobody has trusted, with the command that trusts it', async () => {
    const refusal = await run(runDiscover, server.url, '--data', data).catch(String);
    const command = /to trust it: bondline-gateway opcua-trust (\S+) add ([0-9a-f]+)/.exec(
      String(refusal),
    );
    expect(command?.[1]).toBe(data);
    const added = await run(runOpcuaTrust, data, 'add', command?.[2] ?? '');
    expect(added.out).toContain('trusted from the next attempt on');
    const listed = await run(runOpcuaTrust, data, 'list', '--json');
    expect(JSON.parse(listed.out)).toMatchObject({
      own: [{ subject: expect.stringContaining('Bondline gateway') }],
      certificates: [{ state: 'trusted', subject: 'CN=test server' }],
    });
  });

  it('writes a configuration that passes check', async () => {
    const file = join(folder, 'mill.yaml');
    const made = await run(runDiscover, server.url, '--data', data, '--out', file, ...FILLED);
    expect(made.out).toContain('points; then: bondline-gateway check');
    const text = readFileSync(file, 'utf8');
    expect((await run(runCheck, file)).out).toContain('no mistakes; devices: mill-line');
    expect(text).toContain('# left out Secret: it may not be read');
    expect(text).toContain('# left out Picture: it is a matrix of 2 × 2');
    expect(text).toContain('# unit of the server: Bq (BQL), unknown here');
  });

  it('names, units, ranges, elements, fields and events are those of the server', async () => {
    const { out } = await run(runDiscover, server.url, '--data', data, '--json');
    const { devices } = JSON.parse(out);
    expect(devices).toHaveLength(1);
    const points = Object.fromEntries(
      devices[0].points.map(({ definition, name }: { definition: object; name: string }) => [
        name,
        definition,
      ]),
    );
    expect(points).toMatchObject({
      castingSpeed: {
        summary: 'Speed of the strand: "fast" # or not',
        type: 'Speed',
        unit: 'MTS',
        range: [0, 3],
        opcua: { path: 'Caster/CastingSpeed' },
      },
      torque: { unit: '', opcua: { path: 'Caster/Torque' } },
      zone1Temperature: { opcua: { path: 'Caster/Zone 1/Temperature' } },
      zone2Temperature: { opcua: { path: 'Caster/Zone 2/Temperature' } },
      weights0: { opcua: { path: 'Weights', index: '0' } },
      weights2: { opcua: { path: 'Weights', index: '2' } },
      heatId: { type: 'bl:Text', opcua: { path: 'HeatId' } },
      counter: { opcua: { path: 'Counter' } },
      limitsLow: { opcua: { path: 'Limits', field: expect.stringMatching(/^low$/i) } },
      limitsHigh: { opcua: { path: 'Limits', field: expect.stringMatching(/^high$/i) } },
      heatTappedWeight: { type: 'Dimensionless' },
      heatTappedHeat: {
        type: 'bl:Text',
        group: 'HeatTappedEventType',
        opcua: { event: 'HeatTappedEventType', path: 'Heat' },
      },
    });
    expect(points['torque'].range).toBeUndefined();
    expect(Object.keys(points)).toHaveLength(13);
  });

  it('reads what it wrote, to the last digit', async () => {
    const file = join(folder, 'values.yaml');
    await run(
      runDiscover,
      server.url,
      '--data',
      data,
      '--out',
      file,
      '--root',
      'Mill Line',
      ...FILLED,
    );
    // Without the event, of which none comes while we look.
    const text = readFileSync(file, 'utf8').replace(
      /(?: +# a field of an event[^\n]*\n)? +heatTapped\w+:\n(?: {10}.*\n)+/g,
      '',
    );
    writeFileSync(file, text);
    const { out } = await run(runRead, file, '--wait', '10', '--json');
    const values = Object.fromEntries(
      JSON.parse(out).readings.map(({ point, value }: { point: string; value: unknown }) => [
        point,
        value,
      ]),
    );
    expect(values).toEqual({
      castingSpeed: 1.25,
      torque: 7,
      zone1Temperature: 101,
      zone2Temperature: 102,
      weights0: 1,
      weights1: 2,
      weights2: 3,
      heatId: 'H-26041',
      counter: '18446744073709551614',
      limitsLow: -5,
      limitsHigh: 5,
    });
  });

  it('says what is to be filled in, and check names it', async () => {
    const file = join(folder, 'placeholders.yaml');
    await run(runDiscover, server.url, '--data', data, '--out', file);
    const checked = await run(runCheck, file);
    expect(checked.code).toBe(1);
    const lines = checked.out.trim().split('\n');
    expect(lines.every((line) => line.includes('FILL-IN'))).toBe(true);
    // What is there is never written over.
    await expect(run(runDiscover, server.url, '--data', data, '--out', file)).rejects.toThrow(
      'is there already',
    );
  });

  it('is bounded, and says so', async () => {
    const few = await run(runDiscover, server.url, '--data', data, '--nodes', '5');
    expect(few.err).toContain('not complete: ended after 5 nodes');
    expect(few.out).toContain('# Not complete: the search ended after 5 nodes.');
    const flat = await run(runDiscover, server.url, '--data', data, '--depth', '1');
    expect(flat.err).toContain('not complete: ended below 1 levels');
    expect(flat.out).not.toContain('castingSpeed');
  });

  it('goes without security only when told to twice', async () => {
    const bare = join(freshFolder(), 'data');
    const told = ['--data', bare, '--mode', 'None'];
    await expect(run(runDiscover, server.url, ...told)).rejects.toThrow('write insecure: true');
    const made = await run(runDiscover, server.url, ...told, '--insecure');
    expect(made.err).toContain('neither signed nor encrypted');
    expect(made.out).toContain('insecure: true');
    expect(existsSync(join(bare, 'pki', 'trusted', 'certs', 'x'))).toBe(false);
  });
});
