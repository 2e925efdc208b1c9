/** The Sparkplug driver against a broker that hangs up once the edge node behind it was born. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { limits } from '../../devices/limits.ts';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { sparkplugDriver } from '../../gateway/drivers/sparkplug.ts';
import { driverContext } from '../support/driver-context.ts';
import { bdSeq, encode, type } from '../support/sparkplug-edge.ts';
import type { Reconnecting } from './reconnect.ts';

/** First bytes of CONNECT and SUBSCRIBE [MQTT-2.2.1]. */
const CONNECT = 0x10;
const SUBSCRIBE = 0x82;

const place = { group: 'g', edgeNode: 'n' };
const TOPIC = Buffer.from('spBv1.0/g/NBIRTH/n');
const BIRTH = encode({
  timestamp: 1,
  seq: 0,
  metrics: [bdSeq(0), { name: 'A', alias: 1, datatype: type.double, double: 1 }],
});
const BODY = Buffer.concat([Buffer.from([0, TOPIC.length]), TOPIC, BIRTH]);
const PUBLISH = Buffer.concat([Buffer.from([0x30, BODY.length]), BODY]);

/** Starts both in this process; the broker keeps nothing of a connection that ended. */
export async function sparkplugReconnects(): Promise<Reconnecting> {
  let current: Socket | undefined;
  const server = createServer((socket) => {
    current = socket;
    socket.on('error', () => undefined);
    // One packet a chunk: the driver says nothing more before each answer.
    socket.on('data', (chunk) => {
      if (chunk[0] === CONNECT) socket.write(Buffer.from([0x20, 2, 0, 0]));
      else if (chunk[0] === SUBSCRIBE) {
        // The packet id stands behind the remaining length, which has two bytes here.
        const id = [chunk[3] ?? 0, chunk[4] ?? 0];
        socket.write(Buffer.from([0x90, 9, ...id, 1, 1, 1, 1, 1, 1, 1]));
        socket.write(PUBLISH);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clock = {
    ...systemClock,
    // The driver does not rest before it dials again.
    after: (delayMs: number, action: () => void) =>
      systemClock.after(delayMs <= limits.reconnectMs ? 0 : delayMs, action),
  };
  const connection = await sparkplugDriver.open(
    { url: `mqtt://127.0.0.1:${port}`, hostId: 'host', ...place },
    { a: { summary: '', type: 'Dimensionless', unit: '', sparkplug: { metric: 'A' } } },
    driverContext('reconnecting', { clock, log: silentLog }),
  );
  let born: () => void = () => undefined;
  await connection.subscribe?.(['a'], async ({ samples }) => {
    if (samples.some(({ quality }) => quality === 'good')) born();
  });
  return {
    async reconnect() {
      const next = new Promise<void>((resolve) => {
        born = resolve;
      });
      current?.destroy();
      await next;
    },
    async stop() {
      await connection.close();
      server.close();
      current?.destroy();
      await once(server, 'close');
    },
  };
}
