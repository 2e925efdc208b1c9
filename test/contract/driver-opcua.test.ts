/**
 * The OPC UA driver in the suite of the contract. It delivers notifications in order but does not
 * wait for the one before to be durable, up to `limits.opcuaPublishWindow` of them, since each
 * waits for a batch to close; that and the acknowledging is tested in opcua.test.ts beside the
 * driver, against a server that can tell what was acknowledged.
 */
import { afterAll, beforeAll } from 'vitest';
import type { PointDefinition } from '../../devices/profile.ts';
import { opcuaDriver } from '../../gateway/drivers/opcua.ts';
import type { OpcuaServer } from '../../simulators/servers/opcua.ts';
import { startPeer } from '../support/modbus-slave.ts';
import { freshFolder, startTestDevice, testSettings, wireTo } from '../support/opcua-device.ts';
import { freePort } from '../support/ports.ts';
import { type ContractDevice, driverContract } from './driver.ts';

function point(path: string): PointDefinition {
  return { summary: '', type: 'bl:Text', unit: '', opcua: { path } };
}

let server: OpcuaServer;

beforeAll(async () => {
  server = await startTestDevice({ directory: freshFolder() });
  server.write('small', 4_660, 1_000);
  server.write('level', -6.5, 1_000);
  server.write('name', '水Boy', 1_000);
});

afterAll(() => server.close());

async function peer(answer: Parameters<typeof startPeer>[0]): Promise<ContractDevice> {
  const started = await startPeer(answer);
  return {
    settings: testSettings(`opc.tcp://127.0.0.1:${started.port}`),
    connections: () => started.sockets.filter((socket) => !socket.destroyed).length,
    stop: () => started.close(),
  };
}

const url = 'opc.tcp://127.0.0.1:4840';

driverContract('opcua', {
  driver: opcuaDriver,
  points: { small: point('Area/Small'), level: point('Area/Level'), name: point('Area/Name') },
  expected: { small: '3412', level: '0000d0c0', name: 'e6b0b4426f79' },
  misplaced: {
    nowhere: [{ summary: '', type: '', unit: '' }, 'no OPC UA path'],
    gap: [point('Area//Level'), 'no browse path'],
  },
  badSettings: {
    'no server': {},
    'another protocol': { url: 'http://127.0.0.1:4840' },
    'a policy that there is not': { url, securityPolicy: 'Basic129' },
    'a mode that there is not': { url, securityMode: 'Encrypt' },
    'no queue': { url, queueSize: 0 },
    'a root without a name': { url, rootPath: '' },
    'a secret in the address': { url: 'opc.tcp://me:secret@127.0.0.1:4840' },
  },
  dataDirectory: freshFolder(),
  honest: async () => {
    const wire = await wireTo(server.port);
    return {
      settings: testSettings(wire.url, { serverCertificate: server.certificateFile }),
      connections: wire.connections,
      stop: wire.close,
    };
  },
  silent: () => peer((socket) => socket.resume()),
  nonsense: () =>
    peer((socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad\r\n\r\n'))),
  closing: () => peer((socket) => socket.destroy()),
  absent: async () => ({
    settings: testSettings(`opc.tcp://127.0.0.1:${await freePort()}`),
    connections: () => 0,
    stop: async () => undefined,
  }),
});
