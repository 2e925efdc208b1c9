/** An edge node of Eclipse Tahu (sparkplug-client) behind Mosquitto, with tshark as the judge. */
import sparkplug from 'sparkplug-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../devices/profile.ts';
import type { Connection, SampleSet } from '../../gateway/driver.ts';
import { type SparkplugSettings, sparkplugDriver } from '../../gateway/drivers/sparkplug.ts';
import { measureSample } from '../../gateway/measure.ts';
import { dialMqtt } from '../../gateway/mqtt-client.ts';
import { driverContext, until } from '../support/driver-context.ts';
import { hasPeer } from '../support/peers.ts';
import { type Mosquitto, startMosquitto } from './mosquitto-broker.ts';
import { type Recorder, startRecorder } from './sparkplug-recorder.ts';

function point(metric: string): PointDefinition {
  return { summary: metric, type: 'bl:Test', unit: '', sparkplug: { metric } };
}

const points: Record<string, PointDefinition> = {
  air: point('Supply Air'),
  door: point('Door/Open'),
  energy: point('Energy'),
  shift: point('Shift'),
  label: point('Label'),
};
const names = Object.keys(points);
const never = new AbortController().signal;

type EdgeClient = ReturnType<typeof sparkplug.newClient>;

/** Births of the edge node `monitor` and its device `box`, again whenever it is asked. */
function startEdge(url: string): EdgeClient {
  const edge = sparkplug.newClient({
    serverUrl: url,
    username: '',
    password: '',
    groupId: 'yard',
    edgeNode: 'monitor',
    clientId: 'tahu-edge',
    mqttOptions: { reconnectPeriod: 100 },
  });
  edge.on('error', () => undefined);
  const bear = () => {
    const timestamp = Date.now();
    edge.publishNodeBirth({
      timestamp,
      metrics: [{ name: 'Node Control/Rebirth', type: 'Boolean', value: false, timestamp }],
    });
    edge.publishDeviceBirth('box', { timestamp, metrics: metricsAt(-18.25, timestamp) });
  };
  edge.on('birth', bear);
  edge.on('ncmd', ({ metrics }) => {
    if (metrics?.some(({ name, value }) => name === 'Node Control/Rebirth' && value)) bear();
  });
  return edge;
}

function metricsAt(air: number, timestamp: number) {
  return [
    { name: 'Supply Air', type: 'Double' as const, value: air, timestamp },
    { name: 'Door/Open', type: 'Boolean' as const, value: true, timestamp },
    { name: 'Energy', type: 'UInt64' as const, value: 9_007_199_254_740_991, timestamp },
    { name: 'Shift', type: 'Int32' as const, value: -3, timestamp },
    { name: 'Label', type: 'String' as const, value: 'größer', timestamp },
  ];
}

/** Values and qualities of a set, by point. */
function read(set: SampleSet | undefined): Record<string, unknown> {
  return Object.fromEntries(
    (set?.samples ?? []).map((sample) => {
      const { value, quality } = measureSample(sample, points[sample.point] ?? point(''));
      return [sample.point, quality === 'good' ? value : quality];
    }),
  );
}

const BORN = { air: -18.25, door: true, energy: 9_007_199_254_740_991, shift: -3, label: 'größer' };
const STALE = { air: 'bad', door: 'bad', energy: 'bad', shift: 'bad', label: 'bad' };

