/** A host application's session, packet by packet, with a broker that shows all that it is sent. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import type { Connection, SampleSet } from '../../../../../gateway/driver.ts';
import { decodePayload } from '../../../../../gateway/drivers/sparkplug/payload.ts';
import {
  type SparkplugSettings,
  sparkplugDriver,
} from '../../../../../gateway/drivers/sparkplug.ts';
import { driverContext, type TestContext, until } from '../../../../support/driver-context.ts';
import {
  type BrokerClient,
  type ScriptedBroker,
  startBroker,
} from '../../../../support/mqtt-broker.ts';
import { bdSeq, encode, type } from '../../../../support/sparkplug-edge.ts';

const points: Record<string, PointDefinition> = {
  air: { summary: '', type: 'Temperature', unit: 'CEL', sparkplug: { metric: 'Air' } },
};
const STATE = 'spBv1.0/STATE/host';
const air = (value: number) => ({ name: 'Air', alias: 1, datatype: type.double, double: value });

let broker: ScriptedBroker;
const opened: Connection[] = [];

beforeEach(async () => {
  broker = await startBroker();
});
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
  await broker.close();
});

/** A device of the host `host`, subscribed. */
async function device(
  settings: Partial<SparkplugSettings> = {},
  context: TestContext = driverContext(),
) {
  const whole = { url: broker.url, hostId: 'host', group: 'g', edgeNode: 'n', ...settings };
  const connection = await sparkplugDriver.open(whole, points, context);
  opened.push(connection);
  const sets: SampleSet[] = [];
  await connection.subscribe?.(['air'], async (set) => void sets.push(set));
  return { connection, sets, context };
}

const client = (): BrokerClient | undefined => broker.clients.at(-1);
const said = (): string[] => client()?.published.map(({ topic }) => topic) ?? [];
const states = (of = client()) => {
  const own = of?.published.filter(({ topic }) => topic === STATE) ?? [];
  return own.map(({ payload }): unknown => JSON.parse(payload.toString('utf8')));
};
const willTime = (of = client()): unknown => {
  const will: unknown = JSON.parse(of?.will?.payload.toString('utf8') ?? 'null');
  return typeof will === 'object' && will !== null && 'timestamp' in will ? will.timestamp : will;
};
const online = () => until(() => states().length > 0);

