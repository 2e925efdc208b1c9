/** The access matrix of the broker inside: every role, verb and topic, and what TLS must refuse. */
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOfDid } from '../../../devices/envelope.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import type { OpenSource } from '../../../ingest/source.ts';
import { embedded } from '../../../ingest/sources/embedded.ts';
import {
  attach,
  type Canary,
  expectedEffect,
  type MatrixPeer,
  type Role,
  startCanary,
  topicsOf,
  tryOut,
  verbs,
} from '../../support/access-matrix.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { gatewayRoles, startUplinkWorld, type UplinkWorld } from '../../support/uplink-world.ts';

const dids = { own: memorySigner().did, other: memorySigner().did, revoked: memorySigner().did };
const own = fingerprintOfDid(dids.own);
const other = fingerprintOfDid(dids.other);
const revoked = fingerprintOfDid(dids.revoked);

describe('the embedded broker over TLS', () => {
  let world: UplinkWorld;
  let source: OpenSource;
  let peer: MatrixPeer;
  const canaries: Canary[] = [];
  const roles: Role[] = [];
  const taken: { gateway: string; text: string }[] = [];

  beforeAll(async () => {
    world = await startUplinkWorld();
    world.enrolled.add(dids.own).add(dids.other);
    source = await embedded.open(
      { host: '127.0.0.1', port: 0, tls: true },
      {
        clock: systemClock,
        log: silentLog,
        resolvePath: (path) => path,
        uplink: world.uplink,
        receive({ bytes, gateway }) {
          taken.push({ gateway, text: Buffer.from(bytes).toString() });
          return undefined;
        },
      },
    );
    const reply = (gateway: string, text: string) => source.reply(gateway, Buffer.from(text));
    const ca = world.authority.certificate;
    peer = { url: source.address, ca, taken, reply };
    const asOwn = { commonName: own, uris: [dids.own] };
    const at = { self: own, victim: other, delivers: false };
    roles.push(
      ...(await gatewayRoles(world, dids)),
      {
        name: 'a name that is not the DID’s',
        identity: await world.certificate({ commonName: other, uris: [dids.own] }),
        ...at,
      },
      {
        name: 'two DIDs',
        identity: await world.certificate({ commonName: own, uris: [dids.own, dids.other] }),
        ...at,
      },
      {
        name: 'a server’s certificate',
        identity: await world.certificate({ ...asOwn, use: 'server' }),
        ...at,
      },
      { name: 'revoked', identity: await world.identity(dids.revoked), ...at, self: revoked },
    );
    canaries.push(await startCanary(peer, own, await world.identity(dids.own)));
    canaries.push(await startCanary(peer, other, await world.identity(dids.other)));
  });
  afterAll(async () => {
    for (const { client } of canaries) client.end(true);
    await source.close();
    world.close();
  });

  it('lets each role do what the rule says, and nothing leaks', async () => {
    const wrong: unknown[] = [];
    let cells = 0;
    for (const role of roles) {
      // Who is not let in is not let in with anything: one connection attempt a verb is enough.
      for (const verb of verbs) {
        const topics = role.proven === undefined ? topicsOf(role).slice(0, 2) : topicsOf(role);
        for (const topic of topics) {
          cells += 1;
          const { connected, leaked, ...effect } = await tryOut(peer, canaries, role, verb, topic);
          const expected = expectedEffect(role, verb, topic, { willsAreGiven: false });
          const isWell =
            connected === (role.proven !== undefined) &&
            leaked.length === 0 &&
            effect.delivered === expected.delivered &&
            effect.heard.join() === expected.heard.join();
          if (!isWell) wrong.push({ role: role.name, verb, topic, connected, leaked, effect });
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(cells).toBeGreaterThan(200);
  }, 60_000);

  it('refuses TLS 1.2 and older, and resumes no session', async () => {
    const port = Number(new URL(source.address).port);
    const identity = await world.identity(dids.own);
    for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const) {
      const socket = connectTls({
        ...{ host: '127.0.0.1', port, ca: peer.ca, ...identity },
        ...{ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' },
      });
      const failed = await new Promise<boolean>((resolve) => {
        socket.once('secureConnect', () => resolve(false));
        socket.once('error', () => resolve(true));
      });
      socket.destroy();
      expect(failed, version).toBe(true);
    }
    const tickets: Buffer[] = [];
    const socket = connectTls({ host: '127.0.0.1', port, ca: peer.ca, ...identity });
    socket.on('session', (ticket) => tickets.push(ticket));
    await new Promise<void>((resolve) => socket.once('secureConnect', () => resolve()));
    expect(socket.getProtocol()).toBe('TLSv1.3');
    // A round trip, after which a ticket would have come.
    const client = await attach(peer, identity);
    client?.end(true);
    socket.destroy();
    for (const session of tickets) {
      const again = connectTls({ host: '127.0.0.1', port, ca: peer.ca, ...identity, session });
      await new Promise<void>((resolve) => again.once('secureConnect', () => resolve()));
      expect(again.isSessionReused()).toBe(false);
      again.destroy();
    }
  });

  it('ends connections of a gateway whose enrolment is revoked, and lets it in again', async () => {
    const did = memorySigner().did;
    world.enrolled.add(did);
    const identity = await world.identity(did);
    const client = await attach(peer, identity);
    expect(client?.connected).toBe(true);
    world.enrolled.delete(did);
    await eventually(() => client?.connected === false, 'the end of the connection');
    expect(await attach(peer, identity)).toBeUndefined();
    world.enrolled.add(did);
    const back = await attach(peer, identity);
    expect(back?.connected).toBe(true);
    back?.end(true);
  });

  it('ends a connection when its certificate does', async () => {
    const identity = await world.identity(dids.own, 1_500);
    const client = await attach(peer, identity);
    expect(client?.connected).toBe(true);
    await eventually(() => client?.connected === false, 'the end of the connection');
    expect(await attach(peer, identity)).toBeUndefined();
  });
});
