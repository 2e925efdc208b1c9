/** The uplinks with a certificate that renews itself, against the ingester's own sources. */

import { afterAll, describe, expect, it } from 'vitest';
import { signToken } from '../../devices/credential/jws.ts';
import { fingerprintOfDid } from '../../devices/envelope.ts';
import { silentLog, systemClock, systemRandom } from '../../devices/runtime.ts';
import { httpsSink } from '../../gateway/sinks/https.ts';
import { mqttSink } from '../../gateway/sinks/mqtt.ts';
import { createUplinkIdentity, type UplinkIdentity } from '../../gateway/uplink-certificate.ts';
import type { OpenSource, Source } from '../../ingest/source.ts';
import { embedded } from '../../ingest/sources/embedded.ts';
import { https } from '../../ingest/sources/https.ts';
import { eventually } from '../support/eventually.ts';
import { memorySigner } from '../support/identity.ts';
import { startUplinkWorld, type UplinkWorld } from '../support/uplink-world.ts';
import { type SinkPeer, testSink } from './sink.ts';

const signer = memorySigner();
const fingerprint = fingerprintOfDid(signer.did);
const worlds: UplinkWorld[] = [];
const identities: UplinkIdentity[] = [];
const ends: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const identity of identities) identity.close();
  await Promise.all(ends.map((end) => end()));
  for (const world of worlds) world.close();
});

async function worldOf(lifetimeMs?: number): Promise<UplinkWorld> {
  const world = await startUplinkWorld(lifetimeMs === undefined ? {} : { lifetimeMs });
  world.enrolled.add(signer.did);
  worlds.push(world);
  return world;
}

/** A source of the world that can be stopped and comes back at the same port. */
function peerOf(source: Source, more: object, world: UplinkWorld) {
  const received: Uint8Array[] = [];
  let opened: OpenSource | undefined;
  let port = 0;
  const start = async () => {
    opened = await source.open(
      { host: '127.0.0.1', port, ...more },
      {
        clock: systemClock,
        log: silentLog,
        resolvePath: (path) => path,
        uplink: world.uplink,
        receive({ bytes, gateway }) {
          expect(gateway).toBe(fingerprint);
          received.push(bytes.slice());
          return undefined;
        },
      },
    );
    port = Number(opened.address.split(':').at(-1));
  };
  return {
    received,
    start,
    url: () => `${new URL(opened?.address ?? '').protocol}//localhost:${port}`,
    sendReceipt: (bytes: Uint8Array) => void opened?.reply(fingerprint, bytes),
    async stop() {
      await opened?.close();
      opened = undefined;
    },
  };
}

/** The gateway's own renewal, with the certificates given out at a real HTTPS source. */
function identityAt(certificates: string, world: UplinkWorld): UplinkIdentity {
  const identity = createUplinkIdentity({
    invitation: world.invitation(certificates, [certificates]),
    gateway: signer.did,
    vouch: (payload) => signToken({ payload, signer, typ: 'bondline-certificate-request+jwt' }),
    // What it is worth, the world says: `enrolled`.
    enrolments: () => [Buffer.from('an enrolment')],
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  identities.push(identity);
  return identity;
}

async function openPeer(source: Source, more: object): Promise<SinkPeer> {
  const world = await worldOf();
  // Certificates come from a source of their own, which stays while the other is stopped.
  const office = peerOf(https, {}, world);
  await office.start();
  ends.push(office.stop);
  const peer = peerOf(source, more, world);
  await peer.start();
  return {
    settings: { url: peer.url() },
    identity: identityAt(office.url(), world),
    received: peer.received,
    sendReceipt: peer.sendReceipt,
    stop: peer.stop,
    restart: peer.start,
  };
}

const gateway = signer.did;
testSink(httpsSink, () => openPeer(https, {}), { gateway });
testSink(mqttSink, () => openPeer(embedded, { tls: true }), { gateway, how: ' over TLS' });

describe('a certificate that lives three seconds', () => {
  for (const [name, sink, source, more] of [
    ['https', httpsSink, https, {}],
    ['mqtt', mqttSink, embedded, { tls: true }],
  ] as const) {
    it(`is renewed by itself under load, and ${name} loses nothing`, async () => {
      const world = await worldOf(3_000);
      const office = peerOf(https, {}, world);
      const peer = peerOf(source, more, world);
      await Promise.all([office.start(), peer.start()]);
      ends.push(office.stop, peer.stop);
      const identity = identityAt(office.url(), world);
      let isUp = false;
      let ups = 0;
      let renewals = 0;
      identity.onRenewed(() => {
        renewals += 1;
      });
      const events = {
        onReceipt: () => undefined,
        onState(up: boolean) {
          isUp = up;
          if (up) ups += 1;
        },
      };
      const context = { clock: systemClock, random: systemRandom, log: silentLog, gateway };
      const given = { ...context, identity, resolvePath: (path: string) => path };
      const open = await (sink as typeof httpsSink).open({ url: peer.url() }, events, given);
      const never = new AbortController().signal;
      // As the forwarder does: what was not taken is sent again, and only then is it done.
      const sent: string[] = [];
      const rejected: string[] = [];
      for (let n = 0; renewals < 2; n += 1) {
        const text = `reading ${n}`;
        await eventually(() => isUp, 'the uplink is up');
        await open.send(Buffer.from(text), never).then(
          () => sent.push(text),
          () => rejected.push(text),
        );
        if (rejected.at(-1) === text) n -= 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await open.close();
      const arrived = new Set(peer.received.map((bytes) => Buffer.from(bytes).toString()));
      expect(sent.filter((text) => !arrived.has(text))).toEqual([]);
      expect(sent.length).toBeGreaterThan(100);
      expect(ups).toBeGreaterThanOrEqual(2);
    }, 30_000);
  }
});
