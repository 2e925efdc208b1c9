/** One dead device of ten: what it costs the other nine, asked by the gateway's own loop. */
import { afterEach, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import { silentLog, systemClock } from '../../../../../devices/runtime.ts';
import { createDeviceWatch } from '../../../../../gateway/device-state.ts';
import type { Driver } from '../../../../../gateway/driver.ts';
import { createModbusDriver, type ModbusSettings } from '../../../../../gateway/drivers/modbus.ts';
import { poll } from '../../../../../gateway/poll.ts';
import { driverContext, until } from '../../../../support/driver-context.ts';
import { dataFrame, registers, startSlave } from '../../../../support/modbus-slave.ts';
import { rtuData, startRtuSlave } from '../../../../support/rtu-slave.ts';

const closers: (() => Promise<void> | void)[] = [];
const EVERY_MS = 400;
const CYCLES = 8;
const DEAD = 5;

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const encoding = { type: 'uint16', order: 'ABCD' } as const;
const a: PointDefinition = {
  summary: '',
  type: 'Dimensionless',
  unit: '',
  modbus: { table: 'holding', address: 1, encoding },
};

/** Polls a device as the gateway does; cycles with values, and losses. */
async function watch(driver: Driver<ModbusSettings>, settings: ModbusSettings, index: number) {
  const name = `unit-${index}`;
  const context = driverContext(name);
  const connection = await driver.open(settings, { a }, context);
  const stop = new AbortController();
  const seen = { good: 0, losses: 0 };
  const done = poll({
    device: name,
    connection,
    points: ['a'],
    everyMs: EVERY_MS,
    phaseMs: index * 5,
    clock: systemClock,
    log: silentLog,
    watch: createDeviceWatch({ device: name, clock: systemClock, log: silentLog }),
    take: (set, losses) => {
      seen.good += set.samples.length;
      seen.losses += losses.length;
    },
    hasRoom: () => true,
    stop: stop.signal,
    abort: stop.signal,
  });
  closers.push(async () => {
    stop.abort();
    await done;
    await connection.close();
  });
  return seen;
}

/** Ten devices, of which one falls silent (or is from the start), over some cycles of all. */
async function expectNoLoss(
  settingsOf: (index: number) => ModbusSettings,
  kill: () => void,
): Promise<void> {
  const driver = createModbusDriver();
  const seen = await Promise.all(
    Array.from({ length: 10 }, (_, index) => watch(driver, settingsOf(index), index)),
  );
  await until(() => seen.every(({ good }) => good >= 3));
  kill();
  const before = seen.map(({ good }) => good);
  const alive = seen.filter((_, index) => index !== DEAD);
  await until(() => (seen[DEAD]?.losses ?? 0) >= CYCLES);
  // Nine devices were read in every cycle, the one that the death fell into included.
  expect(alive.map(({ losses }) => losses)).toEqual(Array(9).fill(0));
  for (const [index, { good }] of seen.entries()) {
    if (index !== DEAD) expect(good - (before[index] ?? 0)).toBeGreaterThanOrEqual(CYCLES - 1);
  }
}

describe('edge 19 (telegraf #11782): one dead slave of ten costs the other nine no cycle', () => {
  it('on ten sockets', async () => {
    let isDead = false;
    const slaves = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        startSlave((r) => {
          if (isDead && index === DEAD) return undefined;
          return dataFrame(
            r,
            registers(r, (n) => n),
          );
        }),
      ),
    );
    for (const slave of slaves) closers.push(() => slave.close());
    await expectNoLoss(
      // A timeout far longer than the cycle: it is the dead device's own affair.
      (index) => ({
        host: '127.0.0.1',
        port: slaves[index]?.port ?? 0,
        unitId: 1,
        timeoutMs: 1_000,
      }),
      () => {
        isDead = true;
      },
    );
  });

  it('behind one Modbus TCP gateway', async () => {
    let isDead = false;
    const slave = await startSlave((r) => {
      if (isDead && r.unit === DEAD + 1) return undefined;
      return dataFrame(
        r,
        registers(r, (n) => n),
      );
    });
    closers.push(() => slave.close());
    await expectNoLoss(
      (index) => ({ host: '127.0.0.1', port: slave.port, unitId: index + 1, timeoutMs: 150 }),
      () => {
        isDead = true;
      },
    );
    // The others kept their connection while it was tried again.
    expect(slave.sockets).toHaveLength(1);
  });

  it('on one serial line, with a retry', async () => {
    let isDead = false;
    const slave = await startRtuSlave((r) =>
      isDead && r.unit === DEAD + 1 ? undefined : rtuData(r, (n) => n),
    );
    closers.push(() => slave.close());
    await expectNoLoss(
      (index) => ({
        transport: 'rtu-over-tcp',
        host: '127.0.0.1',
        port: slave.port,
        unitId: index + 1,
        timeoutMs: 150,
      }),
      () => {
        isDead = true;
      },
    );
  });
});
