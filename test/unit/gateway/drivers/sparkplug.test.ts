import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../../../devices/profile.ts';
import type { Connection, SampleSet } from '../../../../gateway/driver.ts';
import { type SparkplugSettings, sparkplugDriver } from '../../../../gateway/drivers/sparkplug.ts';
import { driverContext, until } from '../../../support/driver-context.ts';
import { type ScriptedBroker, startBroker } from '../../../support/mqtt-broker.ts';
import { bdSeq, encode, type } from '../../../support/sparkplug-edge.ts';

const points: Record<string, PointDefinition> = {
  air: { summary: '', type: 'Temperature', unit: 'CEL', sparkplug: { metric: 'Air' } },
  door: { summary: '', type: 'bl:DoorOpen', unit: '', sparkplug: { metric: 'Door' } },
};
const place = { hostId: 'host', group: 'g', edgeNode: 'n' };
const never = new AbortController().signal;
const air = { name: 'Air', alias: 1, datatype: type.double, double: 5 };
const door = { name: 'Door', alias: 2, datatype: type.bool, bool: true };
const birth = (seq: number) => encode({ timestamp: 1, seq, metrics: [bdSeq(0), air, door] });

let broker: ScriptedBroker;
const opened: Connection[] = [];

beforeEach(async () => {
  broker = await startBroker();
});
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
  await broker.close();
});

async function open(settings: Partial<SparkplugSettings> = {}) {
  const context = driverContext('box');
  const whole = { url: broker.url, ...place, ...settings };
  const connection = await sparkplugDriver.open(whole, points, context);
  opened.push(connection);
  return { connection, context };
}

async function subscribe(connection: Connection): Promise<SampleSet[]> {
  const sets: SampleSet[] = [];
  await connection.subscribe?.(Object.keys(points), async (set) => void sets.push(set));
  await until(() => (broker.clients.at(-1)?.published.length ?? 0) >= 2);
  return sets;
}

describe('the settings of the broker', () => {
  it.each([
    ['a certificate without TLS', { caFile: 'ca.pem' }, 'caFile'],
    ['a key without its certificate', { url: 'mqtts://b:1', keyFile: 'k.pem' }, 'certFile'],
    ['a password without a user', { passwordFile: 'p' }, 'passwordFile'],
  ])('%s is a mistake', (_, settings, key) => {
    const whole = { url: 'mqtt://b:1', ...place, ...settings };
    expect(sparkplugDriver.check(whole, points)).toMatchObject([{ path: [key] }]);
  });

  it('are right without any of them, and in full', () => {
    expect(sparkplugDriver.check({ url: 'mqtt://b:1', ...place }, points)).toEqual([]);
    const files = { caFile: 'a', certFile: 'b', keyFile: 'c', passwordFile: 'd', username: 'e' };
    const full = { url: 'mqtts://b:1', ...place, ...files, version: 5, device: 'd', reorderMs: 0 };
    expect(sparkplugDriver.check(full, points)).toEqual([]);
  });

  it('whose files cannot be read are told, and nothing is dialled', async () => {
    const { connection, context } = await open({
      username: 'me',
      passwordFile: '/nowhere/password',
    });
    await connection.subscribe?.(['air'], async () => undefined);
    await until(() => connection.state?.().reason?.includes('/nowhere/password') === true);
    expect(context.lines.join('')).toContain('/nowhere/password');
    expect(broker.clients).toEqual([]);
  });
});

describe('a device', () => {
  it('is as good as its birth, and its history is no present value', async () => {
    const { connection } = await open();
    const sets = await subscribe(connection);
    const [client] = broker.clients;
    client?.publish({ topic: 'spBv1.0/g/NBIRTH/n', payload: birth(0) });
    const metrics = [{ alias: 1, timestamp: 77, double: 4, isHistorical: true }];
    const payload = encode({ timestamp: 99, seq: 1, metrics });
    client?.publish({ topic: 'spBv1.0/g/NDATA/n', payload });
    await until(() => sets.length === 2);
    expect(connection.state?.()).toEqual({ up: true });
    expect(sets[1]?.samples).toMatchObject([
      { point: 'air', quality: 'archived', status: 'sparkplug:historical', sourceTimeMs: 77 },
    ]);
  });

  it('keeps nothing of edge nodes and devices that nobody asked for', async () => {
    const { connection } = await open();
    const sets = await subscribe(connection);
    const [client] = broker.clients;
    for (let n = 0; n < 300; n += 1) {
      client?.publish({ topic: `spBv1.0/g/NBIRTH/other${n}`, payload: birth(0) });
    }
    client?.publish({ topic: 'spBv1.0/g/NBIRTH/n', payload: birth(0) });
    for (let seq = 1; seq < 200; seq += 1) {
      client?.publish({ topic: `spBv1.0/g/DBIRTH/n/other${seq}`, payload: birth(seq) });
    }
    await until(() => connection.counters?.()['messages'] === 500);
    expect(sets).toHaveLength(1);
    expect(connection.counters?.()).toMatchObject({
      foreignTopics: 300,
      sequenceGaps: 0,
      rebirthRequests: 1,
    });
  });

  it('whose subscription the broker refuses is down, and says why', async () => {
    broker.granted = 128;
    const { connection } = await open();
    await connection.subscribe?.(['air'], async () => undefined);
    await until(() => connection.state?.().reason?.includes('refused') === true);
    expect((await (await open()).connection.read(['air'], never)).missing?.cause).toBe('refused');
  });

  it('that a birth knows in part is read in part', async () => {
    broker.onPublish = (_, client) => {
      const payload = encode({ timestamp: 1, seq: 0, metrics: [bdSeq(0), air] });
      client.publish({ topic: 'spBv1.0/g/NBIRTH/n', payload });
    };
    const { connection } = await open();
    const set = await connection.read(['air', 'door'], never);
    expect(set.samples).toMatchObject([{ point: 'air' }]);
    expect(set.missing).toEqual({ points: ['door'], cause: 'absent' });
    // Reading once says nothing of being a host.
    expect(broker.clients[0]?.will).toBeUndefined();
    expect(broker.clients[0]?.published.map(({ topic }) => topic)).toEqual(['spBv1.0/g/NCMD/n']);
  });
});
