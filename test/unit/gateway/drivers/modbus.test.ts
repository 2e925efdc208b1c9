import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../../../devices/limits.ts';
import type { ModbusPlace, PointDefinition } from '../../../../devices/profile.ts';
import type { Encoding } from '../../../../devices/reading.ts';
import type { Connection } from '../../../../gateway/driver.ts';
import { createModbusDriver, type ModbusSettings } from '../../../../gateway/drivers/modbus.ts';
import { driverContext, type TestContext } from '../../../support/driver-context.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import {
  type Answerer,
  dataFrame,
  exceptionFrame,
  frame,
  registers,
  type Slave,
  type SlaveRequest,
  startSlave,
} from '../../../support/modbus-slave.ts';

const word: Encoding = { type: 'uint16', order: 'ABCD' };
const never = new AbortController().signal;
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function point(address: number, more: Partial<ModbusPlace> = {}): PointDefinition {
  const modbus: ModbusPlace = { table: 'holding', address, encoding: word, ...more };
  return { summary: '', type: 'Dimensionless', unit: '', modbus };
}

/** Registers that hold their own address, unless the test says otherwise. */
const honest: Answerer = (request) =>
  dataFrame(
    request,
    registers(request, (n) => n),
  );

async function slave(answer: Answerer): Promise<Slave> {
  const started = await startSlave(answer);
  closers.push(() => started.close());
  return started;
}

async function open(
  port: number,
  points: Record<string, PointDefinition>,
  more: Partial<ModbusSettings> = {},
  context: TestContext = driverContext(),
  driver = createModbusDriver(),
): Promise<Connection & { readAll(): ReturnType<Connection['read']>; context: TestContext }> {
  const settings = { host: '127.0.0.1', port, unitId: 1, timeoutMs: 2_000, ...more };
  const connection = await driver.open(settings, points, context);
  closers.push(() => connection.close());
  const names = Object.keys(points);
  return Object.assign(connection, { readAll: () => connection.read(names, never), context });
}

