/**
 * What notices a connection into our own network: servers that really listen, and a look at every
 * address that this process dials. Addresses of the outside are noted, and never reached.
 */
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { isPublicAddress } from '../../devices/io/resolve/addresses.ts';

export interface Sensor {
  /** The port on which all of them listen. */
  readonly port: number;
  /** Connections that arrived. */
  arrived(): number;
  /** Addresses that were dialled and are not public, but for those that are `expected`. */
  inward(): readonly string[];
  /** Public addresses that were dialled. */
  outward(): readonly string[];
  close(): Promise<void>;
}

/** `expected`: addresses that this test itself lets be dialled. */
export async function startSensor(expected: readonly string[]): Promise<Sensor> {
  let arrived = 0;
  const servers: Server[] = [];
  let port = 0;
  for (const address of ['127.0.0.1', '::1', '127.0.0.2', '127.255.255.254']) {
    const server = createServer((socket) => {
      arrived += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, address, resolve);
    });
    port = (server.address() as AddressInfo).port;
    servers.push(server);
  }
  const dialled: string[] = [];
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function dial(this: Socket, ...given: unknown[]) {
    const [first] = [given[0]].flat(2) as { host?: string; path?: string }[];
    const address = first?.host ?? first?.path ?? 'localhost';
    dialled.push(address);
    if (!isPublicAddress(address)) return Reflect.apply(connect, this, given) as Socket;
    process.nextTick(() => this.destroy(new Error('nobody outside is dialled in tests')));
    return this;
  } as typeof connect;
  return {
    port,
    arrived: () => arrived,
    inward: () => dialled.filter((one) => !isPublicAddress(one) && !expected.includes(one)),
    outward: () => dialled.filter(isPublicAddress),
    async close() {
      Socket.prototype.connect = connect;
      await Promise.all(servers.map((one) => new Promise((done) => one.close(done))));
    },
  };
}
