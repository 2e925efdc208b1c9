/** Devices that are absent, silent or slow, alone and on a line that they share. */
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import type { Connection, SampleSet } from '../../../../../gateway/driver.ts';
import { createModbusDriver } from '../../../../../gateway/drivers/modbus.ts';
import { driverContext, until } from '../../../../support/driver-context.ts';
import { type ManualClock, manualClock } from '../../../../support/manual-clock.ts';
import {
  type Answerer,
  dataFrame,
  registers,
  type Slave,
  startPeer,
  startSlave,
} from '../../../../support/modbus-slave.ts';
import { freePort } from '../../../../support/ports.ts';

const never = new AbortController().signal;
const timeoutMs = 1_000;
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const a: PointDefinition = {
  summary: '',
  type: 'Dimensionless',
  unit: '',
  modbus: { table: 'holding', address: 1, encoding: { type: 'uint16', order: 'ABCD' } },
};

const honest: Answerer = (request) =>
  dataFrame(
    request,
    registers(request, (n) => n),
  );

interface Line {
  readonly clock: ManualClock;
  readonly lines: string[];
  unit(unitId: number): Promise<Connection>;
}

/** Several units behind one port, opened by one driver with a clock that the test moves. */
function line(port: number): Line {
  const clock = manualClock();
  const context = driverContext('fc-1', {
    clock,
    random: { ...driverContext().random, fraction: () => 0 },
  });
  const driver = createModbusDriver();
  return {
    clock,
    lines: context.lines,
    async unit(unitId) {
      const settings = { host: '127.0.0.1', port, unitId, timeoutMs };
      const connection = await driver.open(settings, { a }, context);
      closers.push(() => connection.close());
      return connection;
    },
  };
}

function read(connection: Connection): Promise<SampleSet> {
  return connection.read(['a'], never);
}

async function slaveOf(answer: Answerer): Promise<Slave> {
  const slave = await startSlave(answer);
  closers.push(() => slave.close());
  return slave;
}

function absent(cause: string): SampleSet {
  return { samples: [], missing: { points: ['a'], cause } } as SampleSet;
}

describe('a device alone', () => {
  it('is absent while nobody listens, and is read when it is back', async () => {
    const port = await freePort();
    const { clock, unit } = line(port);
    const connection = await unit(1);
    expect(await read(connection)).toEqual(absent('absent'));
    const slave = await startSlave(honest, port);
    closers.push(() => slave.close());
    // The back-off has not run out: no attempt is made, and the loss is said at once.
    expect(await read(connection)).toEqual(absent('absent'));
    expect(slave.sockets).toHaveLength(0);
    clock.advance(limits.reconnectMs);
    expect((await read(connection)).samples[0]?.rawHex).toBe('0001');
  });

  it('waits longer after each failure, up to the limit', async () => {
    const { clock, unit } = line(await freePort());
    const connection = await unit(1);
    const delays: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      await read(connection);
      let waited = 0;
      // With no jitter left, the delay is what must pass before another attempt is made.
      for (; waited < 10 * limits.reconnectMsMax; waited += 500) {
        clock.advance(500);
        const before = clock.pending();
        const attempt = read(connection);
        const attempted = clock.pending() > before;
        await attempt;
        if (attempted) break;
      }
      delays.push(waited + 500);
      // That attempt failed too, so the next delay is measured from it.
    }
    expect(delays.slice(0, 3)).toEqual([500, 1_000, 2_000]);
    expect(Math.max(...delays)).toBe(limits.reconnectMsMax);
  });

  it('is silent: the read ends at its deadline and the connection is closed', async () => {
    const slave = await slaveOf(() => undefined);
    const { clock, unit } = line(slave.port);
    const connection = await unit(1);
    const reading = read(connection);
    await until(() => slave.requests.length === 1);
    clock.advance(timeoutMs - 1);
    expect(await Promise.race([reading, Promise.resolve('still waiting')])).toBe('still waiting');
    clock.advance(1);
    expect(await reading).toEqual(absent('timeout'));
    await until(() => slave.sockets[0]?.destroyed === true);
    expect(connection.counters?.()).toMatchObject({ timeouts: 1 });
  });

  it('closes at once on every connection: absent, and no loop of connections', async () => {
    const peer = await startPeer((socket) => socket.destroy());
    closers.push(() => peer.close());
    const { clock, unit } = line(peer.port);
    const connection = await unit(1);
    for (let i = 0; i < 50; i += 1) expect(await read(connection)).toEqual(absent('absent'));
    expect(peer.sockets.length).toBeLessThanOrEqual(2);
    clock.advance(limits.reconnectMsMax);
    await read(connection);
    expect(peer.sockets.length).toBeLessThanOrEqual(4);
  });

  it('talks before it is asked: nonsense', async () => {
    const peer = await startPeer((socket) => socket.write('login: '.repeat(9)));
    closers.push(() => peer.close());
    const { unit } = line(peer.port);
    expect(await read(await unit(1))).toEqual(absent('nonsense'));
  });

  it('is complained of once, then once a minute, and its return is said', async () => {
    let well = false;
    const slave = await slaveOf((r) => (well ? honest(r) : Buffer.from('garbage')));
    const { clock, unit, lines } = line(slave.port);
    const connection = await unit(1);
    for (let i = 0; i < 100; i += 1) {
      await read(connection);
      clock.advance(100);
    }
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/warn .*fc-1: nonsense .*unitId=1 .*times=1/);
    clock.advance(limits.deviceComplaintMs);
    await read(connection);
    expect(lines).toHaveLength(2);
    well = true;
    clock.advance(limits.reconnectMsMax);
    await read(connection);
    await read(connection);
    expect(lines.slice(2)).toEqual([expect.stringMatching(/info .*fc-1: answers/)]);
  });
});