describe('modbus driver on the wire', () => {
  it('asks as the specification says, byte by byte', async () => {
    const device = await slave(honest);
    const connection = await open(device.port, { a: point(0x6b), b: point(0x6d) }, { unitId: 17 });
    await connection.readAll();
    // Header, then the request of Application Protocol V1.1b3 §6.3: 03 006B 0003.
    expect(device.requests.map(({ hex }) => hex.slice(4))).toEqual(['0000000611' + '03006b0003']);
  });

  it('gives the words exactly as they came, with the encoding of the profile', async () => {
    const float: Encoding = { type: 'float32', order: 'CDAB' };
    const device = await slave((r) => dataFrame(r, Buffer.from('7fc00001ffff8000', 'hex')));
    const connection = await open(device.port, {
      nan: point(0, { encoding: float }),
      all: point(2),
      low: point(3),
    });
    const { samples, missing } = await connection.readAll();
    expect(missing).toBeUndefined();
    expect(samples.map(({ point: name, rawHex }) => [name, rawHex])).toEqual([
      ['nan', '7fc00001'],
      ['all', 'ffff'],
      ['low', '8000'],
    ]);
    expect(samples[0]?.encoding).toBe(float);
    expect(new Set(samples.map((sample) => sample.gatewayTimeMs)).size).toBe(1);
  });

  it('reads all four tables, each with its own function code', async () => {
    const bool: Encoding = { type: 'bool', order: 'ABCD' };
    const device = await slave((r) =>
      r.code <= 2 ? dataFrame(r, Buffer.from([0b10])) : honest(r),
    );
    const connection = await open(device.port, {
      coil: point(4, { table: 'coil', encoding: bool }),
      coilAfter: point(5, { table: 'coil', encoding: bool }),
      discrete: point(9, { table: 'discrete', encoding: bool }),
      input: point(7, { table: 'input' }),
      holding: point(7),
    });
    const { samples } = await connection.readAll();
    expect(Object.fromEntries(samples.map((s) => [s.point, s.rawHex]))).toEqual({
      coil: '00',
      coilAfter: '01',
      discrete: '00',
      input: '0007',
      holding: '0007',
    });
    expect(device.requests.map(({ code }) => code).sort()).toEqual([1, 2, 3, 4]);
  });

  it('reads 4-byte registers beside 2-byte ones: the quantity counts registers', async () => {
    const device = await slave((r) => {
      if (r.address < 5_000) return honest(r);
      // "2 longs in 8 bytes": Enron answers with four bytes a register.
      const data = Buffer.alloc(r.quantity * 4);
      for (let i = 0; i < r.quantity; i += 1) data.writeUInt32BE((r.address + i) * 65_537, i * 4);
      return dataFrame(r, data);
    });
    const wide = { width: 'enron', encoding: { type: 'int32', order: 'ABCD' } } as const;
    const connection = await open(device.port, {
      status: point(3_051),
      total: point(5_001, wide),
      day: point(5_003, wide),
    });
    for (let round = 0; round < 3; round += 1) {
      const { samples, missing } = await connection.readAll();
      expect(missing).toBeUndefined();
      expect(samples.map((s) => s.rawHex)).toEqual(['0beb', '13891389', '138b138b']);
    }
    expect(device.requests.slice(0, 2).map(({ quantity }) => quantity)).toEqual([1, 3]);
    expect(device.sockets).toHaveLength(1);
  });

  it('puts an answer together that comes byte by byte', async () => {
    const device = await slave((r) => {
      void (async () => {
        for (const byte of dataFrame(
          r,
          registers(r, (n) => n),
        )) {
          r.socket.write(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      return undefined;
    });
    const connection = await open(device.port, { a: point(0x1234), b: point(0x1235) });
    const { samples } = await connection.readAll();
    expect(samples.map((s) => s.rawHex)).toEqual(['1234', '1235']);
  });
});

describe('modbus driver and refusals', () => {
  it('signs an illegal address as bad and reads the neighbours, then asks no more than that', async () => {
    const device = await slave((r) =>
      r.address <= 12 && r.address + r.quantity > 12 ? exceptionFrame(r, 2) : honest(r),
    );
    const points = Object.fromEntries(
      Array.from({ length: 8 }, (_, i) => [`p${10 + i}`, point(10 + i)]),
    );
    const connection = await open(device.port, points);
    for (let round = 0; round < 2; round += 1) {
      const { samples, missing } = await connection.readAll();
      expect(missing).toBeUndefined();
      expect(samples).toHaveLength(8);
      const bad = samples.filter((s) => s.quality !== 'good');
      expect(bad).toEqual([
        expect.objectContaining({
          point: 'p12',
          rawHex: '',
          quality: 'bad',
          status: 'modbus:exception:2',
        }),
      ]);
      expect(samples.find((s) => s.point === 'p13')?.rawHex).toBe('000d');
    }
    const first = device.requests.length;
    await connection.readAll();
    // 10-11, 12, 13-17: what may be read together is, and the bad one is asked alone.
    expect(device.requests.length - first).toBe(3);
  });

  it('takes a place that becomes legal again for good at once', async () => {
    let legal = false;
    const device = await slave((r) => (legal ? honest(r) : exceptionFrame(r, 2)));
    const connection = await open(device.port, { a: point(1) });
    expect((await connection.readAll()).samples[0]?.status).toBe('modbus:exception:2');
    legal = true;
    expect((await connection.readAll()).samples[0]).toMatchObject({ rawHex: '0001' });
  });

  it('says a busy device is busy, without a value', async () => {
    const device = await slave((r) => exceptionFrame(r, 6));
    const connection = await open(device.port, { a: point(1), b: point(2) });
    const { samples, missing } = await connection.readAll();
    expect(missing).toBeUndefined();
    expect(samples.map((s) => s.status)).toEqual(['modbus:exception:6', 'modbus:exception:6']);
    expect(device.requests).toHaveLength(1);
  });

  it('asks a gateway no further when the device behind it is silent', async () => {
    const device = await slave((r) => exceptionFrame(r, 11));
    const connection = await open(device.port, { a: point(1), far: point(1_000) });
    const { samples, missing } = await connection.readAll();
    expect(samples.map((s) => s.status)).toEqual(['modbus:exception:11']);
    expect(missing).toEqual({ points: ['far'], cause: 'timeout' });
    expect(device.requests).toHaveLength(1);
  });
});

/** An answer that is wrong in one way, and the way. */
const nonsense: Record<string, (r: SlaveRequest) => Buffer> = {
  'a short frame': (r) => dataFrame(r, registers(r, (n) => n).subarray(2)),
  'a long frame': (r) => dataFrame(r, Buffer.alloc(r.quantity * 2 + 2)),
  'an empty answer': (r) => dataFrame(r, Buffer.alloc(0)),
  'an odd answer': (r) => dataFrame(r, Buffer.alloc(r.quantity * 2 - 1)),
  'a byte count that lies': (r) =>
    frame(r.id, r.unit, Buffer.from([r.code, r.quantity * 2, 1, 2, 3])),
  'no byte count': (r) => frame(r.id, r.unit, Buffer.from([r.code])),
  'another unit': (r) =>
    dataFrame(
      { ...r, unit: r.unit + 1 },
      registers(r, (n) => n),
    ),
  'an exception from another unit': (r) => exceptionFrame({ ...r, unit: r.unit + 1 }, 2),
  'another function': (r) =>
    dataFrame(
      { ...r, code: 4 },
      registers(r, (n) => n),
    ),
  'the echo of a write': (r) => frame(r.id, r.unit, Buffer.from('0600010001', 'hex')),
  'another protocol': (r) => {
    const bytes = dataFrame(
      r,
      registers(r, (n) => n),
    );
    bytes.writeUInt16BE(1, 2);
    return bytes;
  },
  'a length of zero': (r) => Buffer.from([r.id >> 8, r.id & 255, 0, 0, 0, 0]),
  'an enormous length': () => Buffer.from('00000000ffff0103', 'hex'),
  'a web page': () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
};

describe('modbus driver and nonsense', () => {
  for (const [name, answer] of Object.entries(nonsense)) {
    it(`counts ${name}, takes no value from it, and reads on once the device is sane`, async () => {
      let sane = false;
      const device = await slave((r) => (sane ? honest(r) : answer(r)));
      const clock = manualClock();
      const points = { a: point(1), b: point(2) };
      const connection = await open(device.port, points, {}, driverContext('fc-1', { clock }));
      const { samples, missing } = await connection.readAll();
      expect(samples).toEqual([]);
      expect(missing).toEqual({ points: ['a', 'b'], cause: 'nonsense' });
      expect(connection.counters?.()).toMatchObject({ corruptFrames: 1 });
      sane = true;
      clock.advance(limits.reconnectMsMax);
      const { samples: sound } = await connection.readAll();
      expect(sound.map((sample) => sample.rawHex)).toEqual(['0001', '0002']);
    });
  }

  it('gives up on a peer that floods it with frames', async () => {
    const device = await slave((r) =>
      Buffer.concat(
        Array.from({ length: 40 }, (_, i) =>
          dataFrame(
            { ...r, id: r.id ^ (i + 1) },
            registers(r, (n) => n),
          ),
        ),
      ),
    );
    const connection = await open(device.port, { a: point(1) });
    expect((await connection.readAll()).missing?.cause).toBe('nonsense');
  });

  it('still reads every other block when one block always answers nonsense', async () => {
    const device = await slave((r) => (r.address < 100 ? Buffer.from('nonsense') : honest(r)));
    const clock = manualClock();
    const points = { bad: point(1), x: point(200), y: point(400) };
    const connection = await open(device.port, points, {}, driverContext('fc-1', { clock }));
    expect((await connection.readAll()).missing?.points).toEqual(['bad', 'x', 'y']);
    clock.advance(limits.reconnectMsMax);
    for (let round = 0; round < 3; round += 1) {
      const { samples, missing } = await connection.readAll();
      expect(samples.map((s) => s.point)).toEqual(['x', 'y']);
      expect(missing).toEqual({ points: ['bad'], cause: 'nonsense' });
    }
  });
});
