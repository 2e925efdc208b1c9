/** After a loss of the line, a simulated flow computer's own records fill the gap. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { liquidFlowComputer } from '../../../../../devices/profiles/liquid-flow-computer.ts';
import { type Clock, systemClock } from '../../../../../devices/runtime.ts';
import { decode } from '../../../../../gateway/decode.ts';
import type { Connection, DriverContext, SampleSet } from '../../../../../gateway/driver.ts';
import { createModbusDriver } from '../../../../../gateway/drivers/modbus.ts';
import { measure, planMeasurement } from '../../../../../gateway/measure.ts';
import {
  createFlowComputer,
  defaultFlowSettings,
  type FlowComputerState,
  flowComputerValues,
  stepFlowComputer,
} from '../../../../../simulators/behaviours/liquid-flow-computer.ts';
import { memoryLedger } from '../../../../../simulators/ledger.ts';
import { ModbusServer } from '../../../../../simulators/servers/modbus.ts';
import { flowUnit, showFlow } from '../../../../../simulators/stations/flow-station.ts';
import { driverContext } from '../../../../support/driver-context.ts';

const HOUR_MS = 3_600_000;
/** 20 minutes past an hour. */
const START_MS = Date.UTC(2026, 1, 27, 20, 20);
const names = Object.keys(liquidFlowComputer.points);
const never = new AbortController().signal;
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Line {
  readonly server: ModbusServer;
  readonly state: FlowComputerState;
  readonly connection: Connection;
  readonly directory: string;
  /** Moves the device on, and with it both clocks of the gateway. */
  pass(ms: number): void;
  /** Sets the gateway's wall clock, and moves nothing. */
  setClock(byMs: number): void;
  read(): Promise<SampleSet>;
  /** Closes the connection and opens it again, as a restart or a reload does. */
  restart(context?: Partial<DriverContext>): Promise<void>;
}

async function openLine(context: Partial<DriverContext> = {}): Promise<Line> {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-archive-'));
  closers.push(async () => rmSync(directory, { recursive: true }));
  let setMs = START_MS - systemClock.nowMs();
  let passedMs = 0;
  const clock: Clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + setMs + passedMs,
    monotonicMs: () => systemClock.monotonicMs() + passedMs,
  };
  const state = createFlowComputer(defaultFlowSettings(START_MS, 7));
  const unit = flowUnit('fc-1', state);
  const server = await ModbusServer.start({
    host: '127.0.0.1',
    port: 0,
    units: new Map([[1, unit]]),
    clock: systemClock,
    ledger: memoryLedger(),
  });
  closers.push(() => server.close());
  const { archives = {} } = liquidFlowComputer;
  const settings = { host: server.host, port: server.port, unitId: 1, timeoutMs: 2_000 };
  const open = (more: Partial<DriverContext>) =>
    createModbusDriver().open(
      settings,
      liquidFlowComputer.points,
      driverContext('fc-1', { clock, archives, dataDirectory: directory, ...more }),
    );
  let connection = await open(context);
  closers.push(() => connection.close());
  return {
    server,
    state,
    directory,
    get connection() {
      return connection;
    },
    pass(ms) {
      passedMs += ms;
      stepFlowComputer(state, ms);
      showFlow(unit, state);
    },
    setClock(byMs) {
      setMs += byMs;
    },
    read: () => connection.read(names, never),
    async restart(more = {}) {
      await connection.close();
      connection = await open(more);
    },
  };
}

/** Reads until the archive has nothing more to give. */
async function archivedBy(line: Line): Promise<SampleSet['samples']> {
  const found: SampleSet['samples'][number][] = [];
  for (let quiet = 0; quiet < 5; ) {
    const { samples } = await line.read();
    const archived = samples.filter(({ quality }) => quality === 'archived');
    found.push(...archived);
    quiet = archived.length > 0 ? 0 : quiet + 1;
    await systemClock.sleep(5);
  }
  return found;
}

const hoursOf = (samples: SampleSet['samples'], point: string) =>
  samples
    .filter((sample) => sample.point === point)
    .map(({ sourceTimeMs = 0 }) => new Date(sourceTimeMs).getUTCHours())
    .sort((a, b) => a - b);

