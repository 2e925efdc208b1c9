/** What only the broker inside promises: who may say what, and what a stranger cannot do. */
import { createServer, connect as dial, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receiptTopic, uplinkTopic } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import type { Inbound, OpenSource } from '../../../ingest/source.ts';
import { embedded } from '../../../ingest/sources/embedded.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';

const fingerprint = () => memorySigner().did.slice('did:key:'.length);

// Without it a test of memory sees garbage that nobody holds.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('embedded broker', () => {
  let source: OpenSource;
  let taken: Inbound[];
  let tooLarge = 0;
  let room: Promise<void> | undefined;
  const clients: MqttClient[] = [];
  const context = {
    clock: systemClock,
    log: silentLog,
    resolvePath: (path: string) => path,
    receive: (message: Inbound) => {
      taken.push(message);
      return undefined;
    },
    room: () => room,
    tooLarge: () => {
      tooLarge += 1;
    },
  };
  const gateway = async (options: object = {}) => {
    const client = await connectAsync(source.address, {
      protocolVersion: 4,
      reconnectPeriod: 0,
      ...options,
    });
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  const port = () => Number(new URL(source.address).port);

  beforeEach(async () => {
    taken = [];
    tooLarge = 0;
    room = undefined;
    source = await embedded.open({ host: '127.0.0.1', port: 0, tls: false }, context);
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
    await source.close();
  });

  it('names the port that is taken', async () => {
    const opening = embedded.open({ host: '127.0.0.1', port: port(), tls: false }, context);
    await expect(opening).rejects.toMatchObject({
      code: 'IN_PORT_TAKEN',
      message: `listening on 127.0.0.1:${port()}`,
    });
  });

  it('lets a connection speak for one gateway only', async () => {
    const client = await gateway();
    const own = fingerprint();
    await client.publishAsync(uplinkTopic(own), 'mine', { qos: 1 });
    client.publish(uplinkTopic(fingerprint()), "another's", { qos: 1 });
    await eventually(() => !client.connected, 'the end of the connection');
    expect(taken.map(({ gateway: from }) => from)).toEqual([own]);
  });

  it('lets nobody listen to receipts of others, or to everything', async () => {
    const client = await gateway();
    await client.publishAsync(uplinkTopic(fingerprint()), 'mine', { qos: 1 });
    for (const filter of [
      '#',
      'bondline/v1/+/down',
      'bondline/v1/+/up',
      receiptTopic(fingerprint()),
      '$SYS/#',
    ]) {
      const refused = await client.subscribeAsync(filter, { qos: 1 }).then(
        (granted) => granted.every(({ qos }) => Number(qos) === 128),
        () => true,
      );
      expect(refused, filter).toBe(true);
    }
    expect(client.connected).toBe(true);
  });

  it('publishes no will', async () => {
    const own = fingerprint();
    const listener = await gateway();
    const heard: string[] = [];
    listener.on('message', (_topic, payload) => heard.push(payload.toString()));
    await listener.subscribeAsync(receiptTopic(own), { qos: 1 });
    const client = await gateway({ will: { topic: receiptTopic(own), payload: 'will', qos: 1 } });
    const other = await gateway({ will: { topic: uplinkTopic(own), payload: 'will', qos: 1 } });
    client.stream.destroy();
    other.stream.destroy();
    await eventually(() => !client.connected && !other.connected, 'both gone');
    await source.reply(own, Buffer.from('receipt'));
    await eventually(() => heard.length > 0, 'the receipt');
    expect(heard).toEqual(['receipt']);
    expect(taken).toEqual([]);
  });

  it('keeps no session for a gateway that asks for one', async () => {
    const own = fingerprint();
    const options = { clean: false, clientId: 'gateway-1' };
    const first = await gateway(options);
    await first.subscribeAsync(receiptTopic(own), { qos: 1 });
    await first.endAsync(true);
    await source.reply(own, Buffer.from('missed'));
    const second = await gateway(options);
    const heard: string[] = [];
    second.on('message', (_topic, payload) => heard.push(payload.toString()));
    await second.subscribeAsync(receiptTopic(own), { qos: 1 });
    await source.reply(own, Buffer.from('now'));
    await eventually(() => heard.includes('now'), 'the new receipt');
    expect(heard).toEqual(['now']);
  });

  it('ends a connection that announces a packet beyond the bound, before buffering it', async () => {
    const socket: Socket = dial({ port: port(), host: '127.0.0.1' });
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    const { mqttConnectBytesMax: size } = limits;
    const digits = [size & 0x7f, (size >> 7) & 0x7f, (size >> 14) & 0x7f, (size >> 21) & 0x7f];
    socket.write(
      Buffer.from([0x10, ...digits.map((digit, at) => (at < 3 ? digit | 0x80 : digit + 1))]),
    );
    await ended;
    expect(tooLarge).toBe(1);
    const client = await gateway();
    const most = limits.mqttPacketBytesMax - 200;
    await client.publishAsync(uplinkTopic(fingerprint()), Buffer.alloc(most), { qos: 1 });
    expect(taken[0]?.bytes.length).toBe(most);
    const ending = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.publish(uplinkTopic(fingerprint()), Buffer.alloc(most + 300), { qos: 1 });
    await ending;
    expect(tooLarge).toBe(2);
  });

  it('takes nothing that it would have to keep until its sender comes back to it', async () => {
    const client = await gateway();
    const ending = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.publish(uplinkTopic(fingerprint()), 'kept', { qos: 2 });
    await ending;
    expect(taken).toEqual([]);
  });

  it('reads nothing while there is no room, and drops nothing of it', async () => {
    const client = await gateway();
    const topic = uplinkTopic(fingerprint());
    await client.publishAsync(topic, 'first', { qos: 1 });
    let open = () => {};
    room = new Promise((resolve) => {
      open = resolve;
    });
    const sent = Array.from({ length: 50 }, (_, at) =>
      client.publishAsync(topic, Buffer.alloc(20_000, at), { qos: 1 }),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(taken.length).toBe(1);
    room = undefined;
    open();
    await Promise.all(sent);
    expect(taken.slice(1).map(({ bytes }) => bytes[0])).toEqual(sent.map((_, at) => at));
  });

  it('ends so that receipts arrive which were sent before, whatever is unread by then', async () => {
    const own = fingerprint();
    const client = await gateway();
    const heard: string[] = [];
    client.on('message', (_topic, payload) => heard.push(payload.toString()));
    await client.subscribeAsync(receiptTopic(own), { qos: 1 });
    room = new Promise(() => {});
    for (let at = 0; at < 20; at += 1) {
      client.publish(uplinkTopic(own), Buffer.alloc(10_000), { qos: 1 }, () => {});
    }
    await eventually(() => client.stream.writableLength === 0, 'all of it on its way');
    client.stream.pause();
    await source.reply(own, Buffer.from('receipt'));
    const closed = source.close();
    await Promise.race([closed, systemClock.sleep(50)]);
    client.stream.resume();
    await closed;
    await eventually(() => !client.connected, 'the end of the connection');
    expect(heard).toEqual(['receipt']);
    expect(taken).toEqual([]);
  });

  it('remembers nothing of clients that asked for a session and went away', async () => {
    const names = Array.from({ length: 20 }, fingerprint);
    for (const [at, own] of names.entries()) {
      const client = await gateway({ clean: false, clientId: `away-${at}` });
      await client.subscribeAsync(receiptTopic(own), { qos: 1 });
      await client.endAsync(true);
    }
    // 200 MB of receipts: a session would keep each for the client that is away.
    const receipt = Buffer.alloc(256 * 1024, 1);
    collect();
    const before = process.memoryUsage();
    for (let round = 0; round < 40; round += 1) {
      for (const own of names) await source.reply(own, Buffer.from(receipt));
    }
    // What nobody holds is given back by a thread of V8, in its own time.
    await eventually(() => {
      collect();
      const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
      return grown < 16 * 1024 * 1024;
    }, 'the receipts are gone');
  });

  it('frees its port when it is closed, half-open connections included', async () => {
    const half = dial({ port: port(), host: '127.0.0.1' });
    await new Promise<void>((resolve) => half.once('connect', () => resolve()));
    half.on('error', () => {});
    const freed = port();
    await source.close();
    await new Promise<void>((resolve, reject) => {
      const server = createServer().once('error', reject);
      server.listen(freed, '127.0.0.1', () => server.close(() => resolve()));
    });
    half.destroy();
  });
});
