import type { PointDefinition } from '../../devices/profile.ts';
import { sparkplugDriver } from '../../gateway/drivers/sparkplug.ts';
import { until } from '../support/driver-context.ts';
import { startPeer } from '../support/modbus-slave.ts';
import { type ScriptedBroker, startBroker } from '../support/mqtt-broker.ts';
import { freePort } from '../support/ports.ts';
import { bdSeq, encode, rebirthMetric, type SaidMetric, type } from '../support/sparkplug-edge.ts';
import { type ContractDevice, driverContract } from './driver.ts';

function point(metric: string): PointDefinition {
  return { summary: '', type: 'Temperature', unit: 'CEL', sparkplug: { metric } };
}

const where = { hostId: 'contract', group: 'yard', edgeNode: 'monitor' };
const NBIRTH = 'spBv1.0/yard/NBIRTH/monitor';
const NCMD = 'spBv1.0/yard/NCMD/monitor';

const metrics: readonly SaidMetric[] = [
  { name: 'Air/Supply', alias: 1, timestamp: 1, datatype: type.double, double: -18.25 },
  { name: 'Door', alias: 2, timestamp: 1, datatype: type.bool, bool: true },
  { name: 'Count', alias: 3, timestamp: 1, datatype: type.uint64, long: 2n ** 64n - 1n },
];
const birth = encode({ timestamp: 1, seq: 0, metrics: [bdSeq(0), rebirthMetric, ...metrics] });

function device(broker: ScriptedBroker): ContractDevice {
  return {
    settings: { ...where, url: broker.url, reorderMs: 2_000 },
    connections: () => broker.open(),
    stop: () => broker.close(),
  };
}

/** A broker behind which an edge node answers every rebirth request with `payload`. */
async function answering(payload: Buffer): Promise<ScriptedBroker> {
  const broker = await startBroker();
  broker.onPublish = ({ topic }, client) => {
    if (topic === NCMD) client.publish({ topic: NBIRTH, payload });
  };
  return broker;
}

const url = 'mqtt://127.0.0.1:1883';

driverContract('sparkplug', {
  driver: sparkplugDriver,
  points: { air: point('Air/Supply'), door: point('Door'), count: point('Count') },
  expected: { air: '00000000004032c0', door: '01', count: 'ffffffffffffffff' },
  misplaced: {
    nowhere: [{ summary: '', type: '', unit: '' }, 'no sparkplug place'],
    nameless: [point(''), 'name of a metric'],
  },
  badSettings: {
    'no broker': where,
    'another protocol': { ...where, url: 'http://127.0.0.1:1883' },
    'a secret in the address': { ...where, url: 'mqtt://me:secret@127.0.0.1:1883' },
    'no host id': { url, group: 'yard', edgeNode: 'monitor' },
    'a wildcard in the group': { ...where, url, group: '+' },
    'a level too many': { ...where, url, edgeNode: 'a/b' },
    'an empty device': { ...where, url, device: '' },
    'a wait without end': { ...where, url, reorderMs: 1e9 },
  },
  honest: async () => device(await answering(birth)),
  silent: async () => device(await startBroker()),
  nonsense: async () => device(await answering(Buffer.from('air=5'))),
  closing: async () => {
    const peer = await startPeer((socket) => socket.destroy());
    return {
      settings: { ...where, url: `mqtt://127.0.0.1:${peer.port}` },
      connections: () => peer.sockets.filter((socket) => !socket.destroyed).length,
      stop: () => peer.close(),
    };
  },
  absent: async () => ({
    settings: { ...where, url: `mqtt://127.0.0.1:${await freePort()}` },
    connections: () => 0,
    stop: async () => undefined,
  }),
  publisher: async () => {
    const broker = await startBroker();
    const current = () => broker.clients.at(-1);
    return {
      ...device(broker),
      subscribed: () =>
        until(() => current()?.published.some(({ topic }) => topic === NCMD) === true),
      publishes: 3,
      publish: (n) =>
        current()?.publish({
          topic: n === 0 ? NBIRTH : 'spBv1.0/yard/NDATA/monitor',
          payload: n === 0 ? birth : encode({ timestamp: n, seq: n, metrics }),
          id: n + 1,
        }),
      acknowledged: () => current()?.acknowledged.length ?? 0,
    };
  },
});
