import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../../../devices/limits.ts';
import type { PointDefinition } from '../../../../devices/profile.ts';
import type { Connection, SampleSet } from '../../../../gateway/driver.ts';
import { mqttDriver } from '../../../../gateway/drivers/mqtt.ts';
import { driverContext, until } from '../../../support/driver-context.ts';
import { type ManualClock, manualClock } from '../../../support/manual-clock.ts';
import {
  type BrokerClient,
  type ScriptedBroker,
  startBroker,
} from '../../../support/mqtt-broker.ts';
import { freePort } from '../../../support/ports.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function at(topic: string, path: string): PointDefinition {
  return { summary: '', type: 'Temperature', unit: 'CEL', mqtt: { topic, path } };
}

const points = { air: at('telemetry', 'air'), door: at('telemetry', 'door') };
const topic = 'yard/MSKU9070323/telemetry';

interface Delivery {
  readonly set: SampleSet;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What the driver asked not to be remembered any longer. */
type Forgotten = NonNullable<SampleSet['forget']>;

interface Opened {
  readonly connection: Connection;
  readonly clock: ManualClock;
  readonly lines: string[];
  readonly deliveries: Delivery[];
  readonly forgotten: Forgotten[];
}

async function broker(port = 0): Promise<ScriptedBroker> {
  const started = await startBroker(port);
  closers.push(() => started.close());
  return started;
}

/** A subscribed device whose deliveries become durable when the test says so. */
async function subscribed(url: string, more: { clientId?: string } = {}): Promise<Opened> {
  const clock = manualClock();
  const context = driverContext('reefer-1', { clock });
  const settings = { url, topic: 'yard/MSKU9070323', ...more };
  const connection = await mqttDriver.open(settings, points, context);
  closers.push(() => connection.close());
  const deliveries: Delivery[] = [];
  const forgotten: Forgotten[] = [];
  await connection.subscribe?.(Object.keys(points), (set) => {
    if (set.forget === undefined) {
      return new Promise((resolve, reject) => deliveries.push({ set, resolve, reject }));
    }
    forgotten.push(set.forget);
    return Promise.resolve();
  });
  return { connection, clock, lines: context.lines, deliveries, forgotten };
}

/** The n-th client of a broker, once it has subscribed (or resumed its session). */
async function client(of: ScriptedBroker, n = 0, subscriptions = 1): Promise<BrokerClient> {
  await until(() => (of.clients[n]?.subscriptions.length ?? -1) >= subscriptions);
  const found = of.clients[n];
  if (!found) throw new Error('no client');
  return found;
}

function rawTexts(set: SampleSet): string[] {
  return set.samples.map(({ rawHex }) => Buffer.from(rawHex, 'hex').toString());
}

describe('mqtt driver and its session', () => {
  it('asks for a session that the broker keeps, with MQTT 3.1.1 and QoS 1', async () => {
    const yard = await broker();
    await subscribed(yard.url);
    const first = await client(yard);
    expect(first).toMatchObject({
      clean: false,
      level: 4,
      subscriptions: [{ filter: topic, qos: 1 }],
    });
    expect(first.clientId).toMatch(/^[0-9A-Za-z]{1,23}$/);
  });

  it('has a client id of its own for each gateway and device, the same after a restart', async () => {
    const yard = await broker();
    const idOf = async (gateway: string, device: string) => {
      const context = driverContext(device, { gateway, clock: manualClock() });
      const connection = await mqttDriver.open({ url: yard.url, topic: 'yard/x' }, points, context);
      const before = yard.clients.length;
      await connection.subscribe?.(['air'], async () => undefined);
      const { clientId } = await client(yard, before);
      await connection.close();
      return clientId;
    };
    const ids = [
      await idOf('g1', 'a'),
      await idOf('g1', 'a'),
      await idOf('g1', 'b'),
      await idOf('g2', 'a'),
    ];
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
  });

  it('acknowledges a message only after its samples are durable', async () => {
    const yard = await broker();
    const { deliveries } = await subscribed(yard.url);
    const device = await client(yard);
    device.publish({ topic, payload: '{"air":-18.250,"door":false}', id: 7 });
    device.publish({ topic, payload: '{"air":-18.5,"door":false}', id: 8 });
    await until(() => deliveries.length === 2);
    expect(deliveries.map(({ set }) => rawTexts(set))).toEqual([
      ['-18.250', 'false'],
      ['-18.5', 'false'],
    ]);
    // The second is durable first: it must not be acknowledged before the first [MQTT-4.6.0-2].
    deliveries[1]?.resolve();
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(device.acknowledged).toEqual([]);
    deliveries[0]?.resolve();
    await until(() => device.acknowledged.length === 2);
    expect(device.acknowledged).toEqual([7, 8]);
  });

  it('leaves what could not be stored with the broker, and takes it when it comes again', async () => {
    const yard = await broker();
    const { deliveries, clock, lines } = await subscribed(yard.url);
    const device = await client(yard);
    const message = { topic, payload: '{"air":1,"door":true}', id: 7 };
    device.publish(message);
    await until(() => deliveries.length === 1);
    deliveries[0]?.reject(new Error('disk full'));
    await until(() => lines.length === 1);
    expect(lines[0]).toMatch(/absent.*could not be stored/);
    yard.sessionPresent = true;
    clock.advance(limits.reconnectMs);
    const again = await client(yard, 1, 0);
    again.publish({ ...message, dup: true });
    await until(() => deliveries.length === 2);
    deliveries[1]?.resolve();
    await until(() => again.acknowledged.length === 1);
    expect(device.acknowledged).toEqual([]);
  });

  it('takes a copy whose acknowledgement was lost for what it is', async () => {
    const yard = await broker();
    const { deliveries, connection, clock, lines } = await subscribed(yard.url);
    const device = await client(yard);
    const message = { topic, payload: '{"air":1,"door":true}', id: 7 };
    device.publish(message);
    await until(() => deliveries.length === 1);
    // The connection breaks while the message is on its way to the disk.
    device.cut();
    await until(() => lines.length === 1);
    yard.sessionPresent = true;
    clock.advance(limits.reconnectMs);
    const again = await client(yard, 1, 0);
    again.publish({ ...message, dup: true });
    await until(() => connection.counters?.()['redelivered'] === 1);
    expect(again.acknowledged).toEqual([]);
    deliveries[0]?.resolve();
    await until(() => again.acknowledged.length === 1);
    // The same id with other content is another message, and so is one that is no duplicate.
    again.publish({ ...message, payload: '{"air":2,"door":true}', dup: true });
    await until(() => deliveries.length === 2);
    deliveries[1]?.resolve();
    again.publish(message);
    await until(() => deliveries.length === 3);
    deliveries[2]?.resolve();
    await until(() => again.acknowledged.length === 3);
  });

  it('subscribes again only where the broker lost the session', async () => {
    const yard = await broker();
    const { clock, lines } = await subscribed(yard.url);
    (await client(yard)).cut();
    await until(() => lines.length === 1);
    yard.sessionPresent = true;
    clock.advance(limits.reconnectMs);
    const kept = await client(yard, 1, 0);
    await until(() => lines.some((line) => line.includes('answers')));
    expect(kept.subscriptions).toEqual([]);
    kept.cut();
    await until(() => clock.pending() > 0);
    yard.sessionPresent = false;
    clock.advance(limits.reconnectMs);
    expect((await client(yard, 2)).subscriptions).toEqual([{ filter: topic, qos: 1 }]);
  });

  it('takes messages that come before the subscription is confirmed', async () => {
    const yard = await broker();
    yard.sessionPresent = true;
    const { deliveries } = await subscribed(yard.url);
    await until(() => yard.clients.length === 1);
    yard.clients[0]?.publish({ topic, payload: '{"air":1,"door":true}', id: 3, dup: true });
    await until(() => deliveries.length === 1);
    deliveries[0]?.resolve();
  });

  it('says a payload that is nonsense is missing, acknowledges it, and says so once', async () => {
    const yard = await broker();
    const { deliveries, lines } = await subscribed(yard.url);
    const device = await client(yard);
    for (let id = 1; id <= 20; id += 1) {
      device.publish({
        topic,
        payload: id % 2 ? 'garbage' : 'x'.repeat(limits.mqttPayloadBytesMax + 1),
        id,
      });
      await until(() => deliveries.length === id);
      deliveries[id - 1]?.resolve();
    }
    await until(() => device.acknowledged.length === 20);
    expect(deliveries.at(-1)?.set).toMatchObject({
      samples: [],
      missing: { points: ['air', 'door'], cause: 'nonsense' },
    });
    expect(lines).toEqual([expect.stringMatching(/reefer-1: nonsense/)]);
  });

  it('does not hold a message of many megabytes, and is rid of it', async () => {
    const yard = await broker();
    const { deliveries, lines } = await subscribed(yard.url);
    const device = await client(yard);
    device.publish({ topic, payload: Buffer.alloc(8 * 1024 * 1024, 'x'), id: 5 });
    await until(() => deliveries.length === 1);
    // Its payload was never there: it was cut off before the parser that would have collected it.
    expect(lines).toEqual([expect.stringMatching(/nonsense .*bytes=8388608/)]);
    expect(deliveries[0]?.set.missing).toEqual({ points: ['air', 'door'], cause: 'nonsense' });
    deliveries[0]?.resolve();
    await until(() => device.acknowledged.length === 1);
    device.publish({ topic, payload: '{"air":1,"door":true}', id: 6 });
    await until(() => deliveries.length === 2);
    expect(deliveries[1]?.set.samples).toHaveLength(2);
    deliveries[1]?.resolve();
  });

  it('acknowledges and drops what another configuration had subscribed to', async () => {
    const yard = await broker();
    const { deliveries, connection } = await subscribed(yard.url);
    const device = await client(yard);
    device.publish({ topic: 'yard/other', payload: '{"air":1}', id: 9 });
    await until(() => device.acknowledged.length === 1);
    expect(deliveries).toEqual([]);
    expect(connection.counters?.()).toMatchObject({ foreignTopics: 1 });
  });

  it('tries an absent broker again, later each time, and is there when it comes', async () => {
    const port = await freePort();
    const { clock, deliveries, lines } = await subscribed(`mqtt://127.0.0.1:${port}`);
    await until(() => clock.pending() === 1);
    for (let i = 0; i < 5; i += 1) {
      clock.advance(limits.reconnectMsMax);
      await until(() => clock.pending() === 1);
    }
    expect(lines.length).toBeLessThanOrEqual(4);
    const yard = await broker(port);
    clock.advance(limits.reconnectMsMax);
    await client(yard);
    await until(() => lines.some((line) => line.includes('answers')));
    // Nobody kept what was published meanwhile, if anything was.
    const { missing } = deliveries[0]?.set ?? {};
    expect(missing).toMatchObject({ points: ['air', 'door'], cause: 'absent' });
    expect((missing?.toMs ?? 0) - (missing?.fromMs ?? 0)).toBe(6 * limits.reconnectMsMax);
    expect(missing?.count).toBe((2 * 6 * limits.reconnectMsMax) / 1_000);
  });

  it('is refused a subscription: says so, and tries again', async () => {
    const yard = await broker();
    yard.granted = 128;
    const { clock, lines } = await subscribed(yard.url);
    await until(() => lines.length === 1);
    expect(lines[0]).toMatch(/refused the subscription/);
    yard.granted = 1;
    clock.advance(limits.reconnectMs);
    await client(yard, 1);
  });

  it('is granted less than it asked for: says so, since the broker would keep nothing for it', async () => {
    const yard = await broker();
    yard.granted = 0;
    const { clock, lines } = await subscribed(yard.url);
    await until(() => lines.length === 1);
    expect(lines[0]).toMatch(/grants QoS 0 at most to .*, and 1 is asked for/);
    yard.granted = 1;
    clock.advance(limits.reconnectMs);
    await client(yard, 1);
  });

  it('lets the messages under way be acknowledged when it is closed, and takes no other', async () => {
    const yard = await broker();
    const { deliveries, connection } = await subscribed(yard.url);
    const device = await client(yard);
    device.publish({ topic, payload: '{"air":1,"door":true}', id: 1 });
    await until(() => deliveries.length === 1);
    const closing = connection.close();
    device.publish({ topic, payload: '{"air":2,"door":true}', id: 2 });
    deliveries[0]?.resolve();
    await closing;
    await until(() => device.disconnected);
    expect(device.acknowledged).toEqual([1]);
    expect(deliveries).toHaveLength(1);
    await connection.close();
  });
});

describe('mqtt driver reading once', () => {
  async function opened(url: string): Promise<{ connection: Connection; clock: ManualClock }> {
    const clock = manualClock();
    const context = driverContext('reefer-1', { clock });
    const both = { ...points, position: at('gps', 'lat') };
    const connection = await mqttDriver.open({ url, topic: 'yard/MSKU9070323' }, both, context);
    closers.push(() => connection.close());
    return { connection, clock };
  }
  const names = ['air', 'door', 'position'];
  const never = new AbortController().signal;

  it('waits for a message of each topic, on a session that takes nothing from another', async () => {
    const yard = await broker();
    const { connection } = await opened(yard.url);
    const reading = connection.read(names, never);
    const device = await client(yard, 0, 2);
    expect(device.clean).toBe(true);
    device.publish({ topic, payload: '{"air":-18.250,"door":false}', retain: true });
    device.publish({ topic: 'yard/MSKU9070323/gps', payload: '{"lat":31.3}' });
    const { samples, missing } = await reading;
    expect(missing).toBeUndefined();
    expect(samples.map((s) => [s.point, s.quality])).toEqual([
      ['air', 'uncertain'],
      ['door', 'uncertain'],
      ['position', 'good'],
    ]);
  });

  it('gives what it heard when the time is over', async () => {
    const yard = await broker();
    const { connection, clock } = await opened(yard.url);
    const reading = connection.read(names, never);
    const device = await client(yard, 0, 2);
    device.publish({ topic: 'yard/MSKU9070323/gps', payload: '{"lat":31.3}', id: 1 });
    await until(() => device.acknowledged.length === 1);
    clock.advance(limits.mqttReadMs);
    const { samples, missing } = await reading;
    expect(samples.map((s) => s.point)).toEqual(['position']);
    expect(missing).toEqual({ points: ['air', 'door'], cause: 'timeout' });
  });

  it('says that there is no broker, or that it was told to stop', async () => {
    const { connection } = await opened(`mqtt://127.0.0.1:${await freePort()}`);
    expect((await connection.read(names, never)).missing).toEqual({
      points: names,
      cause: 'absent',
    });
    const yard = await broker();
    const other = await opened(yard.url);
    const stop = new AbortController();
    const reading = other.connection.read(names, stop.signal);
    await client(yard, 0, 2);
    stop.abort();
    expect((await reading).missing?.cause).toBe('not-running');
  });
});

describe('mqtt driver settings', () => {
  it('name what a point lacks', () => {
    const none: PointDefinition = { summary: '', type: '', unit: '' };
    const bad = { none, wild: at('a/+', 'x'), path: at('a', 'x..y'), good: at('a', 'x') };
    const found = mqttDriver.check({ url: 'mqtt://h', topic: 't' }, bad);
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringContaining('point none has no mqtt place'),
      expect.stringContaining('point wild has the topic "a/+"'),
      expect.stringContaining('point path has the path "x..y"'),
    ]);
  });
});
