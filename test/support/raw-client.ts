/** A TCP client that knows no protocol: sends bytes, and shows the bytes that came back. */
import { connect, type Socket } from 'node:net';

export interface RawClient {
  readonly socket: Socket;
  /** Sends bytes given in hex; blanks are for the reader. */
  send(hex: string): void;
  /** The next `bytes` bytes that come, in hex; rejects when the connection ends first. */
  take(bytes: number): Promise<string>;
  /** All that came and was not taken, in hex. */
  rest(): string;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
  end(): void;
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let received = Buffer.alloc(0);
  let wanted: (() => void) | undefined;
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    wanted?.();
  });
  socket.on('error', () => socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return {
    socket,
    closed,
    send: (hex) => void socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex')),
    rest: () => received.toString('hex'),
    end: () => socket.destroy(),
    take: (bytes) =>
      new Promise((resolve, reject) => {
        const settle = () => {
          if (received.length < bytes) return;
          wanted = undefined;
          const taken = received.subarray(0, bytes).toString('hex');
          received = received.subarray(bytes);
          resolve(taken);
        };
        wanted = settle;
        void closed.then(() => reject(new Error('the connection ended')));
        settle();
      }),
  };
}
