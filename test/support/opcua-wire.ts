/** A wire to a server that a test can cut. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Wire {
  readonly url: string;
  /** Connections from the near side that are open. */
  connections(): number;
  /** Breaks every connection; new ones are let through. */
  cut(): void;
  close(): Promise<void>;
}

/** A TCP relay to `port` on loopback. */
export async function cutWire(port: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  const nearSockets = new Set<Socket>();
  const relay = createServer((near) => {
    nearSockets.add(near);
    near.on('close', () => nearSockets.delete(near));
    const far = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const { port: own } = relay.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `opc.tcp://127.0.0.1:${own}`,
    connections: () => nearSockets.size,
    cut,
    close: () =>
      new Promise((resolve) => {
        cut();
        relay.close(() => resolve());
      }),
  };
}
