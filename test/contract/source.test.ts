/** What every source must do: the embedded broker, and a client of Mosquitto. */
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receiptTopic, uplinkTopic } from '../../devices/envelope.ts';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import type { Inbound, OpenSource } from '../../ingest/source.ts';
import { sources } from '../../ingest/sources/registry.ts';
import { eventually } from '../support/eventually.ts';
import { memorySigner } from '../support/identity.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { hasPeer } from '../support/peers.ts';

const fingerprint = () => memorySigner().did.slice('did:key:'.length);

interface Setup {
  readonly name: string;
  readonly skip: boolean;
  /** Starts what the source needs, and says with which settings it opens. */
  start(): Promise<{ settings: unknown; stop: () => Promise<void> }>;
}

const setups: Setup[] = [
  {
    name: 'embedded',
    skip: false,
    start: async () => ({ settings: { host: '127.0.0.1', port: 0 }, stop: async () => {} }),
  },
  {
    name: 'mqtt',
    skip: !hasPeer('mosquitto'),
    start: async () => {
      const broker: Mosquitto = await startMosquitto();
      return { settings: { url: broker.url }, stop: broker.stop };
    },
  },
];

for (const setup of setups) {
  describe.skipIf(setup.skip)(`source ${setup.name}`, () => {
    let source: OpenSource;
    let stop: () => Promise<void>;
    let taken: Inbound[];
    let room: Promise<void> | undefined;
    const clients: MqttClient[] = [];

    const gateway = async (options: object = {}) => {
      const client = await connectAsync(source.address, { protocolVersion: 4, ...options });
      clients.push(client);
      return client;
    };

    beforeEach(async () => {
      taken = [];
      room = undefined;
      const started = await setup.start();
      stop = started.stop;
      const found = sources.get(setup.name);
      if (!found) throw new Error(`${setup.name} is not registered`);
      source = await found.open(started.settings, {
        clock: systemClock,
        log: silentLog,
        resolvePath: (path) => path,
        receive(message) {
          taken.push({ ...message, bytes: message.bytes.slice() });
          return room;
        },
      });
    });
    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
      await source.close();
      await stop();
    });

    it('hands over the bytes of every message, in order, with its gateway', async () => {
      const from = fingerprint();
      const client = await gateway();
      const sent = Array.from({ length: 50 }, (_, index) => Buffer.alloc(1 + index * 400, index));
      const before = Date.now();
      await Promise.all(
        sent.map((bytes) => client.publishAsync(uplinkTopic(from), bytes, { qos: 1 })),
      );
      await eventually(() => taken.length === sent.length, 'all messages');
      expect(
        taken.map(({ bytes }) => Buffer.from(bytes).equals(sent[bytes[0] ?? 0] as Buffer)),
      ).not.toContain(false);
      expect(taken.map(({ bytes }) => bytes[0])).toEqual(sent.map((_, index) => index));
      expect(new Set(taken.map((message) => message.gateway))).toEqual(new Set([from]));
      for (const { receivedMs } of taken) expect(receivedMs).toBeGreaterThanOrEqual(before - 1);
    });

    it('takes what is no credential like anything else', async () => {
      const client = await gateway();
      const from = fingerprint();
      await client.publishAsync(uplinkTopic(from), Buffer.from('garbage'), { qos: 1 });
      await client.publishAsync(uplinkTopic(from), Buffer.alloc(0), { qos: 1 });
      await eventually(() => taken.length === 2, 'both messages');
      expect(client.connected).toBe(true);
    });

    it('brings a receipt to its gateway and to nobody else', async () => {
      const [one, other] = [fingerprint(), fingerprint()];
      const got = new Map<string, string[]>([
        [one, []],
        [other, []],
      ]);
      for (const name of [one, other]) {
        const client = await gateway();
        client.on('message', (_topic, payload) => got.get(name)?.push(payload.toString()));
        await client.subscribeAsync(receiptTopic(name), { qos: 1 });
      }
      await source.reply(one, Buffer.from('for one'));
      await eventually(() => got.get(one)?.length === 1, 'the receipt');
      await source.reply(other, Buffer.from('for the other'));
      await eventually(() => got.get(other)?.length === 1, 'the other receipt');
      expect(got).toEqual(
        new Map([
          [one, ['for one']],
          [other, ['for the other']],
        ]),
      );
    });

    it('resolves a reply to a gateway that is not there', async () => {
      await source.reply(fingerprint(), Buffer.from('nobody'));
    });

    it('stops reading while there is no room, and goes on when there is', async () => {
      const client = await gateway();
      const topic = uplinkTopic(fingerprint());
      let open = () => {};
      room = new Promise((resolve) => {
        open = resolve;
      });
      const bytes = Buffer.alloc(30_000, 1);
      const published = Array.from({ length: 200 }, () =>
        client.publishAsync(topic, bytes, { qos: 1 }),
      );
      await eventually(() => taken.length > 0, 'the first message');
      await new Promise((resolve) => setTimeout(resolve, 300));
      const while_ = taken.length;
      expect(while_).toBeLessThan(50);
      room = undefined;
      open();
      await Promise.all(published);
      await eventually(() => taken.length === 200, 'the others');
    });

    it('ignores retained messages and topics that are no uplink', async () => {
      const from = fingerprint();
      for (const [topic, retain] of [
        [uplinkTopic(from), true],
        ['bondline/v1/nobody/up', false],
        [`bondline/v2/${from}/up`, false],
        ['other', false],
      ] as const) {
        const client = await gateway({ reconnectPeriod: 0 });
        client.on('error', () => {});
        client.publish(topic, Buffer.from('x'), { qos: 1, retain });
      }
      const client = await gateway();
      await client.publishAsync(uplinkTopic(from), Buffer.from('good'), { qos: 1 });
      await eventually(
        () => taken.some(({ bytes }) => Buffer.from(bytes).toString() === 'good'),
        'good',
      );
      const texts = taken.map(({ bytes }) => Buffer.from(bytes).toString());
      expect(texts.filter((text) => text !== 'good')).toEqual(
        setup.name === 'mqtt' ? retainedAsLive(texts) : [],
      );
    });

    it('hands over nothing after it is closed', async () => {
      const client = await gateway({ reconnectPeriod: 0 });
      client.on('error', () => {});
      // The embedded broker ends the connection with itself.
      const gone = new Promise<void>((resolve) => client.once('close', resolve));
      await source.close();
      const before = taken.length;
      const topic = uplinkTopic(fingerprint());
      // Mosquitto acknowledges although nobody reads; the embedded broker is gone.
      await Promise.race([client.publishAsync(topic, 'late', { qos: 1 }).catch(() => {}), gone]);
      expect(taken.length).toBe(before);
    });
  });
}

/** A broker clears the retain flag for those who are there already [MQTT-3.3.1-9]. */
function retainedAsLive(texts: readonly string[]): string[] {
  return texts.filter((text) => text === 'x').slice(0, 1);
}
