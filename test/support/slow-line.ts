/** A slow line between two programs: a TCP proxy that lets so many bytes a second through. */
import { connect, createServer, type Socket } from 'node:net';

export interface SlowLine {
  readonly port: number;
  close(): Promise<void>;
}

/** How often bytes are let through, milliseconds. */
const STEP_MS = 20;

/** All connections share the line, each way for itself. */
export async function startSlowLine(options: {
  readonly to: number;
  readonly bytesPerSecond: number;
}): Promise<SlowLine> {
  const stepBytes = (options.bytesPerSecond * STEP_MS) / 1_000;
  const sockets = new Set<Socket>();
  const up: Socket[] = [];
  const down: Socket[] = [];
  const others = new Map<Socket, Socket>();
  let [roomUp, roomDown] = [0, 0];

  /** Reads no more than the line carries: what is left stays with the sender. */
  function carry(from: readonly Socket[], room: number): number {
    let left = Math.min(room + stepBytes, 2 * stepBytes);
    for (const socket of from) {
      const size = Math.min(socket.readableLength, Math.floor(left));
      const chunk: unknown = size > 0 ? socket.read(size) : socket.read(0);
      if (!(chunk instanceof Uint8Array)) continue;
      left -= chunk.length;
      others.get(socket)?.write(chunk);
    }
    return left;
  }

  const server = createServer((near) => {
    const far = connect(options.to, '127.0.0.1');
    for (const [one, other, list] of [
      [near, far, up],
      [far, near, down],
    ] as const) {
      sockets.add(one);
      list.push(one);
      others.set(one, other);
      // Read by `carry` alone.
      one.on('readable', () => undefined);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        list.splice(list.indexOf(one), 1);
        other.destroy();
      });
    }
  });
  const timer = setInterval(() => {
    roomUp = carry(up, roomUp);
    roomDown = carry(down, roomDown);
  }, STEP_MS);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close() {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
