/** The driver and the settings that say how points are read, over a real connection. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ModbusPlace, PointDefinition } from '../../../../../devices/profile.ts';
import type { Connection } from '../../../../../gateway/driver.ts';
import { createModbusDriver } from '../../../../../gateway/drivers/modbus.ts';
import { measureSample } from '../../../../../gateway/measure.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import {
  type Answerer,
  dataFrame,
  exceptionFrame,
  registers,
  type Slave,
  startSlave,
} from '../../../../support/modbus-slave.ts';

const never = new AbortController().signal;
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function point(address: number, more: Partial<ModbusPlace> = {}): PointDefinition {
  const modbus: ModbusPlace = { table: 'holding', address, encoding: { type: 'uint16' }, ...more };
  return { summary: '', type: 'Dimensionless', unit: '', modbus };
}

async function open(
  answer: Answerer,
  points: Record<string, PointDefinition>,
  more: object = {},
): Promise<{ connection: Connection; slave: Slave; values(): Promise<Record<string, unknown>> }> {
  const slave = await startSlave(answer);
  closers.push(() => slave.close());
  const settings = { host: '127.0.0.1', port: slave.port, unitId: 1, timeoutMs: 2_000, ...more };
  const connection = await createModbusDriver().open(settings, points, driverContext());
  closers.push(() => connection.close());
  const values = async () => {
    const { missing, samples } = await connection.read(Object.keys(points), never);
    expect(missing).toBeUndefined();
    return Object.fromEntries(
      samples.map((sample) => {
        const definition = points[sample.point] ?? expect.fail();
        return [sample.point, measureSample(sample, definition).value];
      }),
    );
  };
  return { connection, slave, values };
}

describe('points of a Modbus device', () => {
  it('take the order of the device where they state none', async () => {
    const { values } = await open(
      (r) =>
        dataFrame(
          r,
          registers(r, (n) => n),
        ),
      {
        device: point(0x10, { encoding: { type: 'uint32' } }),
        own: point(0x12, { encoding: { type: 'uint32', order: 'ABCD' } }),
        long: point(0x14, { encoding: { type: 'uint64' } }),
        low: point(0x18, { encoding: { type: 'uint8' } }),
        high: point(0x19, { encoding: { type: 'uint8', byte: 'high' } }),
        bit: point(0x1a, { encoding: { type: 'bool', bit: 3 } }),
        clear: point(0x1a, { encoding: { type: 'bool', bit: 2 } }),
      },
      { order: 'GHEFCDAB' },
    );
    expect(await values()).toEqual({
      device: 0x0011_0010,
      own: 0x0012_0013,
      long: 0x0017_0016_0015_0014,
      low: 0x18,
      high: 0,
      bit: true,
      clear: false,
    });
  });

  it('edge 23 (pymodbus #669, modpoll #3, NModbus4 #80, libmodbus #466): are 4 bytes wide in the ranges of the device, without a word at any point', async () => {
    const float = { encoding: { type: 'float32' } } as const;
    const { slave, values } = await open(
      (r) => {
        const isWide = r.address > 5_000 && r.address < 8_000;
        if (!isWide)
          return dataFrame(
            r,
            registers(r, (n) => n),
          );
        const data = Buffer.alloc(4 * r.quantity);
        for (let i = 0; i < r.quantity; i += 1) data.writeFloatBE(r.address + i + 0.5, 4 * i);
        return dataFrame(r, data);
      },
      {
        word: point(3_051),
        first: point(7_001, float),
        second: point(7_002, float),
        before: point(4_990, { encoding: { type: 'uint32' } }),
      },
      {
        enron: [
          [5_001, 5_999],
          [7_001, 7_999],
        ],
      },
    );
    expect(await values()).toEqual({
      word: 3_051,
      first: 7_001.5,
      second: 7_002.5,
      before: 4_990 * 65_536 + 4_991,
    });
    expect(slave.requests.map(({ address, quantity }) => [address, quantity]).sort()).toEqual([
      [3_051, 1],
      [4_990, 2],
      [7_001, 2],
    ]);
  });

  it('are asked for within the limits of the device, and never at a forbidden register', async () => {
    const points = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`p${i}`, point(2 * i)]),
    );
    const { slave, values } = await open(
      (r) =>
        dataFrame(
          r,
          registers(r, (n) => n),
        ),
      points,
      {
        requests: {
          registersMax: 11,
          holeMax: 1,
          forbidden: [{ table: 'holding', from: 5, to: 5 }],
        },
      },
    );
    const got = await values();
    for (let i = 0; i < 30; i += 1) expect(got[`p${i}`]).toBe(2 * i);
    for (const { address, quantity } of slave.requests) {
      expect(quantity).toBeLessThanOrEqual(11);
      expect(address > 5 || address + quantity <= 5).toBe(true);
    }
    // 0 to 4, then 6 to 58 in steps of two, six of them in eleven registers.
    expect(slave.requests).toHaveLength(1 + Math.ceil(27 / 6));
  });

  it('are asked for after a pause that the device wants, between and within reads', async () => {
    const pauseMs = 40;
    const timesMs: number[] = [];
    const { values } = await open(
      (r) => {
        timesMs.push(performance.now());
        return dataFrame(
          r,
          registers(r, (n) => n),
        );
      },
      { near: point(1), far: point(1_000) },
      { requests: { pauseMs } },
    );
    await values();
    await values();
    expect(timesMs).toHaveLength(4);
    for (const [index, atMs] of timesMs.slice(1).entries()) {
      // A timer may fire up to a millisecond early.
      expect(atMs - (timesMs[index] ?? 0)).toBeGreaterThanOrEqual(pauseMs - 1);
    }
  });

  it('edge 21 (telegraf #14671): one illegal address costs its own point a bad value, and nobody else anything', async () => {
    const points = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, point(i)]));
    const { connection, slave } = await open(
      (r) =>
        r.address <= 37 && r.address + r.quantity > 37
          ? exceptionFrame(r, 2)
          : dataFrame(
              r,
              registers(r, (n) => n),
            ),
      points,
    );
    const costs: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = slave.requests.length;
      const { missing, samples } = await connection.read(Object.keys(points), never);
      costs.push(slave.requests.length - before);
      expect(missing).toBeUndefined();
      const bad = samples.filter(({ quality }) => quality === 'bad');
      expect(bad.map(({ point: name, status }) => [name, status])).toEqual([
        ['p37', 'modbus:exception:2'],
      ]);
      expect(samples).toHaveLength(100);
    }
    expect(costs[0]).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(100)));
    expect(costs.slice(1)).toEqual([3, 3]);
  });
});