describe('a gap in the readings of a flow computer', () => {
  it('is filled with its hourly records, which agree with the totals', async () => {
    const line = await openLine();
    expect((await line.read()).samples.every(({ quality }) => quality !== 'archived')).toBe(true);
    const before = flowComputerValues(line.state);
    // From 20:20 to 23:50: the hours that end at 21, 22 and 23, and later the one that ends at 0.
    line.pass(3.5 * HOUR_MS);
    const first = await archivedBy(line);
    expect(hoursOf(first, 'hourGrossStandardVolume')).toEqual([21, 22, 23]);
    expect(new Set(first.map(({ status }) => status))).toEqual(new Set(['modbus:archive:hourly']));
    // What they say is what the totals grew by: 21 counts with the 20 minutes before the gap.
    const grown =
      (flowComputerValues(line.state)['grossStandardVolumeTotal'] ?? 0) -
      (before['grossStandardVolumeTotal'] ?? 0);
    const sum = first
      .filter(({ point }) => point === 'hourGrossStandardVolume')
      .reduce((total, { encoding, rawHex }) => total + Number(decode(rawHex, encoding)), 0);
    expect(sum).toBeGreaterThan((grown * 2) / 3.5);
    expect(sum).toBeLessThan(grown);
  });

  it('says so when a record and the totals tell different stories', async () => {
    const line = await openLine();
    await line.read();
    line.pass(4 * HOUR_MS);
    // Somebody wrote the record of 22:00 anew.
    const record = line.state.hourly.records[1];
    if (record) record[7] = 1e6;
    const statuses = (await archivedBy(line)).map(({ status = '' }) => status);
    expect(statuses).toContain('modbus:archive:hourly; disagrees with grossStandardVolumeTotal');
  });

  it('is filled after a start of the gateway, from where its history ended', async () => {
    const lastMs = START_MS - 30 * HOUR_MS;
    const line = await openLine({ history: { lastMs, messages: [] } });
    line.pass(2 * HOUR_MS);
    const found = await archivedBy(line);
    // The computer was made at 20:20 and has no older records.
    expect(hoursOf(found, 'hourFlowTime')).toEqual([21, 22]);
  });

  it('is none when the line was lost for less than the setting', async () => {
    const line = await openLine();
    await line.read();
    line.pass(59_000);
    expect(await archivedBy(line)).toEqual([]);
    expect(line.connection.counters?.()['archiveRecords']).toBe(0);
  });

  it('becomes readings of their own, never of the goods that pass now', async () => {
    const line = await openLine();
    await line.read();
    line.pass(2 * HOUR_MS);
    await line.read();
    const samples = await archivedBy(line);
    const plan = planMeasurement(liquidFlowComputer, 'did:web:a.example/batch/');
    const groups = measure(
      { samples: [...(await line.read()).samples, ...samples] },
      plan,
      new Map(),
    );
    const records = groups.filter(({ readings }) =>
      readings.some(({ quality }) => quality === 'archived'),
    );
    expect(records.length).toBeGreaterThan(0);
    for (const { about, readings } of records) {
      expect(about).toBeUndefined();
      expect(
        readings.every(({ point, quality }) => point.startsWith('hour') && quality === 'archived'),
      ).toBe(true);
    }
    expect(groups.some(({ about }) => about?.startsWith('did:web:a.example/batch/'))).toBe(true);
  });

  it('does not keep the device from being read when it knows no archive', async () => {
    const line = await openLine();
    await line.read();
    line.state.hourly.records = [];
    line.state.hourly.count = 0;
    line.pass(0.5 * HOUR_MS);
    line.state.hourly.records = [];
    expect(await archivedBy(line)).toEqual([]);
    const { missing, samples } = await line.read();
    expect(missing).toBeUndefined();
    expect(samples.length).toBe(names.length);
  });

  it('is none when only the wall clock of the gateway was set', async () => {
    const line = await openLine();
    await line.read();
    line.setClock(5 * HOUR_MS);
    expect(await archivedBy(line)).toEqual([]);
    line.setClock(-9 * HOUR_MS);
    expect(await archivedBy(line)).toEqual([]);
  });

  it('is as long as it was though the wall clock was set back meanwhile', async () => {
    const line = await openLine();
    // The computer's clock is right, and the gateway's is four hours ahead until somebody sees it.
    line.setClock(4 * HOUR_MS);
    await line.read();
    line.pass(3.5 * HOUR_MS);
    line.setClock(-4 * HOUR_MS);
    expect(hoursOf(await archivedBy(line), 'hourFlowTime')).toEqual([21, 22, 23]);
  });
});

