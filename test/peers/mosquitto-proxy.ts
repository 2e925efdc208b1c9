/** Stands between a client and a broker, and loses the MQTT packets that a test names. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface LossyProxy {
  readonly url: string;
  /** Types of control packets that are lost on the way to the broker, and to the client. */
  readonly lost: { readonly toBroker: Set<number>; readonly toClient: Set<number> };
  /** How many packets of each type were seen on their way to the broker, lost ones too. */
  readonly seen: Map<number, number>;
  close(): Promise<void>;
}

export async function startLossyProxy(brokerPort: number): Promise<LossyProxy> {
  const lost = { toBroker: new Set<number>(), toClient: new Set<number>() };
  const seen = new Map<number, number>();
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect(brokerPort, '127.0.0.1');
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
    }
    eachPacket(client, (type, packet) => {
      seen.set(type, (seen.get(type) ?? 0) + 1);
      if (!lost.toBroker.has(type)) broker.write(packet);
    });
    eachPacket(broker, (type, packet) => {
      if (!lost.toClient.has(type)) client.write(packet);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function eachPacket(socket: Socket, take: (type: number, packet: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      let length = 0;
      let header = 1;
      for (; ; header += 1) {
        const byte = rest[header];
        if (byte === undefined) return;
        length += (byte & 127) * 128 ** (header - 1);
        if (byte < 128) break;
      }
      const end = header + 1 + length;
      if (rest.length < end) return;
      take((rest[0] ?? 0) >> 4, rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
}
