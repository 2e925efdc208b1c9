/** Backup addresses, several requests at the same time, short timeouts, retries. */
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import { systemClock } from '../../../../../devices/runtime.ts';
import { compileReporter } from '../../../../../devices/schema.ts';
import { createModbusDriver, type ModbusSettings } from '../../../../../gateway/drivers/modbus.ts';
import { driverContext, until } from '../../../../support/driver-context.ts';
import {
  dataFrame,
  exceptionFrame,
  registers,
  type SlaveRequest,
  startSlave,
} from '../../../../support/modbus-slave.ts';
import { freePort } from '../../../../support/ports.ts';

const never = new AbortController().signal;
const closers: (() => Promise<void>)[] = [];
const encoding = { type: 'uint16', order: 'ABCD' } as const;

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function register(address: number): PointDefinition {
  const modbus = { table: 'holding', address, encoding } as const;
  return { summary: '', type: 'Dimensionless', unit: '', modbus };
}

const honest = (r: SlaveRequest) =>
  dataFrame(
    r,
    registers(r, (n) => n),
  );

async function slave(answer: (r: SlaveRequest) => Buffer | undefined, port = 0) {
  const started = await startSlave(answer, port);
  closers.push(() => started.close());
  return started;
}

/** The real clock, which a test sets on where the driver would rest. */
let aheadMs = 0;
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };

async function open(more: Partial<ModbusSettings>, points: Record<string, PointDefinition>) {
  const settings = { host: '127.0.0.1', unitId: 1, timeoutMs: 2_000, ...more };
  const connection = await createModbusDriver().open(
    settings,
    points,
    driverContext('d', { clock }),
  );
  closers.push(() => connection.close());
  return connection;
}

describe('a backup address', () => {
  it('is asked in the same read in which the first fails, and left when the first is back', async () => {
    const port = await freePort();
    const second = await slave((r) =>
      dataFrame(
        r,
        registers(r, () => 2),
      ),
    );
    const connection = await open(
      { port, backup: { host: '127.0.0.1', port: second.port } },
      { a: register(1) },
    );
    const value = async () => (await connection.read(['a'], never)).samples[0]?.rawHex;
    expect(await value()).toBe('0002');
    expect(connection.counters?.()).toMatchObject({ backupUses: 1, connects: 1 });
    const first = await slave(
      (r) =>
        dataFrame(
          r,
          registers(r, () => 1),
        ),
      port,
    );
    aheadMs += limits.reconnectMsMax;
    const values: (string | undefined)[] = [];
    while (values.at(-1) !== '0001') values.push(await value());
    // Not one read was lost on the way back, and the second is let go.
    expect(values).not.toContain(undefined);
    await until(() => second.sockets.every((socket) => socket.destroyed));
    await first.close();
    closers.pop();
    const after: (string | undefined)[] = [];
    while (after.at(-1) !== '0002') {
      after.push(await value());
      aheadMs += limits.reconnectMsMax;
    }
    expect(connection.counters?.()['backupUses']).toBe(2);
  });

  it('is asked when the first accepts connections and is silent', async () => {
    const first = await slave(() => undefined);
    const second = await slave(honest);
    const connection = await open(
      {
        port: first.port,
        timeoutMs: 50,
        retries: 1,
        backup: { host: '127.0.0.1', port: second.port },
      },
      { a: register(1) },
    );
    expect((await connection.read(['a'], never)).samples[0]?.rawHex).toBe('0001');
    expect(connection.counters?.()).toMatchObject({ timeouts: 1, retries: 1, backupUses: 1 });
  });
});

