/** Mappings of payloads as the driver uses them: from a message to what is delivered. */
import { encode } from 'cborg';
import { afterEach, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../../../../devices/profile.ts';
import { reeferTic4 } from '../../../../../devices/profiles/reefer-tic4.ts';
import type { SampleSet } from '../../../../../gateway/driver.ts';
import { type MqttSettings, mqttDriver } from '../../../../../gateway/drivers/mqtt.ts';
import { driverContext, until } from '../../../../support/driver-context.ts';
import { startBroker } from '../../../../support/mqtt-broker.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const topic = 'yard/MSKU9070323';

/** A device that has subscribed, what it delivers, and a way to publish as its sensor. */
async function subscribed(
  points: Readonly<Record<string, PointDefinition>>,
  payload?: MqttSettings['payload'],
) {
  const broker = await startBroker();
  closers.push(() => broker.close());
  const settings: MqttSettings = { url: broker.url, topic, ...(payload && { payload }) };
  expect(mqttDriver.check(settings, points)).toEqual([]);
  const connection = await mqttDriver.open(settings, points, driverContext('reefer-1'));
  closers.push(() => connection.close());
  const sets: SampleSet[] = [];
  await connection.subscribe?.(Object.keys(points), async (set) => {
    if (set.samples.length > 0 || set.missing !== undefined) sets.push(set);
  });
  await until(() => (broker.clients[0]?.subscriptions.length ?? 0) > 0);
  let id = 0;
  const publish = async (below: string, message: string | Buffer): Promise<SampleSet> => {
    id += 1;
    const before = sets.length;
    broker.clients[0]?.publish({ topic: topic + below, payload: message, id });
    await until(() => sets.length > before);
    await until(() => broker.clients[0]?.acknowledged.at(-1) === id);
    return sets.at(-1) ?? { samples: [] };
  };
  return { publish, connection };
}

describe('a device with only profile, driver, address and topic', () => {
  it('is read by its TIC4.0 names, and counts what is nonsense', async () => {
    const { publish, connection } = await subscribed(reeferTic4.points);
    const { samples, missing } = await publish(
      '',
      '{"ContainerID":"MSKU9070323","Events":[{"ContainerPowered":true,"Time":1795262340}],' +
        '"MonitoringData":[{"MonitoringTime":1795262400,"SensorData":{"SupplyTemperature":4.10}}]}',
    );
    expect(missing).toBeUndefined();
    expect(
      samples.map(({ point, rawHex, sourceTimeMs }) => [
        point,
        Buffer.from(rawHex, 'hex').toString(),
        sourceTimeMs,
      ]),
    ).toEqual([
      ['supplyAirTemperature', '4.10', 1_795_262_400_000],
      ['containerId', '"MSKU9070323"', undefined],
      ['powered', 'true', 1_795_262_340_000],
    ]);
    expect(connection.counters?.()['nonsense']).toBe(0);
    const broken = await publish('', '{"MonitoringData":');
    expect(broken.missing?.cause).toBe('nonsense');
    expect(connection.counters?.()['nonsense']).toBe(1);
  });
});

describe('a payload block', () => {
  const point = { summary: '', type: 'Temperature', unit: 'CEL' };

  it('reads CBOR arrays of samples with their own times', async () => {
    const points = { air: { ...point, mqtt: { topic: 'log', path: 'v' } } };
    const { publish } = await subscribed(points, {
      format: 'cbor',
      samples: '$.r[*]',
      time: 't',
      timeFormat: 'ms',
    });
    const message = {
      r: [
        { t: 1_795_262_400_000, v: 4.5 },
        { t: 1_795_262_401_000, v: 4.25 },
      ],
    };
    const { samples } = await publish('/log', Buffer.from(encode(message)));
    expect(samples.map(({ rawHex, sourceTimeMs }) => [rawHex, sourceTimeMs])).toEqual([
      ['f94480', 1_795_262_400_000],
      ['f94440', 1_795_262_401_000],
    ]);
  });

  it('tells its mistakes where they stand in the connection', () => {
    const points = { air: { ...point, mqtt: { topic: 'log', path: '$..' } } };
    const settings: MqttSettings = {
      url: 'mqtt://127.0.0.1:1883',
      topic,
      payload: { samples: '$[' },
    };
    const mistakes = mqttDriver.check(settings, points);
    expect(mistakes.map(({ path }) => path)).toEqual([['payload', 'samples'], []]);
    expect(mistakes[1]?.message).toContain('point air has the path "$.."');
  });
});
