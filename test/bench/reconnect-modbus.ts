/** The Modbus driver against a slave that hangs up after every answer. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { createModbusDriver } from '../../gateway/drivers/modbus.ts';
import { driverContext } from '../support/driver-context.ts';
import type { Reconnecting } from './reconnect.ts';

const never = new AbortController().signal;
const UINT16 = { type: 'uint16', order: 'ABCD' } as const;
const MODBUS = { table: 'holding', address: 1, encoding: UINT16 } as const;
/** More than any back-off: the driver's clock is set on by it where the driver would rest. */
const REST_MS = 600_000;

/** Starts both in this process; the slave keeps nothing of a connection that ended. */
export async function modbusReconnects(): Promise<Reconnecting> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (request) => {
      const head = [request[0] ?? 0, request[1] ?? 0, 0, 0, 0, 5, request[6] ?? 0];
      socket.end(Buffer.from([...head, 3, 2, 0, 1]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let aheadMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
  const connection = await createModbusDriver().open(
    { host: '127.0.0.1', port, unitId: 1, timeoutMs: 5_000 },
    { a: { summary: '', type: 'Dimensionless', unit: '', modbus: MODBUS } },
    driverContext('reconnecting', { clock, log: silentLog }),
  );
  let connects = 0;
  return {
    async reconnect() {
      for (;;) {
        const { samples } = await connection.read(['a'], never);
        const now = connection.counters?.()['connects'] ?? 0;
        if (samples.length === 1 && now > connects) {
          connects = now;
          return;
        }
        aheadMs += REST_MS;
      }
    },
    async stop() {
      await connection.close();
      server.close();
      await once(server, 'close');
    },
  };
}
