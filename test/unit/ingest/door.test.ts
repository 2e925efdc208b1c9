/** Who comes too often, or begins a handshake and does not go on, costs the others nothing. */
import { createServer as createPlainServer, connect as dial, type Socket } from 'node:net';
import { connect, createServer, type Server } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { guardDoor } from '../../../ingest/sources/door.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { startUplinkWorld, type UplinkWorld } from '../../support/uplink-world.ts';

let world: UplinkWorld;
let server: Server;
let clock: ManualClock;
let turnedAway = 0;
let port = 0;
const sockets: Socket[] = [];

beforeEach(async () => {
  world = await startUplinkWorld();
  clock = manualClock(0);
  turnedAway = 0;
  server = createServer({ ...world.uplink.serverContext() }, (socket) => void socket.end('hello'));
  guardDoor(server, clock, () => {
    turnedAway += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' ? (address?.port ?? 0) : 0;
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  world.close();
});

async function silent(): Promise<Socket> {
  const socket = dial({ port, host: '127.0.0.1' });
  sockets.push(socket);
  socket.on('error', () => {});
  socket.resume();
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

/** What a client of the world's authority hears, or nothing. */
async function greeting(): Promise<string> {
  const identity = await world.identity(memorySigner().did);
  const ca = world.authority.certificate;
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...identity });
  sockets.push(socket);
  return new Promise((resolve) => {
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(''));
    socket.once('data', (bytes) => resolve(bytes.toString()));
  });
}

it('turns an address away that asks for too many handshakes, until it has waited', async () => {
  expect(await greeting()).toBe('hello');
  for (let at = 1; at < limits.handshakeBurst; at += 50) {
    await Promise.all(Array.from({ length: 50 }, silent));
  }
  await eventually(() => turnedAway > 0, 'the first that is turned away');
  expect(await greeting()).toBe('');
  clock.advance(1_000);
  expect(await greeting()).toBe('hello');
});

it('lets the oldest handshake make room, so that those who do not go on keep nobody out', async () => {
  const first = await silent();
  const many = Math.ceil(limits.handshakesMax / 50) + 4;
  for (let round = 0; round < many; round += 1) {
    await Promise.all(Array.from({ length: 50 }, silent));
    clock.advance(2_000);
  }
  await eventually(() => first.destroyed, 'the end of the oldest');
  expect(await greeting()).toBe('hello');
});

it('is asked only of a server that has a handshake', () => {
  const plain = createPlainServer() as unknown as Server;
  expect(() => guardDoor(plain, clock, () => {})).toThrow('listens');
});