describe('several requests at the same time', () => {
  it('are as many as allowed, and each answer finds its own though they come in any order', async () => {
    const open4: SlaveRequest[] = [];
    let most = 0;
    const device = await slave((r) => {
      open4.push(r);
      most = Math.max(most, open4.length);
      if (open4.length < 4) return undefined;
      // The newest first.
      for (const each of open4.splice(0).reverse()) each.socket.write(honest(each));
      return undefined;
    });
    const points = Object.fromEntries(
      Array.from({ length: 8 }, (_, i) => [`p${i}`, register(i * 500)]),
    );
    const connection = await open({ port: device.port, inFlight: 4 }, points);
    const { samples, missing } = await connection.read(Object.keys(points), never);
    expect(missing).toBeUndefined();
    expect(samples.map(({ rawHex }) => Number.parseInt(rawHex, 16))).toEqual(
      Array.from({ length: 8 }, (_, i) => i * 500),
    );
    expect(most).toBe(4);
    expect(connection.counters?.()).toMatchObject({ foreignFrames: 0, connects: 1 });
  });

  it('never have an id twice, over 70,000 requests and a renewed connection', async () => {
    const seen = new Map<unknown, Set<number>>();
    const device = await slave((r) => {
      const ids = seen.get(r.socket) ?? new Set();
      expect(ids.has(r.id)).toBe(false);
      seen.set(r.socket, ids.add(r.id));
      return honest(r);
    });
    const points = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`p${i}`, register(i * 500)]),
    );
    const connection = await open({ port: device.port, inFlight: 16 }, points);
    for (let i = 0; i < 1_400; i += 1) {
      const { missing } = await connection.read(Object.keys(points), never);
      if (missing !== undefined) expect(missing).toBeUndefined();
    }
    expect([...seen.values()].map((ids) => ids.size)).toEqual([65_536, 4_464]);
  }, 60_000);
});

describe('the complaints of the field', () => {
  it('edge 20 (node-red-contrib-modbus #472): after a timeout and an exception 11 it goes on asking', async () => {
    const answers = [() => undefined, (r: SlaveRequest) => exceptionFrame(r, 11), honest];
    let at = 0;
    const device = await slave((r) => answers[Math.min(at++, 2)]?.(r));
    const connection = await open({ port: device.port, timeoutMs: 30 }, { a: register(1) });
    const statuses: unknown[] = [];
    for (let i = 0; i < 4; i += 1) {
      const { samples, missing } = await connection.read(['a'], never);
      statuses.push(samples[0]?.status ?? samples[0]?.rawHex ?? missing?.cause);
      aheadMs += limits.reconnectMsMax;
    }
    expect(statuses).toEqual(['timeout', 'modbus:exception:11', '0001', '0001']);
    expect(connection.state?.()).toEqual({ up: true });
  });

  it('edge 24 (device-modbus-go #684): a timeout of 10 ms is one, and nothing piles up', async () => {
    const device = await slave(() => undefined);
    const connection = await open({ port: device.port, timeoutMs: 10 }, { a: register(1) });
    for (let i = 0; i < 500; i += 1) {
      // Asked far more often than it can answer: each read ends, and says what is missing.
      const { missing } = await connection.read(['a'], never);
      expect(missing).toEqual({ points: ['a'], cause: 'timeout' });
    }
    const { requests = 0, timeouts } = connection.counters?.() ?? {};
    expect(timeouts).toBeGreaterThan(0);
    expect(requests).toBeLessThan(50);
    expect(connection.state?.()).toMatchObject({ up: false, reason: 'no answer within 10 ms' });
  });
});

describe('settings of a transport', () => {
  const { check, settings } = createModbusDriver();
  const report = compileReporter(settings);
  const mistakes = (connection: Record<string, unknown>) => {
    const found = report(connection);
    return found.length > 0 ? found : check(connection as ModbusSettings, {});
  };

  it('are right for each of them', () => {
    const tls = { ca: 'ca.pem', certificate: 'c.pem', key: 'k.pem' };
    expect(mistakes({ host: 'a' })).toEqual([]);
    expect(
      mistakes({ transport: 'rtu', path: '/dev/ttyS0', backup: { path: '/dev/ttyS1' } }),
    ).toEqual([]);
    expect(mistakes({ transport: 'rtu-over-tcp', host: 'a', port: 4001 })).toEqual([]);
    expect(mistakes({ transport: 'tls', host: 'a', tls, inFlight: 8 })).toEqual([]);
  });

  it('are a mistake where the transport has no use for them', () => {
    const wrong: Record<string, unknown>[] = [
      { transport: 'rtu' },
      { transport: 'rtu', path: '/dev/ttyS0', host: 'a' },
      { transport: 'rtu', path: '/dev/ttyS0', unitId: 0 },
      { transport: 'rtu', path: '/dev/ttyS0', inFlight: 2 },
      { transport: 'rtu', path: '/dev/ttyS0', backup: { host: 'b' } },
      { transport: 'tcp' },
      { host: 'a', path: '/dev/ttyS0' },
      { host: 'a', backup: {} },
      { transport: 'tls', host: 'a' },
      { host: 'a', tls: { ca: 'a', certificate: 'b', key: 'c' } },
      { transport: 'rtu-over-tcp', host: 'a', inFlight: 2 },
    ];
    for (const each of wrong) expect(mistakes(each), JSON.stringify(each)).not.toEqual([]);
  });
});
