/**
 * When an MQTT connection is read, and how much of it is held: a length guard in front of the
 * broker library, and no further byte while there is no room for what it would bring.
 */
import type { Socket } from 'node:net';
import { limits } from '../../devices/limits.ts';
import { watchFrames } from '../mqtt-frame.ts';
import type { SourceContext } from '../source.ts';
import type { Unfinished } from '../unfinished.ts';

/** Ends a connection so that all that was written to it arrives; resolves when it is closed. */
export type Part = () => Promise<void>;

/**
 * Guards a socket that the broker will read: it pulls its bytes with `read`, so watching there
 * costs no further stream and no copy. `gateway` says whose connection it is, once that is known.
 * What it returns takes the place of the broker's own end: a socket that is closed with unread
 * bytes resets its connection (RFC 1122 §4.2.2.13), and the peer loses what it has not read yet.
 */
export function guardReading(
  socket: Socket,
  gateway: () => string | undefined,
  { context, unfinished }: { readonly context: SourceContext; readonly unfinished: Unfinished },
): Part {
  const watch = watchFrames(limits.mqttPacketBytesMax, limits.mqttConnectBytesMax);
  const read = socket.read.bind(socket);
  let isWaiting = false;
  socket.once('close', () => unfinished.forget(socket));
  const end = (why: string) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    context.log.warn(why, { peer, bytesMax: limits.mqttPacketBytesMax });
    context.tooLarge?.();
    socket.destroy();
  };
  const readOn = () => {
    isWaiting = false;
    if (!socket.destroyed) socket.emit('readable');
  };
  socket.read = (size?: number) => {
    // Asked for nothing, the stream only looks after itself.
    if (size === 0) return read(0);
    const room = context.room?.(gateway());
    if (room !== undefined) {
      if (!isWaiting) void room.then(readOn);
      isWaiting = true;
      return null;
    }
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array)) return chunk;
    if (!watch.take(chunk)) {
      end('an MQTT packet is too large; its connection was ended');
      return null;
    }
    const held = { packet: watch.whole(), bytes: watch.held() };
    unfinished.note(socket, held, () => end('an MQTT packet came too slowly; it was given up'));
    return socket.destroyed ? null : chunk;
  };
  return () =>
    new Promise((resolve) => {
      if (socket.destroyed) return resolve();
      // Nothing that comes now is taken, nor acknowledged.
      const pass = () => {
        while (read() !== null);
      };
      socket.read = (size?: number) => (size === 0 ? read(0) : null);
      socket.on('readable', pass).once('close', () => resolve());
      socket.end();
      pass();
    });
}
