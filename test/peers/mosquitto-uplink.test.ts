/** Mosquitto with the very lines of docs/uplink.md: mutual TLS, and the access matrix. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOfDid } from '../../devices/envelope.ts';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import type { OpenSource } from '../../ingest/source.ts';
import { mqtt } from '../../ingest/sources/mqtt.ts';
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
} from '../support/access-matrix.ts';
import { eventually } from '../support/eventually.ts';
import { memorySigner } from '../support/identity.ts';
import { hasPeer } from '../support/peers.ts';
import { freePort } from '../support/ports.ts';
import { gatewayRoles, startUplinkWorld, type UplinkWorld } from '../support/uplink-world.ts';

const page = readFileSync(new URL('../../docs/uplink.md', import.meta.url), 'utf8');

/** The block of the page that is written for Mosquitto. */
function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/uplink.md has no ${language}`);
  return found;
}

const dids = { own: memorySigner().did, other: memorySigner().did, revoked: memorySigner().did };
const own = fingerprintOfDid(dids.own);
const other = fingerprintOfDid(dids.other);
const revoked = fingerprintOfDid(dids.revoked);

describe.skipIf(!hasPeer('mosquitto'))('Mosquitto as the page says', () => {
  let world: UplinkWorld;
  let child: ChildProcess;
  let source: OpenSource;
  let peer: MatrixPeer;
  let port = 0;
  const canaries: Canary[] = [];
  const roles: Role[] = [];
  const taken: { gateway: string; text: string }[] = [];

  beforeAll(async () => {
    world = await startUplinkWorld();
    world.enrolled.add(dids.own).add(dids.other);
    port = await freePort();
    const folder = join(world.directory, 'mosquitto');
    mkdirSync(folder);
    const { cert, key } = await world.authority.issueServer(['localhost'], 3_600_000);
    for (const [name, content] of [
      ['authority.pem', world.authority.certificate],
      ['broker.pem', cert],
      ['broker.key', key],
      ['acl', block('acl')],
    ] as const) {
      writeFileSync(join(folder, name), content, { mode: 0o644 });
    }
    chmodSync(world.directory, 0o755);
    const lines = block('conf')
      .replaceAll('/etc/mosquitto/bondline', folder)
      .replace('listener 8883', `listener ${port} 127.0.0.1`);
    const asRoot = process.getuid?.() === 0 ? 'user root\n' : '';
    writeFileSync(join(folder, 'mosquitto.conf'), lines + asRoot);
    const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
    const config = join(folder, 'mosquitto.conf');
    child = spawn('mosquitto', ['-c', config], { stdio: 'ignore', env });
    const ca = world.authority.certificate;
    const url = `mqtts://localhost:${port}`;
    const ingester = world.uplink.clientIdentity();
    await eventually(async () => {
      const client = await attach({ url, ca }, ingester);
      client?.end(true);
      return client !== undefined;
    }, 'Mosquitto takes connections');
    source = await mqtt.open(
      { url },
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
    peer = { url, ca, taken, reply };
    const at = { self: own, victim: other, delivers: false };
    roles.push(
      ...(await gatewayRoles(world, dids)),
      {
        name: 'a name that is nobody’s',
        identity: await world.certificate({ commonName: 'stranger', uris: [dids.own] }),
        proven: 'stranger',
        ...at,
      },
      {
        name: 'revoked',
        identity: await world.identity(dids.revoked),
        proven: revoked,
        ...{ self: revoked, victim: own, delivers: false },
      },
    );
    canaries.push(await startCanary(peer, own, await world.identity(dids.own)));
    canaries.push(await startCanary(peer, other, await world.identity(dids.other)));
  }, 30_000);
  afterAll(async () => {
    for (const { client } of canaries) client.end(true);
    await source?.close();
    child?.kill('SIGTERM');
    if (child?.exitCode === null) await once(child, 'exit');
    world?.close();
  });

  it('lets each role do what the rule says, and nothing leaks', async () => {
    const wrong: unknown[] = [];
    for (const role of roles) {
      for (const verb of verbs) {
        const topics = role.proven === undefined ? topicsOf(role).slice(0, 1) : topicsOf(role);
        for (const topic of topics) {
          const { connected, leaked, ...effect } = await tryOut(peer, canaries, role, verb, topic);
          const expected = expectedEffect(role, verb, topic, { willsAreGiven: true });
          // A broker without retained messages takes nobody in whose will is to be retained.
          const isIn = role.proven !== undefined && verb !== 'willRetained';
          // Mosquitto grants a filter and then passes on only what the list lets through.
          const heard = effect.heard.filter((one) => one !== role.proven);
          // Nor one whose will has a topic that is none.
          const mayRefuse = verb === 'will' && /[#+$]/.test(topic);
          const isWell =
            (connected === isIn || (mayRefuse && !connected)) &&
            leaked.length === 0 &&
            heard.length === 0 &&
            effect.delivered === expected.delivered;
          if (!isWell) wrong.push({ role: role.name, verb, topic, connected, leaked, effect });
        }
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('refuses TLS 1.2', async () => {
    const identity = await world.identity(dids.own);
    const socket = connectTls({
      ...{ host: 'localhost', port, ca: peer.ca, ...identity },
      ...{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
    });
    const failed = await new Promise<boolean>((resolve) => {
      socket.once('secureConnect', () => resolve(false));
      socket.once('error', () => resolve(true));
    });
    socket.destroy();
    expect(failed).toBe(true);
  });
});