describe('a gap across a stop of the gateway', () => {
  it('is filled after the start, the record of the period that was not over included', async () => {
    const line = await openLine();
    await line.read();
    line.pass(2 * HOUR_MS);
    // At 22:20 the records of 21:00 and 22:00 are there; that of 23:00 and the day's are not.
    expect(hoursOf(await archivedBy(line), 'hourFlowTime')).toEqual([21, 22]);
    await line.restart({ history: { lastMs: START_MS + 2 * HOUR_MS, messages: [] } });
    await line.read();
    line.pass(HOUR_MS);
    await line.restart({ history: { lastMs: START_MS + 3 * HOUR_MS, messages: [] } });
    await line.read();
    line.pass(HOUR_MS);
    const found = await archivedBy(line);
    expect(hoursOf(found, 'hourFlowTime')).toContain(23);
    // It is past midnight: the day is over.
    expect(hoursOf(found, 'dayFlowTime')).toEqual([0]);
  });

  it('begins when the device fell silent, not when the gateway stopped', async () => {
    const line = await openLine();
    await line.read();
    expect(line.server.obey('fault exception 6')).toBe(true);
    line.pass(2 * HOUR_MS);
    await line.read();
    // Heartbeats and losses were signed all the time, so the history ends just now.
    await line.restart({ history: { lastMs: START_MS + 2 * HOUR_MS, messages: [] } });
    line.pass(HOUR_MS);
    line.server.obey('fault none');
    expect(hoursOf(await archivedBy(line), 'hourFlowTime')).toEqual([21, 22, 23]);
  });

  it('that is shorter before and after the stop than the setting is one gap', async () => {
    const line = await openLine();
    await line.read();
    line.pass(45_000);
    await line.restart({ history: { lastMs: START_MS + 45_000, messages: [] } });
    line.pass(45_000);
    await line.read();
    line.pass(HOUR_MS - 30_000);
    await line.restart({ history: { lastMs: START_MS + HOUR_MS, messages: [] } });
    expect(hoursOf(await archivedBy(line), 'hourFlowTime')).toEqual([21]);
  });

  it('knows the totals from before the stop, and judges the records by them', async () => {
    const line = await openLine();
    await line.read();
    await line.restart();
    line.pass(4 * HOUR_MS);
    const record = line.state.hourly.records[1];
    if (record) record[7] = 1e6;
    const statuses = (await archivedBy(line)).map(({ status = '' }) => status);
    expect(statuses).toContain('modbus:archive:hourly; disagrees with grossStandardVolumeTotal');
  });

  it('waits for a clock that starts in 1970 to be set', async () => {
    const line = await openLine({ history: { lastMs: START_MS - 1_000, messages: [] } });
    line.setClock(-START_MS);
    line.pass(1.5 * HOUR_MS);
    expect(await archivedBy(line)).toEqual([]);
    line.setClock(START_MS);
    expect(hoursOf(await archivedBy(line), 'hourFlowTime')).toEqual([21]);
  });

  it('is none where the file is damaged; it is written anew', async () => {
    const line = await openLine();
    await line.read();
    await line.restart();
    const file = join(line.directory, 'archives', 'fc-1.json');
    writeFileSync(file, '{"version":1,"gaps":[{"fromMs":"now"}]}');
    const { connection } = line;
    await line.restart();
    expect(connection).not.toBe(line.connection);
    await line.read();
    await line.connection.close();
    expect(existsSync(file)).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 1, gaps: [] });
  });
});
