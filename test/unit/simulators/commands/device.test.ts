import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { parseDeviceArguments, parseScenarioArguments } from '../../../../simulators/arguments.ts';
import type { CommandContext } from '../../../../simulators/command.ts';
import { runDevice } from '../../../../simulators/commands/device.ts';
import { readLedger } from '../../../../simulators/ledger.ts';
import { stations } from '../../../../simulators/stations/registry.ts';
import { rawClient } from '../../../support/raw-client.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-device-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A command's surroundings, whose standard input and signals a test holds in its hand. */
function surroundings() {
  const said = { out: '', err: '' };
  const stop = new AbortController();
  let onLine: (line: string) => void = () => undefined;
  let onEnd: () => void = () => undefined;
  const context: CommandContext = {
    clock: systemClock,
    random: systemRandom,
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    terminal: false,
    onInput: (line, end) => {
      onLine = line;
      onEnd = end;
    },
    stop: stop.signal,
    environment: {},
    execPath: '',
  };
  return { context, said, stop, type: (line: string) => onLine(line), endInput: () => onEnd() };
}

describe('bondline-sim device', () => {
  it('serves until its input ends, obeys what is typed, and writes its ledger', async () => {
    const { context, said, type, endInput } = surroundings();
    const file = join(directory, 'ledger.jsonl');
    const args = ['liquid-flow-computer', '--attached', '--ledger', file, '--fault', 'exception 6'];
    const ended = runDevice(args, context, stations);
    await expect.poll(() => said.out).toContain('\n');
    const ready = JSON.parse(said.out);
    expect(ready).toMatchObject({ ready: true, profile: 'liquid-flow-computer' });
    const client = await rawClient(ready.port);
    client.send('0001 0000 0006 01 03 13ED 0001');
    expect(await client.take(9)).toBe('000100000003018306');
    type('fault none');
    type('quiet');
    client.send('0002 0000 0006 01 03 13ED 0001');
    expect(await client.take(13)).toBe('0002000000070103040000011c');
    type('nonsense');
    expect(said.err).toContain('nonsense');
    client.end();
    endInput();
    expect(await ended).toBe(0);
    expect(readLedger(file)).toMatchObject([
      { device: 'fc-1', point: 'batchNumber', rawHex: '0000011c' },
    ]);
  });

  it('goes on without --attached when its input ends, and ends on a signal', async () => {
    const { context, said, stop, endInput } = surroundings();
    const ended = runDevice(['registers', '--units', '1'], context, stations);
    await expect.poll(() => said.out).toContain('\n');
    endInput();
    const client = await rawClient(JSON.parse(said.out).port);
    client.send('0001 0000 0006 01 03 0002 0002');
    expect((await client.take(13)).slice(0, 18)).toBe('000100000007010304');
    client.end();
    stop.abort();
    expect(await ended).toBe(0);
  });

  it('follows a route of its own', async () => {
    const { context, said, stop } = surroundings();
    const file = join(directory, 'route.geojson');
    writeFileSync(file, '{"type":"LineString","coordinates":[[0,0],[1,0]]}');
    const args = ['reefer', '--container', 'MSKU9070323@20', '--route', file];
    const ended = runDevice(args, context, stations);
    await expect.poll(() => said.out).toContain('"devices":[{"device":"MSKU9070323"');
    stop.abort();
    expect(await ended).toBe(0);
    const missing = ['reefer', '--container', 'MSKU9070323', '--route', join(directory, 'none')];
    await expect(runDevice(missing, surroundings().context, stations)).rejects.toMatchObject({
      code: 'SIM_ROUTE_INVALID',
    });
  });

  it('knows every profile that can be simulated, and no other', async () => {
    for (const profile of ['toaster', 'toString', '__proto__']) {
      const run = runDevice([profile], surroundings().context, stations);
      await expect(run).rejects.toMatchObject({ code: 'SIM_PROFILE_UNKNOWN' });
    }
  });
});

describe('the arguments', () => {
  it('of a device have defaults', () => {
    expect(parseDeviceArguments(['reefer', '--json'])).toEqual(parseDeviceArguments(['reefer']));
    expect(parseDeviceArguments(['reefer'])).toEqual({
      profile: 'reefer',
      host: '127.0.0.1',
      port: 0,
      name: 'fc-1',
      seed: 1,
      pace: 1,
      everyMs: 1_000,
      attached: false,
      containers: [],
      orders: [],
    });
  });

  it('of a device say where containers start', () => {
    const args = ['reefer', '--container', 'A', '--container', 'B@12.5'];
    expect(parseDeviceArguments(args).containers).toEqual([
      { container: 'A', startKm: 0 },
      { container: 'B', startKm: 12.5 },
    ]);
  });

  it.each([
    [[], 'PROFILE'],
    [['reefer', 'more'], 'PROFILE'],
    [['reefer', '--port', '65536'], '--port'],
    [['reefer', '--port', 'x'], '--port'],
    [['reefer', '--port', ''], '--port'],
    [['reefer', '--pace', '0'], '--pace'],
    [['reefer', '--container', 'A@far'], '--container'],
    [['reefer', '--colour', 'red'], 'reading the command line'],
  ])('%j of a device are a mistake', (args, told) => {
    expect(() => parseDeviceArguments(args)).toThrowError(
      expect.objectContaining({ code: 'CFG_USAGE', message: expect.stringContaining(told) }),
    );
  });

  it('of a scenario say how long, and where', () => {
    expect(parseScenarioArguments(['border', '--for', '30', '--json', '--data', 'x'])).toEqual({
      scenario: 'border',
      fresh: false,
      json: true,
      forSeconds: 30,
      directory: 'x',
    });
    expect(() => parseScenarioArguments(['border', '--for', '0'])).toThrowError('--for');
  });
});
