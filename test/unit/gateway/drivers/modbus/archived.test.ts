/** After a loss of the line, a simulated flow computer's own records fill the gap. */
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
  /** Moves the device on, and with it the gateway's wall clock. */
  pass(ms: number): void;
  read(): Promise<SampleSet>;
}

async function openLine(context: Partial<DriverContext> = {}): Promise<Line> {
  let shiftMs = START_MS - systemClock.nowMs();
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + shiftMs };
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
  const connection = await createModbusDriver().open(
    settings,
    liquidFlowComputer.points,
    driverContext('fc-1', { clock, archives, ...context }),
  );
  closers.push(() => connection.close());
  return {
    server,
    state,
    connection,
    pass(ms) {
      shiftMs += ms;
      stepFlowComputer(state, ms);
      showFlow(unit, state);
    },
    read: () => connection.read(names, never),
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
});
