/** A late answer is never taken for another question's, where frames have no number. */
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import { systemClock } from '../../../../../devices/runtime.ts';
import { createModbusDriver } from '../../../../../gateway/drivers/modbus.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import {
  type RtuRequest,
  type RtuSlave,
  rtuData,
  startRtuSlave,
} from '../../../../support/rtu-slave.ts';

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

/** The real clock, which a test sets on where the driver would rest. */
let aheadMs = 0;
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };

async function open(slave: RtuSlave, timeoutMs: number) {
  closers.push(() => slave.close());
  const connection = await createModbusDriver().open(
    {
      transport: 'rtu-over-tcp',
      host: '127.0.0.1',
      port: slave.port,
      unitId: 1,
      timeoutMs,
      retries: 0,
    },
    { a: register(1_000), b: register(2_000) },
    driverContext('fc-1', { clock }),
  );
  closers.push(() => connection.close());
  return connection;
}

describe('a late answer on a line without numbers', () => {
  it('edge 18 (node-modbus-serial #573): drops a late answer of the same shape, rtu-over-tcp', async () => {
    let held: RtuRequest | undefined;
    let silent = false;
    // A serial server: what its line said late it hands to whoever is connected then.
    const slave = await startRtuSlave((r) => {
      const answer = rtuData(r, (n) => n);
      if (silent) {
        held = r;
        silent = false;
        return undefined;
      }
      const late = held;
      held = undefined;
      return late ? Buffer.concat([rtuData(late, (n) => n), answer]) : answer;
    });
    const connection = await open(slave, 150);
    let good = 0;
    let missing = 0;
    for (let round = 0; good < 60; round += 1) {
      const point = round % 2 === 0 ? 'a' : 'b';
      if (round % 5 === 0) silent = true;
      const set = await connection.read([point], never);
      for (const { rawHex } of set.samples) expect(rawHex).toBe(point === 'a' ? '03e8' : '07d0');
      good += set.samples.length;
      if (set.missing) missing += 1;
      if (set.missing) aheadMs += limits.reconnectMsMax;
    }
    expect(missing).toBeGreaterThan(0);
    expect(connection.counters?.()['foreignFrames']).toBeGreaterThan(0);
  });

  it('holds for a device whose every answer comes when the next question is open', async () => {
    const late: RtuRequest[] = [];
    const slave = await startRtuSlave((r) => {
      late.push(r);
      const before = late.length > 1 ? late.shift() : undefined;
      return before && rtuData(before, (n) => n);
    });
    const connection = await open(slave, 30);
    for (let round = 0; round < 30; round += 1) {
      const point = round % 2 === 0 ? 'a' : 'b';
      const { samples } = await connection.read([point], never);
      for (const { rawHex } of samples) expect(rawHex).toBe(point === 'a' ? '03e8' : '07d0');
      aheadMs += limits.reconnectMsMax;
    }
  });
});
