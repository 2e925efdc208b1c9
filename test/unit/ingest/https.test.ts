/** What only the HTTPS source promises: who is answered what, and that it waits for room. */
import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameOf } from '../../../devices/io/uplink/frame.ts';
import type { TlsIdentity } from '../../../devices/io/uplink/x509.ts';
import { limits } from '../../../devices/limits.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import type { OpenSource } from '../../../ingest/source.ts';
import { https } from '../../../ingest/sources/https.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { startUplinkWorld, type UplinkWorld } from '../../support/uplink-world.ts';

const { did } = memorySigner();
let world: UplinkWorld;
let source: OpenSource;
let own: TlsIdentity;
let room: Promise<void> | undefined;
let gate: Promise<void> | undefined;
const taken: string[] = [];
const known = new Set<string>();

beforeAll(async () => {
  world = await startUplinkWorld();
  world.enrolled.add(did);
  own = await world.identity(did);
  source = await https.open(
    { host: '127.0.0.1', port: 0 },
    {
      clock: systemClock,
      log: silentLog,
      resolvePath: (path) => path,
      uplink: world.uplink,
      known: (gateway) => known.add(gateway),
      room: () => gate,
      receive({ bytes, gateway }) {
        expect(did.endsWith(gateway)).toBe(true);
        taken.push(Buffer.from(bytes).toString());
        return room;
      },
    },
  );
});
afterAll(async () => {
  await source.close();
  world.close();
});

/** The status of an answer, 0 where the connection ended instead. */
function statusOf(path: string, identity?: TlsIdentity, body?: Buffer): Promise<number> {
  const ca = world.authority.certificate;
  const method = body ? 'POST' : 'GET';
  return new Promise((resolve) => {
    const asked = request(`${source.address}${path}`, { ca, ...identity, method, agent: false });
    asked.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', () => resolve(0));
    asked.end(body);
  });
}

describe('the HTTPS source', () => {
  it('answers nobody without a certificate that is good now', async () => {
    const late = await world.identity(did, -1_000);
    const stranger = await world.identity(memorySigner().did);
    for (const identity of [undefined, late, stranger]) {
      expect(await statusOf('/uplink/receipts', identity)).toBe(401);
      expect(await statusOf('/uplink/credentials', identity, frameOf(Buffer.from('x')))).toBe(401);
    }
    expect(taken).toEqual([]);
    expect(await statusOf('/anything', own)).toBe(404);
  });

  it('takes many in one request, and none that is not whole or too large', async () => {
    const two = Buffer.concat([frameOf(Buffer.from('one')), frameOf(Buffer.from('two'))]);
    expect(await statusOf('/uplink/credentials', own, two)).toBe(202);
    expect(taken.splice(0)).toEqual(['one', 'two']);
    expect(await statusOf('/uplink/credentials', own, two.subarray(0, -1))).toBe(400);
    expect(taken.splice(0)).toEqual(['one']);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(limits.credentialBytesMax + 1);
    expect(await statusOf('/uplink/credentials', own, head)).toBe(0);
    expect(taken).toEqual([]);
  });

  it('reads no further while there is no room', async () => {
    let open = () => {};
    room = new Promise((resolve) => {
      open = resolve;
    });
    const body = Buffer.concat(Array.from({ length: 30 }, () => frameOf(Buffer.alloc(30_000, 97))));
    const answered = statusOf('/uplink/credentials', own, body);
    await eventually(() => taken.length > 0, 'the first');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(taken.length).toBeLessThan(20);
    room = undefined;
    open();
    expect(await answered).toBe(202);
    expect(taken.splice(0)).toHaveLength(30);
  });

  it('reads nothing at all while its gateway has no room, and says that it knows the gateway', async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    known.clear();
    const answered = statusOf('/uplink/credentials', own, frameOf(Buffer.from('later')));
    await eventually(() => known.size > 0, 'the connection');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(taken).toEqual([]);
    expect(did.endsWith([...known][0] ?? '?')).toBe(true);
    gate = undefined;
    open();
    expect(await answered).toBe(202);
    expect(taken.splice(0)).toEqual(['later']);
  });

  it('ends the oldest connection of a gateway that has too many', async () => {
    const sockets: TLSSocket[] = [];
    const url = new URL(source.address);
    const ca = world.authority.certificate;
    for (let at = 0; at <= limits.gatewayConnectionsMax; at += 1) {
      const to = { host: url.hostname, port: Number(url.port), servername: 'localhost' };
      const socket = connect({ ...to, ca, ...own });
      socket.on('error', () => {});
      sockets.push(socket);
      socket.write('GET /uplink/receipts HTTP/1.1\r\nhost: x\r\n\r\n');
      await new Promise<void>((resolve) => socket.once('data', () => resolve()));
    }
    await eventually(() => sockets[0]?.destroyed, 'the end of the oldest');
    expect(sockets.slice(1).every(({ destroyed }) => !destroyed)).toBe(true);
    for (const socket of sockets) socket.destroy();
  });
});
