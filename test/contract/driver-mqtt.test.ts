import type { PointDefinition } from '../../devices/profile.ts';
import { mqttDriver } from '../../gateway/drivers/mqtt.ts';
import { until } from '../support/driver-context.ts';
import { startPeer } from '../support/modbus-slave.ts';
import { type ScriptedBroker, startBroker } from '../support/mqtt-broker.ts';
import { freePort } from '../support/ports.ts';
import { type ContractDevice, driverContract } from './driver.ts';

function point(topic: string, path: string): PointDefinition {
  return { summary: '', type: 'Temperature', unit: 'CEL', mqtt: { topic, path } };
}

const topic = 'yard/box';

function device(broker: ScriptedBroker): ContractDevice {
  return {
    settings: { url: broker.url, topic },
    connections: () => broker.open(),
    stop: () => broker.close(),
  };
}

async function retaining(...payloads: readonly (readonly [string, string])[]) {
  const broker = await startBroker();
  for (const [below, payload] of payloads) {
    broker.retained.push({ topic: `${topic}/${below}`, payload });
  }
  return broker;
}

driverContract('mqtt', {
  driver: mqttDriver,
  points: {
    air: point('telemetry', 'air.supply'),
    door: point('telemetry', 'door'),
    latitude: point('gps', 'lat'),
  },
  expected: {
    air: Buffer.from('-18.250').toString('hex'),
    door: Buffer.from('"shut"').toString('hex'),
    latitude: Buffer.from('31.3').toString('hex'),
  },
  misplaced: {
    nowhere: [{ summary: '', type: '', unit: '' }, 'no mqtt place'],
    wild: [point('a/#', 'x'), 'wildcards'],
    dots: [point('a', '.x'), 'path'],
  },
  badSettings: {
    'no broker': { topic },
    'another protocol': { url: 'http://127.0.0.1:1883', topic },
    'a secret in the address': { url: 'mqtt://me:secret@127.0.0.1:1883', topic },
    'a wildcard that is no level': { url: 'mqtt://127.0.0.1:1883', topic: 'yard/a+' },
    'levels below any number of levels': { url: 'mqtt://127.0.0.1:1883', topic: 'yard/#/box' },
    'a group without a name': { url: 'mqtt://127.0.0.1:1883', topic: '$share//box' },
    'another version': { url: 'mqtt://127.0.0.1:1883', topic, version: 3 },
    'another quality': { url: 'mqtt://127.0.0.1:1883', topic, qos: 3 },
    'a signer that is no key': { url: 'mqtt://127.0.0.1:1883', topic, signedBy: 'did:web:a.b' },
    'an empty level': { url: 'mqtt://127.0.0.1:1883', topic: 'yard//box' },
    'an empty client id': { url: 'mqtt://127.0.0.1:1883', topic, clientId: '' },
  },
  honest: async () =>
    device(
      await retaining(
        ['telemetry', '{"timeMs":1,"air":{"supply":-18.250},"door":"shut"}'],
        ['gps', '{"timeMs":1,"lat":31.3}'],
      ),
    ),
  silent: async () => device(await startBroker()),
  nonsense: async () => device(await retaining(['telemetry', 'air=5'], ['gps', '{"lat":'])),
  closing: async () => {
    const peer = await startPeer((socket) => socket.destroy());
    return {
      settings: { url: `mqtt://127.0.0.1:${peer.port}`, topic },
      connections: () => peer.sockets.filter((socket) => !socket.destroyed).length,
      stop: () => peer.close(),
    };
  },
  absent: async () => ({
    settings: { url: `mqtt://127.0.0.1:${await freePort()}`, topic },
    connections: () => 0,
    stop: async () => undefined,
  }),
  publisher: async () => {
    const broker = await startBroker();
    const current = () => broker.clients.at(-1);
    return {
      ...device(broker),
      subscribed: () => until(() => (current()?.subscriptions.length ?? 0) === 2),
      publishes: 2,
      publish: (n) =>
        current()?.publish({
          topic: `${topic}/telemetry`,
          payload: `{"timeMs":${n},"air":{"supply":${n}},"door":"shut"}`,
          id: n + 1,
        }),
      acknowledged: () => current()?.acknowledged.length ?? 0,
    };
  },
});
