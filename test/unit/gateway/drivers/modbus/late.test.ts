/** A late answer is never taken for another question's: edge.md no. 18. */
import type { Socket } from 'node:net';
import modbusSerial from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import { createModbusDriver } from '../../../../../gateway/drivers/modbus.ts';
import { driverContext, until } from '../../../../support/driver-context.ts';
import {
  dataFrame,
  registers,
  type Slave,
  type SlaveRequest,
  startSlave,
} from '../../../../support/modbus-slave.ts';

const never = new AbortController().signal;
const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function register(address: number): PointDefinition {
  const encoding = { type: 'uint16', order: 'ABCD' } as const;
  return {
    summary: '',
    type: 'Dimensionless',
    unit: '',
    modbus: { table: 'holding', address, encoding },
  };
}

/** Answers all but the first request, which it keeps until `release` is called. */
async function holdBackSlave(): Promise<Slave & { release: () => void; held: () => boolean }> {
  let held: SlaveRequest | undefined;
  let kept = false;
  const answer = (r: SlaveRequest) =>
    dataFrame(
      r,
      registers(r, (n) => n),
    );
  const slave = await startSlave((r) => {
    if (kept) return answer(r);
    kept = true;
    held = r;
    return undefined;
  });
  closers.push(() => slave.close());
  return Object.assign(slave, {
    held: () => held !== undefined,
    release: () => {
      if (held && !held.socket.destroyed) held.socket.write(answer(held));
      held = undefined;
    },
  });
}

describe('an answer that is held back', () => {
  it('is handed to another question by bare modbus-serial 8.0.25, which is why we guard it', async () => {
    const slave = await holdBackSlave();
    const client = new modbusSerial.default();
    closers.push(() => new Promise<void>((resolve) => client.close(() => resolve())));
    client.setTimeout(50);
    await client.connectTCP('127.0.0.1', { port: slave.port });
    client.setID(1);
    await expect(client.readHoldingRegisters(1_000, 1)).rejects.toMatchObject({
      name: 'TransactionTimedOutError',
    });
    // From here on a busy machine may take its time.
    client.setTimeout(20_000);
    for (let i = 1; i < 256; i += 1) await client.readHoldingRegisters(2_000, 1);
    // Request 257 has the id of request 1; the slave answers the old one before it.
    const wrong = client.readHoldingRegisters(2_000, 1);
    slave.release();
    expect((await wrong).data).toEqual([1_000]);
  });

  it('never reaches another question of the driver, in 600 reads after it', async () => {
    const slave = await holdBackSlave();
    const points = { held: register(1_000), other: register(2_000) };
    // Long enough that a busy machine never misses it: every reconnect would be one too many.
    const settings = { host: '127.0.0.1', port: slave.port, unitId: 1, timeoutMs: 2_000 };
    const connection = await createModbusDriver().open(settings, points, driverContext());
    closers.push(() => connection.close());
    expect(await connection.read(['held'], never)).toEqual({
      samples: [],
      missing: { points: ['held'], cause: 'timeout' },
    });
    // The rule itself: the connection on which the answer may still come is closed.
    await until(() => slave.sockets[0]?.destroyed === true);
    for (let reads = 0; reads < 600; ) {
      slave.release();
      const { samples } = await connection.read(['other'], never);
      for (const sample of samples) expect(sample).toMatchObject({ rawHex: '07d0' });
      reads += samples.length;
      if (samples.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(slave.sockets.length).toBe(2);
  });

  it('is dropped and counted when it is a second copy, however often ids come round', async () => {
    const copies: Buffer[] = [];
    const slave = await startSlave((r) => {
      const right = dataFrame(
        r,
        registers(r, (n) => n),
      );
      copies.push(right);
      // Every answer comes a second time, before the answer to the request 256 later.
      const old = copies[copies.length - 257];
      return old === undefined ? right : Buffer.concat([old, right]);
    });
    closers.push(() => slave.close());
    const points = { a: register(1), b: register(2) };
    const settings = { host: '127.0.0.1', port: slave.port, unitId: 1, timeoutMs: 2_000 };
    const connection = await createModbusDriver().open(settings, points, driverContext());
    closers.push(() => connection.close());
    for (let i = 0; i < 600; i += 1) {
      const name = i % 3 === 0 ? 'a' : 'b';
      const { samples } = await connection.read([name], never);
      expect(samples[0]?.rawHex).toBe(name === 'a' ? '0001' : '0002');
    }
    expect(connection.counters?.()).toMatchObject({ foreignFrames: 600 - 256, connects: 1 });
  });

  it('finds no id that was used before on its connection: a used-up connection is renewed', async () => {
    const ids = new Map<Socket, Set<number>>();
    const slave = await startSlave((r) => {
      const seen = ids.get(r.socket) ?? new Set();
      ids.set(r.socket, seen.add(r.id));
      return dataFrame(
        r,
        registers(r, (n) => n),
      );
    });
    closers.push(() => slave.close());
    const points = { a: register(1) };
    const settings = { host: '127.0.0.1', port: slave.port, unitId: 1, timeoutMs: 5_000 };
    const connection = await createModbusDriver().open(settings, points, driverContext());
    closers.push(() => connection.close());
    const reads = 65_536 + 10;
    for (let i = 0; i < reads; i += 1) {
      const { samples } = await connection.read(['a'], never);
      if (samples[0]?.rawHex !== '0001') expect(samples).toBe('0001');
    }
    expect([...ids.values()].map((seen) => seen.size)).toEqual([65_536, 10]);
  }, 120_000);
});
