import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ModbusPlace, PointDefinition } from '../../devices/profile.ts';
import { createModbusDriver } from '../../gateway/drivers/modbus.ts';
import { makeCertificates } from '../peers/modbus-line.ts';
import {
  dataFrame,
  registers,
  type Slave,
  startPeer,
  startSlave,
} from '../support/modbus-slave.ts';
import { hasPeer } from '../support/peers.ts';
import { freePort } from '../support/ports.ts';
import { rtuData, startRtuSlave } from '../support/rtu-slave.ts';
import { startSerialLine } from '../support/serial-line.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { type ContractDevice, type DriverUnderContract, driverContract } from './driver.ts';

function point(modbus?: ModbusPlace): PointDefinition {
  return { summary: '', type: 'Dimensionless', unit: '', ...(modbus && { modbus }) };
}

function place(address: number, more: Partial<ModbusPlace> = {}): ModbusPlace {
  return { table: 'holding', address, encoding: { type: 'uint16', order: 'ABCD' }, ...more };
}

const float = { type: 'float32', order: 'ABCD' } as const;
const text = { type: 'string', order: 'ABCD' } as const;
const number = { type: 'uint16', order: 'ABCD' } as const;

/** What every transport has in common. */
const common = {
  driver: createModbusDriver(),
  points: {
    near: point(place(16)),
    float: point(place(17, { encoding: float })),
    text: point(place(100, { encoding: text, registers: 3 })),
    far: point(place(5_000)),
  },
  expected: { near: '0010', float: '00110012', text: '006400650066', far: '1388' },
  misplaced: {
    nowhere: [point(), 'no modbus place'],
    endless: [point(place(1, { encoding: text })), 'registers'],
    beyond: [point(place(65_535, { encoding: float })), 'addresses'],
    huge: [point(place(1, { encoding: text, registers: 126 })), '125'],
    wide: [point(place(1, { encoding: text, registers: 63, width: 'enron' })), '62'],
    fat: [point(place(1, { table: 'coil', encoding: number })), 'bool'],
    json: [point(place(1, { encoding: { type: 'json', order: 'ABCD' } })), 'registers'],
  },
} as const satisfies Partial<DriverUnderContract>;

type Settings = Readonly<Record<string, unknown>>;

const waits = { unitId: 1, timeoutMs: 20_000 };
const onTcp = (port: number): Settings => ({ ...waits, host: '127.0.0.1', port });
const onRtu = (port: number): Settings => ({ ...onTcp(port), transport: 'rtu-over-tcp' });

function without(field: string, settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => key !== field));
}

/** Mistakes in the settings of any transport with a host. */
const badHosts = (at: (port: number) => Settings) => ({
  'no host': without('host', at(502)),
  'port 0': at(0),
  'unit 256': { ...at(502), unitId: 256 },
  'no time': { ...at(502), timeoutMs: 9 },
});

/** How the devices of a transport are made of those on a bare port. */
type Behind = (slave: Slave | Omit<Slave, 'requests'>) => Promise<ContractDevice>;

const bare =
  (at: (port: number) => Settings): Behind =>
  async (slave) => ({
    settings: at(slave.port),
    connections: () => slave.sockets.filter((socket) => !socket.destroyed).length,
    stop: () => slave.close(),
  });

function absentOn(settings: Settings): ContractDevice {
  return { settings, connections: () => 0, stop: async () => undefined };
}

const silence = () => undefined;
// More of it than a line may have of noise.
const nonsense = () => Buffer.from('nonsense, and a lot of it'.repeat(50));

const framed = (behind: Behind) => ({
  honest: async () =>
    behind(
      await startSlave((r) =>
        dataFrame(
          r,
          registers(r, (n) => n),
        ),
      ),
    ),
  silent: async () => behind(await startSlave(silence)),
  nonsense: async () => behind(await startSlave(nonsense)),
  closing: async () => behind(await startPeer((socket) => socket.destroy())),
});

const serial = (behind: Behind) => ({
  honest: async () => behind(await startRtuSlave((r) => rtuData(r, (n) => n))),
  silent: async () => behind(await startRtuSlave(silence)),
  nonsense: async () => behind(await startRtuSlave(nonsense)),
  // A question must be put before anybody hangs up: the port of an idle adapter stays.
  closing: async () =>
    behind(await startPeer((socket) => socket.on('data', () => socket.destroy()))),
});

driverContract('modbus', {
  ...common,
  ...framed(bare(onTcp)),
  badSettings: { ...badHosts(onTcp), 'port 65536': { ...onTcp(502), port: 65_536 } },
  absent: async () => absentOn(onTcp(await freePort())),
});

driverContract('modbus', {
  ...common,
  ...serial(bare(onRtu)),
  way: 'rtu-over-tcp',
  badSettings: badHosts(onRtu),
  absent: async () => absentOn(onRtu(await freePort())),
});

const folder = mkdtempSync(join(tmpdir(), 'bondline-contract-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const pem = makeCertificates(folder);
const { ca = '', client = '', clientKey = '', server = '', serverKey = '' } = pem;
const onTls = (port: number): Settings => ({
  ...onTcp(port),
  transport: 'tls',
  tls: { ca, certificate: client, key: clientKey },
});

driverContract('modbus', {
  ...common,
  ...framed(async (slave) => {
    const front = await startTlsFront(slave.port, { ca, certificate: server, key: serverKey });
    return {
      settings: onTls(front.port),
      connections: () => front.connections(),
      stop: async () => {
        await front.close();
        await slave.close();
      },
    };
  }),
  way: 'tls',
  badSettings: { ...badHosts(onTls), 'no certificate': { ...onTls(802), tls: { ca } } },
  absent: async () => absentOn(onTls(await freePort())),
});

if (hasPeer('socat')) {
  const onPort = (path: string): Settings => ({
    ...waits,
    transport: 'rtu',
    path,
    parity: 'none',
  });
  driverContract('modbus', {
    ...common,
    ...serial(async (slave) => {
      const line = await startSerialLine(slave.port);
      return {
        settings: onPort(line.path),
        connections: () => line.opened(),
        stop: async () => {
          await line.stop();
          await slave.close();
        },
      };
    }),
    way: 'rtu',
    badSettings: {
      'no path': without('path', onPort('/dev/ttyUSB0')),
      'unit 256': { ...onPort('/dev/ttyUSB0'), unitId: 256 },
      '6 bits': { ...onPort('/dev/ttyUSB0'), dataBits: 6 },
    },
    absent: async () => absentOn(onPort(join(folder, 'no-such-port'))),
  });
}
