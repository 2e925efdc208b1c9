/** The MQTT driver against a broker that hangs up after every acknowledgement. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { mqttDriver } from '../../gateway/drivers/mqtt.ts';
import { driverContext } from '../support/driver-context.ts';
import type { Reconnecting } from './reconnect.ts';

/** Control packets by the first half of their first byte [MQTT-2.2.1]. */
const CONNECT = 1;
const PUBACK = 4;
const SUBSCRIBE = 8;
/** A time-out of the driver is longer than this; a delay before it dials again is cut to it. */
const REST_MS = 1;
const TIMEOUT_MS = 10_000;

/** Starts both in this process; the broker keeps nothing of a connection that ended. */
export async function mqttReconnects(): Promise<Reconnecting> {
  let count = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    socket.on('data', (packet) => {
      const type = (packet[0] ?? 0) >> 4;
      if (type === CONNECT) socket.write(Buffer.from([0x20, 2, 0, 0]));
      else if (type === SUBSCRIBE) {
        socket.write(Buffer.from([0x90, 3, packet[2] ?? 0, packet[3] ?? 0, 1]));
        count = (count % 60_000) + 1;
        const body = [0, 3, 0x74, 0x2f, 0x6e, count >> 8, count & 255];
        const payload = Buffer.from(`{"n":${count}}`);
        socket.write(Buffer.from([0x32, body.length + payload.length, ...body, ...payload]));
      } else if (type === PUBACK) socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clock: typeof systemClock = {
    ...systemClock,
    after: (ms, action) => systemClock.after(ms === TIMEOUT_MS ? ms : REST_MS, action),
  };
  const connection = await mqttDriver.open(
    { url: `mqtt://127.0.0.1:${port}`, topic: 't' },
    { n: { summary: '', type: 'Dimensionless', unit: '', mqtt: { topic: 'n', path: 'n' } } },
    driverContext('reconnecting', { clock, log: silentLog }),
  );
  let heard: () => void = () => undefined;
  await connection.subscribe?.(['n'], async ({ samples }) => {
    if (samples.length > 0) heard();
  });
  return {
    async reconnect() {
      const value = new Promise<void>((resolve) => {
        heard = resolve;
      });
      await value;
    },
    async stop() {
      await connection.close();
      server.close();
      await once(server, 'close');
    },
  };
}