describe('a host application comes', () => {
  it.each([
    'tck-id-host-topic-phid-death-required',
    'tck-id-host-topic-phid-death-topic',
    'tck-id-host-topic-phid-death-qos',
    'tck-id-host-topic-phid-death-retain',
    'tck-id-host-topic-phid-death-payload-timestamp-connect',
    'tck-id-operational-behavior-host-application-connect-will',
    'tck-id-operational-behavior-host-application-connect-will-topic',
    'tck-id-operational-behavior-host-application-connect-will-payload',
    'tck-id-operational-behavior-host-application-connect-will-qos',
    'tck-id-operational-behavior-host-application-connect-will-retained',
    'tck-id-operational-behavior-host-application-death-payload',
    'tck-id-payloads-state-will-message',
    'tck-id-payloads-state-will-message-qos',
    'tck-id-payloads-state-will-message-retain',
    'tck-id-message-flow-phid-sparkplug-clean-session-311',
  ])('%s', async () => {
    const fromMs = Date.now();
    await device();
    await online();
    expect(client()).toMatchObject({ clean: true, level: 4 });
    expect(client()?.will).toMatchObject({ topic: STATE, qos: 1, retain: true });
    expect(JSON.parse(client()?.will?.payload.toString() ?? '')).toEqual({
      online: false,
      timestamp: expect.toSatisfy((ms: number) => ms >= fromMs && ms <= Date.now()),
    });
  });

  it.each([
    'tck-id-host-topic-phid-birth-message',
    'tck-id-host-topic-phid-birth-qos',
    'tck-id-host-topic-phid-birth-required',
    'tck-id-host-topic-phid-birth-retain',
    'tck-id-host-topic-phid-birth-sub-required',
    'tck-id-host-topic-phid-birth-payload-timestamp',
    'tck-id-message-flow-phid-sparkplug-subscription',
    'tck-id-message-flow-phid-sparkplug-state-publish',
    'tck-id-message-flow-phid-sparkplug-state-publish-payload',
    'tck-id-message-flow-phid-sparkplug-state-publish-payload-timestamp',
    'tck-id-operational-behavior-host-application-connect-birth',
    'tck-id-operational-behavior-host-application-connect-birth-topic',
    'tck-id-operational-behavior-host-application-connect-birth-payload',
    'tck-id-operational-behavior-host-application-connect-birth-qos',
    'tck-id-operational-behavior-host-application-connect-birth-retained',
    'tck-id-operational-behavior-primary-application-state-with-multiple-servers-state',
    'tck-id-operational-behavior-primary-application-state-with-multiple-servers-state-subs',
    'tck-id-payloads-state-subscribe',
    'tck-id-payloads-state-birth',
    'tck-id-conformance-primary-host',
  ])('%s', async () => {
    const before: number[] = [];
    broker.onPublish = (_, { subscriptions }) => before.push(subscriptions.length);
    await device();
    await until(() => said().length === 2);
    // The subscriptions stood before the first word.
    expect(before[0]).toBe(7);
    expect(client()?.subscriptions).toContainEqual({ filter: STATE, qos: 1 });
    expect(client()?.subscriptions).toContainEqual({ filter: 'spBv1.0/g/NDEATH/n', qos: 1 });
    expect(said()).toEqual([STATE, 'spBv1.0/g/NCMD/n']);
    expect(client()?.published[0]).toMatchObject({ topic: STATE, qos: 1, retain: true });
    expect(client()?.published[1]).toMatchObject({ qos: 0, retain: false });
    expect(states()).toEqual([{ online: true, timestamp: willTime() }]);
  });

  it('tck-id-operational-behavior-host-application-multi-server-timestamp: each broker has its own time', async () => {
    const other = await startBroker();
    try {
      await device();
      await online();
      await device({ url: other.url });
      await until(() => (other.clients[0]?.published.length ?? 0) > 0);
      for (const of of [broker.clients[0], other.clients[0]]) {
        expect(states(of)).toEqual([{ online: true, timestamp: willTime(of) }]);
      }
    } finally {
      for (const connection of opened.splice(0)) await connection.close();
      await other.close();
    }
  });
});

describe('a host application goes', () => {
  it.each([
    'tck-id-operational-behavior-host-application-termination',
    'tck-id-operational-behavior-host-application-death-topic',
    'tck-id-operational-behavior-host-application-death-qos',
    'tck-id-operational-behavior-host-application-death-retained',
    'tck-id-operational-behavior-host-application-disconnect-intentional',
    'tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean',
    'tck-id-host-topic-phid-death-payload-timestamp-disconnect-with-no-disconnect-packet',
  ])('%s', async () => {
    const { connection } = await device();
    await online();
    const fromMs = Date.now();
    await connection.close();
    expect(client()?.published.at(-1)).toMatchObject({ topic: STATE, qos: 1, retain: true });
    expect(states().at(-1)).toEqual({
      online: false,
      timestamp: expect.toSatisfy((ms: number) => ms >= fromMs && ms <= Date.now()),
    });
    await until(() => client()?.disconnected === true);
  });

  it('and comes back with a new will, a new birth and the same time in both', async () => {
    const { sets } = await device();
    await until(() => said().length === 2);
    client()?.publish({
      topic: 'spBv1.0/g/NBIRTH/n',
      payload: encode({ timestamp: 1, seq: 0, metrics: [bdSeq(0), air(5)] }),
    });
    await until(() => sets.length === 1);
    client()?.cut();
    await until(() => sets.length === 2);
    // All that came over a broker is stale when the broker is lost.
    expect(sets[1]).toMatchObject({
      samples: [{ point: 'air', quality: 'bad', status: 'sparkplug:stale' }],
      missing: { points: ['air'], cause: 'absent' },
    });
    await until(() => broker.clients.length === 2 && states().length === 1);
    expect(states()).toEqual([{ online: true, timestamp: willTime() }]);
    expect(willTime()).not.toBe(willTime(broker.clients[0]));
  });
});