describe.skipIf(!hasPeer('mosquitto'))('an edge node of Eclipse Tahu behind Mosquitto', () => {
  let broker: Mosquitto;
  let wire: Recorder;
  const opened: Connection[] = [];
  const edges: EdgeClient[] = [];

  async function host(settings: Partial<SparkplugSettings> = {}) {
    const connection = await sparkplugDriver.open(
      {
        url: wire.url,
        hostId: 'host',
        group: 'yard',
        edgeNode: 'monitor',
        device: 'box',
        ...settings,
      },
      points,
      driverContext(),
    );
    opened.push(connection);
    const sets: SampleSet[] = [];
    await connection.subscribe?.(names, async (set) => void sets.push(set));
    return { connection, sets };
  }

  function edge(): EdgeClient {
    const client = startEdge(wire.url);
    edges.push(client);
    return client;
  }

  /** What the broker retains of the host's STATE. */
  async function state(): Promise<unknown> {
    const client = dialMqtt(broker.url, { clientId: 'looks-on', clean: true });
    let said: unknown;
    client.on('message', (_, payload) => {
      said = JSON.parse(payload.toString());
    });
    client.on('connect', () => client.subscribe('spBv1.0/STATE/host', { qos: 1 }));
    await until(() => said !== undefined);
    client.end(true);
    return said;
  }

  beforeAll(async () => {
    broker = await startMosquitto();
    wire = await startRecorder(broker.port);
  });
  afterEach(async () => {
    for (const connection of opened.splice(0)) await connection.close();
    for (const client of edges.splice(0)) client.stop();
  });
  afterAll(async () => {
    await wire?.close();
    await broker?.stop();
  });

  it('is heard from birth to death, and back', async () => {
    const { connection, sets } = await host();
    await until(() => Number(connection.counters?.()['ups']) === 1);
    expect(await state()).toMatchObject({ online: true });
    const client = edge();
    await until(() => sets.length > 0);
    expect(read(sets[0])).toEqual(BORN);
    expect(connection.state?.()).toEqual({ up: true });

    const timestamp = Date.now() + 1_000;
    const [air] = metricsAt(4.5, timestamp);
    if (air) client.publishDeviceData('box', { timestamp, metrics: [air] });
    await until(
      () => sets.length > 0 && 'air' in read(sets.at(-1)) && read(sets.at(-1))['air'] === 4.5,
    );
    expect(sets.at(-1)?.samples).toMatchObject([{ point: 'air', sourceTimeMs: timestamp }]);

    const before = sets.length;
    wire.cut('tahu-edge');
    await until(() => sets.length > before);
    expect(read(sets[before])).toEqual(STALE);
    expect(sets[before]?.missing).toMatchObject({ points: names, cause: 'absent' });
    // It comes back by itself; its birth ends the loss.
    await until(() => read(sets.at(-1))['air'] === -18.25);
    expect(sets.at(-2)?.missing).toMatchObject({ points: names, cause: 'absent' });
    await connection.close();
    expect(await state()).toMatchObject({ online: false });
  });

  it('is born again when a host comes that has not heard it', async () => {
    edge();
    const first = await host();
    await until(() => first.sets.length > 0);
    await first.connection.close();
    const { connection, sets } = await host({ version: 5 });
    await until(() => sets.length > 0);
    expect(read(sets[0])).toEqual(BORN);
    expect(connection.counters?.()).toMatchObject({ nonsense: 0, unknownAliases: 0 });
  });

  it('is read once beside a host that is running, which notices nothing but the birth', async () => {
    edge();
    const { connection, sets } = await host();
    await until(() => sets.length > 0);
    const reader = await sparkplugDriver.open(
      { url: wire.url, hostId: 'host', group: 'yard', edgeNode: 'monitor', device: 'box' },
      points,
      driverContext('reader'),
    );
    opened.push(reader);
    expect(read(await reader.read(names, never))).toEqual(BORN);
    expect(connection.counters?.()).toMatchObject({ ups: 1, downs: 0, foreignHosts: 0 });
    expect(await state()).toMatchObject({ online: true });
  });

  it.skipIf(!hasPeer('tshark'))('tshark reads in the capture what we asked and what we got', () => {
    const metric = 'pbf.com.cirruslink.sparkplug.protobuf.Payload.Metric';
    const lines = wire.judge([
      'mqtt.topic',
      'sparkplugb.messagetype',
      'sparkplugb.edgenodeid',
      'sparkplugb.deviceid',
      `${metric}.name`,
      `${metric}.boolean_value`,
      'mqtt.conflag.cleansess',
      'mqtt.willtopic',
      'mqtt.ver',
      'mqtt.property_id',
      'mqtt.prop_number',
    ]);
    const of = (type: string) => lines.filter(([, said]) => said === type);
    for (const type of ['NBIRTH', 'DBIRTH', 'DDATA', 'NDEATH', 'NCMD']) {
      expect(of(type).length, type).toBeGreaterThan(0);
    }
    for (const [topic, , node, device, name, flag] of of('NCMD')) {
      expect([topic, node, device, name, flag]).toEqual([
        ...['spBv1.0/yard/NCMD/monitor', 'monitor', '', 'Node Control/Rebirth', '1'],
      ]);
    }
    const [born] = of('DBIRTH');
    expect(born?.[3]).toBe('box');
    expect(born?.[4]).toBe('Supply Air,Door/Open,Energy,Shift,Label');
    // tck-id-message-flow-phid-sparkplug-clean-session-311
    const hosts = lines.filter((line) => line[7] === 'spBv1.0/STATE/host');
    expect(new Set(hosts.map((line) => line[8]))).toEqual(new Set(['4', '5']));
    for (const line of hosts) expect(line[6]).toBe('1');
    // tck-id-message-flow-phid-sparkplug-clean-session-50: session expiry (17) is 0.
    const [fifth] = hosts.filter((line) => line[8] === '5');
    expect(fifth?.slice(9)).toEqual(['0x11', '0']);
  });
});
