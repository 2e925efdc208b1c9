/** What only the client of a broker elsewhere promises, with a broker that no library plays. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import type { OpenSource } from '../../../ingest/source.ts';
import { mqtt } from '../../../ingest/sources/mqtt.ts';
import { eventually } from '../../support/eventually.ts';

let server: Server | undefined;
let source: OpenSource | undefined;
afterEach(async () => {
  await source?.close();
  await new Promise((resolve) => server?.close(resolve));
});

const CONNACK = Buffer.from('20020000', 'hex');
/** SUBACK for the packet identifier of the SUBSCRIBE that came. */
const subackOf = (bytes: Buffer) => Buffer.from([0x90, 3, bytes[2] ?? 0, bytes[3] ?? 0, 1]);

it('ends a connection on which the broker announces a packet beyond the bound', async () => {
  const sockets: Socket[] = [];
  let tooLarge = 0;
  let flooded = 0;
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (bytes[0] === 0x10) socket.write(CONNACK);
      if ((bytes[0] ?? 0) !== 0x82) return;
      socket.write(subackOf(bytes));
      // PUBLISH of 256 MiB, and as much of it as the other side takes.
      socket.write(Buffer.from('32ffffff7f', 'hex'));
      const more = () => {
        while (!socket.destroyed && flooded < 256 * 2 ** 20) {
          flooded += 64 * 1024;
          if (!socket.write(Buffer.alloc(64 * 1024))) break;
        }
      };
      socket.on('drain', more);
      more();
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  source = await mqtt.open(
    { url: `mqtt://127.0.0.1:${port}` },
    {
      ...{ clock: systemClock, log: silentLog, resolvePath: (path: string) => path },
      receive: () => undefined,
      tooLarge: () => {
        tooLarge += 1;
      },
    },
  );
  await eventually(() => tooLarge > 0 && sockets[0]?.destroyed, 'the end of the connection');
  // What the kernel holds, and no more.
  expect(flooded).toBeLessThan(32 * 2 ** 20);
  // It goes on with the next connection.
  await eventually(() => sockets.length > 1, 'another connection', limits.reconnectMs * 20);
});