describe('a host application that is there', () => {
  it('tck-id-message-flow-hid-sparkplug-state-message-delivered: says so when somebody denies it', async () => {
    await device();
    await online();
    client()?.publish({ topic: STATE, payload: '{"online":false,"timestamp":1}', id: 1 });
    await until(() => states().length === 2);
    expect(states()[1]).toEqual({ online: true, timestamp: willTime() });
    // Its own word, and what is none, it leaves alone.
    client()?.publish({ topic: STATE, payload: JSON.stringify(states()[0]), id: 2 });
    client()?.publish({ topic: STATE, payload: 'OFFLINE', id: 3 });
    await until(() => client()?.acknowledged.length === 3);
    expect(states()).toHaveLength(2);
  });

  it('tck-id-operational-behavior-host-application-host-id: tells the operator of another with its id', async () => {
    const { connection, context } = await device();
    await online();
    client()?.publish({ topic: STATE, payload: '{"online":true,"timestamp":9e15}', id: 1 });
    await until(() => connection.counters?.()['foreignHosts'] === 1);
    expect(context.lines.join('')).toContain('foreign-host');
  });

  it('is one client for all devices of its broker and id', async () => {
    const one = await device();
    await online();
    const other = await device({ edgeNode: 'm' });
    await until(() => said().includes('spBv1.0/g/NCMD/m'));
    expect(broker.clients).toHaveLength(1);
    expect(client()?.subscriptions).toContainEqual({ filter: 'spBv1.0/g/NBIRTH/m', qos: 1 });
    await one.connection.close();
    client()?.publish({
      topic: 'spBv1.0/g/NBIRTH/m',
      payload: encode({ timestamp: 1, seq: 0, metrics: [bdSeq(0), air(5)] }),
    });
    await until(() => other.sets.length === 1);
    expect(states()).toHaveLength(1);
    await other.connection.close();
    expect(states()).toHaveLength(2);
  });

  it('refuses a device that wants other settings for the same id, and says why', async () => {
    await device();
    const { connection } = await device({ reorderMs: 1 });
    expect(connection.state?.()).toMatchObject({ up: false });
    expect(connection.state?.().reason).toContain('other settings');
    await online();
    expect(broker.clients).toHaveLength(1);
  });

  it('tck-id-payloads-nbirth-retain: takes nothing that a broker has retained', async () => {
    broker.retained.push({ topic: 'spBv1.0/g/NBIRTH/n', payload: 'x' });
    const { connection, sets } = await device();
    await until(() => connection.counters?.()['retained'] === 1);
    expect(sets).toEqual([]);
  });

  it('publishes nothing but STATE and rebirth requests, whatever it is told', async () => {
    const { connection } = await device({ reorderMs: 0 });
    await until(() => said().length === 2);
    const birth = encode({ timestamp: 1, seq: 0, metrics: [bdSeq(0), air(5)] });
    const words = [
      ['NBIRTH/n', birth],
      ['NDATA/n', encode({ timestamp: 2, seq: 1, metrics: [{ alias: 9, double: 1 }] })],
      ['NDATA/n', Buffer.from('rubbish')],
      ['DDATA/n/d', encode({ timestamp: 2, seq: 7 })],
      ['NBIRTH/n', birth],
      ['NDATA/n', encode({ timestamp: 2, seq: 9, metrics: [air(1)] })],
      ['NCMD/n', encode({ metrics: [{ name: 'Valve', bool: true }] })],
      ['DCMD/n/d', encode({ metrics: [{ name: 'Valve', bool: true }] })],
      ['NDEATH/n', encode({ metrics: [bdSeq(0)] })],
    ] as const;
    for (const [index, [topic, payload]] of words.entries()) {
      client()?.publish({ topic: `spBv1.0/g/${topic}`, payload, id: index + 1 });
    }
    await until(() => client()?.acknowledged.length === words.length);
    await connection.close();
    for (const { topic, payload } of client()?.published ?? []) {
      if (topic === STATE) continue;
      expect(topic).toBe('spBv1.0/g/NCMD/n');
      const metrics = decodePayload(payload)?.metrics;
      expect(metrics?.map(({ name, value }) => [name, value])).toEqual([
        ['Node Control/Rebirth', { kind: 'boolean', value: true }],
      ]);
    }
  });
});