describe('units that share a line', () => {
  it('take turns on one connection, one request in flight', async () => {
    const open: (() => void)[] = [];
    const slave = await slaveOf((r) => {
      open.push(() =>
        r.socket.write(
          dataFrame(
            r,
            registers(r, () => r.unit),
          ),
        ),
      );
      return undefined;
    });
    const { unit } = line(slave.port);
    const units = [await unit(1), await unit(2), await unit(3)];
    const readings = units.map(read);
    for (let turn = 0; turn < 3; turn += 1) {
      await until(() => open.length > 0);
      expect(open).toHaveLength(1);
      open.shift()?.();
    }
    const sets = await Promise.all(readings);
    expect(sets.map((set) => set.samples[0]?.rawHex)).toEqual(['0001', '0002', '0003']);
    expect(slave.requests.map((r) => r.unit)).toEqual([1, 2, 3]);
    expect(slave.sockets).toHaveLength(1);
  });

  it('lose no more to a dead unit than its own timeout, and nothing while it rests', async () => {
    const slave = await slaveOf((r) => (r.unit === 2 ? undefined : honest(r)));
    const { clock, unit } = line(slave.port);
    const alive = await unit(1);
    const dead = await unit(2);
    const silent = read(dead);
    await until(() => slave.requests.length === 1);
    const waiting = read(alive);
    clock.advance(timeoutMs);
    expect(await silent).toEqual(absent('timeout'));
    expect((await waiting).samples[0]?.rawHex).toBe('0001');
    // The clock stands still: the dead unit rests, so a hundred cycles of the other pass.
    for (let i = 0; i < 100; i += 1) {
      expect(await read(dead)).toEqual(absent('timeout'));
      expect((await read(alive)).samples[0]?.rawHex).toBe('0001');
    }
    expect(slave.requests.filter((r) => r.unit === 2)).toHaveLength(1);
    clock.advance(limits.reconnectMs);
    const again = read(dead);
    await until(() => slave.requests.filter((r) => r.unit === 2).length === 2);
    clock.advance(timeoutMs);
    await again;
  });

  it('keep the line when one of them is closed, even while it is being asked', async () => {
    const slave = await slaveOf((r) => (r.unit === 2 ? undefined : honest(r)));
    const { unit } = line(slave.port);
    const alive = await unit(1);
    const other = await unit(2);
    const reading = read(other);
    await until(() => slave.requests.length === 1);
    await other.close();
    expect((await reading).missing?.cause).toBe('not-running');
    expect((await read(alive)).samples[0]?.rawHex).toBe('0001');
    await alive.close();
    await until(() => slave.sockets.every((socket) => socket.destroyed));
    expect(await read(alive)).toEqual(absent('not-running'));
  });

  it('do not wait for one that was aborted', async () => {
    const slave = await slaveOf((r) => (r.unit === 2 ? undefined : honest(r)));
    const { unit } = line(slave.port);
    const alive = await unit(1);
    const other = await unit(2);
    const stop = new AbortController();
    const reading = other.read(['a'], stop.signal);
    await until(() => slave.requests.length === 1);
    const waiting = read(alive);
    stop.abort();
    expect((await reading).missing?.cause).toBe('not-running');
    expect((await waiting).samples[0]?.rawHex).toBe('0001');
    // Its answer may still come, under an id that no other question has.
    expect(slave.sockets).toHaveLength(1);
    const [aborted] = slave.requests;
    if (aborted) aborted.socket.write(honest(aborted) ?? Buffer.alloc(0));
    await until(() => alive.counters?.()['foreignFrames'] === 1);
    expect((await read(alive)).samples[0]?.rawHex).toBe('0001');
  });
});
