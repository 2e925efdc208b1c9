/**
 * Looks at each TCP connection before TLS does: a handshake is the costliest thing that a stranger
 * can ask for. Who comes too often is turned away and comes again; of those who begin a handshake
 * and do not go on with it the oldest makes room.
 */
import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { limits } from '../../devices/limits.ts';
import type { Clock } from '../../devices/runtime.ts';
import { createRateLimit } from '../uplink-rate.ts';

/** Guards a server that does not listen yet; `turnedAway` is told of each that comes too often. */
export function guardDoor(server: Server, clock: Clock, turnedAway: () => void): void {
  const mayEnter = createRateLimit(clock, {
    own: { burst: limits.handshakeBurst, perSecond: limits.handshakesPerSecond },
    all: { burst: limits.handshakeBurstAll, perSecond: limits.handshakesPerSecondAll },
  });
  const underWay = new Map<string, Socket>();
  const [handshake] = server.listeners('connection');
  if (handshake === undefined) throw new Error('a TLS server listens for connections');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    if (!mayEnter(remoteAddress)) {
      socket.destroy();
      turnedAway();
      return;
    }
    const name = nameOf(socket);
    underWay.set(name, socket);
    socket.once('close', () => underWay.delete(name));
    const [oldest] = underWay.values();
    if (underWay.size > limits.handshakesMax) oldest?.destroy();
    handshake.call(server, socket);
  });
  server.on('secureConnection', (socket) => underWay.delete(nameOf(socket)));
}

/** Counts connections by gateway: a further one takes the place of the oldest of its gateway. */
export function countConnections(): (gateway: string, socket: Socket) => void {
  const open = new Map<string, Set<Socket>>();
  return (gateway, socket) => {
    const own = open.get(gateway) ?? new Set();
    open.set(gateway, own.add(socket));
    socket.once('close', () => {
      own.delete(socket);
      if (own.size === 0 && open.get(gateway) === own) open.delete(gateway);
    });
    const [oldest] = own;
    if (own.size > limits.gatewayConnectionsMax) oldest?.destroy();
  };
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
