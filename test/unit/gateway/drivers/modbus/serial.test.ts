/** Serial ports that answer late, are unplugged, stand in for each other and are shared. */
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import { systemClock } from '../../../../../devices/runtime.ts';
import type { Connection } from '../../../../../gateway/driver.ts';
import { createModbusDriver, type ModbusSettings } from '../../../../../gateway/drivers/modbus.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import { hasPeer } from '../../../../support/peers.ts';
import {
  type RtuRequest,
  type RtuSlave,
  rtuData,
  startRtuSlave,
} from '../../../../support/rtu-slave.ts';
import { type SerialLine, startSerialLine } from '../../../../support/serial-line.ts';

const never = new AbortController().signal;
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function register(address: number): PointDefinition {
  const encoding = { type: 'uint16', order: 'ABCD' } as const;
  const modbus = { table: 'holding', address, encoding } as const;
  return { summary: '', type: 'Dimensionless', unit: '', modbus };
}

const points = { a: register(1_000), b: register(2_000) };

/** The real clock, which a test sets on where the driver would rest. */
let aheadMs = 0;
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };

async function port(
  answer: (request: RtuRequest) => Buffer | undefined,
): Promise<{ readonly line: SerialLine; readonly slave: RtuSlave }> {
  const slave = await startRtuSlave(answer);
  closers.push(() => slave.close());
  const line = await startSerialLine(slave.port);
  closers.push(() => line.stop());
  return { line, slave };
}

const honest = (request: RtuRequest) => rtuData(request, (n) => n);

function at(path: string, more: Partial<ModbusSettings> = {}): ModbusSettings {
  return { transport: 'rtu', path, parity: 'none', unitId: 1, timeoutMs: 5_000, ...more };
}

async function open(settings: ModbusSettings, driver = createModbusDriver()) {
  const context = driverContext('fc-1', { clock });
  const connection = await driver.open(settings, points, context);
  closers.push(() => connection.close());
  return Object.assign(connection, { lines: context.lines });
}

/** Reads until `point` has a value, resting no longer than the driver must. */
async function readUntilGood(connection: Connection, point: 'a' | 'b'): Promise<string> {
  for (let n = 0; n < 1_000; n += 1) {
    const { samples } = await connection.read([point], never);
    if (samples[0]) return samples[0].rawHex;
    aheadMs += limits.reconnectMsMax;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error('no value in 1,000 reads');
}

describe.skipIf(!hasPeer('socat'))('a serial port', () => {
  it('edge 18 (node-modbus-serial #573): drops a late answer of the same shape, rtu', async () => {
    let held: RtuRequest | undefined;
    let isSilent = false;
    const { line } = await port((request) => {
      const answer = honest(request);
      if (isSilent) {
        held = request;
        isSilent = false;
        return undefined;
      }
      const late = held;
      held = undefined;
      return late ? Buffer.concat([honest(late), answer]) : answer;
    });
    const connection = await open(at(line.path, { timeoutMs: 150, retries: 0 }));
    let good = 0;
    let missing = 0;
    for (let round = 0; good < 40; round += 1) {
      const point = round % 2 === 0 ? 'a' : 'b';
      if (round % 5 === 0) isSilent = true;
      const set = await connection.read([point], never);
      for (const { rawHex } of set.samples) expect(rawHex).toBe(point === 'a' ? '03e8' : '07d0');
      good += set.samples.length;
      if (set.missing) missing += 1;
      if (set.missing) aheadMs += limits.reconnectMsMax;
    }
    expect(missing).toBeGreaterThan(0);
    expect(connection.counters?.()['foreignFrames']).toBeGreaterThan(0);
    // The port stays the same port: opening it again would not drop what its line still says.
    expect(connection.counters?.()['connects']).toBe(1);
  });

  it('whose adapter is unplugged and plugged in again is opened again', async () => {
    const { line } = await port(honest);
    const connection = await open(at(line.path));
    for (let times = 1; times <= 3; times += 1) {
      expect(await readUntilGood(connection, 'a')).toBe('03e8');
      expect(connection.state?.()).toEqual({ up: true });
      expect(connection.counters?.()['connects']).toBe(times);
      await line.unplug();
      const { missing } = await connection.read(['a', 'b'], never);
      expect(missing).toEqual({ points: ['a', 'b'], cause: 'absent' });
      expect(connection.state?.().up).toBe(false);
      await line.plug();
    }
    expect(await readUntilGood(connection, 'b')).toBe('07d0');
    expect(line.opened()).toBe(1);
  });

  it('that is unplugged while a question is open costs that question only', async () => {
    let unplug: (() => void) | undefined;
    const { line } = await port((request) => {
      unplug?.();
      return unplug ? undefined : honest(request);
    });
    const connection = await open(at(line.path, { timeoutMs: 20_000, retries: 0 }));
    expect(await readUntilGood(connection, 'a')).toBe('03e8');
    const unplugged = new Promise<void>((resolve) => {
      unplug = () => void line.unplug().then(resolve);
    });
    const { missing } = await connection.read(['b'], never);
    expect(missing).toEqual({ points: ['b'], cause: 'absent' });
    await unplugged;
    unplug = undefined;
    await line.plug();
    expect(await readUntilGood(connection, 'b')).toBe('07d0');
  });

  it('has a second one as its backup, and comes back when the first is there again', async () => {
    const first = await port((request) => rtuData(request, () => 1));
    const second = await port((request) => rtuData(request, () => 2));
    const backup = { path: second.line.path };
    const connection = await open(at(first.line.path, { backup }));
    expect(await readUntilGood(connection, 'a')).toBe('0001');
    await first.line.unplug();
    expect(await readUntilGood(connection, 'a')).toBe('0002');
    expect(connection.counters?.()['backupUses']).toBe(1);
    await first.line.plug();
    let last = '0002';
    for (let n = 0; n < 1_000 && last === '0002'; n += 1) {
      aheadMs += limits.reconnectMsMax;
      last = await readUntilGood(connection, 'a');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(last).toBe('0001');
    expect(second.line.opened()).toBe(0);
  });

  it('is shared as the first device says, and a device that says otherwise is warned of', async () => {
    const { line } = await port(honest);
    const driver = createModbusDriver();
    const one = await open(at(line.path), driver);
    const other = await open(at(line.path, { unitId: 2, baudRate: 9_600 }), driver);
    const same = await open(at(line.path, { unitId: 3, timeoutMs: 900 }), driver);
    for (const connection of [one, other, same]) {
      expect(await readUntilGood(connection, 'a')).toBe('03e8');
    }
    expect(line.opened()).toBe(1);
    const warnings = [one, other, same].map(({ lines }) =>
      lines.filter((text) => text.includes('shares a line that has other settings')),
    );
    expect(warnings.map((found) => found.length)).toEqual([0, 1, 0]);
    expect(warnings[1]?.[0]).toContain(line.path);
    // The settings of the line are those of whoever opens it next.
    for (const connection of [one, other, same]) await connection.close();
    expect(await readUntilGood(await open(at(line.path, { baudRate: 9_600 }), driver), 'b')).toBe(
      '07d0',
    );
  });
});
