import type { ModbusPlace, PointDefinition } from '../../devices/profile.ts';
import { createModbusDriver } from '../../gateway/drivers/modbus.ts';
import {
  dataFrame,
  freePort,
  registers,
  type Slave,
  startPeer,
  startSlave,
} from '../support/modbus-slave.ts';
import { type ContractDevice, driverContract } from './driver.ts';

function point(modbus?: ModbusPlace): PointDefinition {
  return { summary: '', type: 'Dimensionless', unit: '', ...(modbus && { modbus }) };
}

function place(address: number, more: Partial<ModbusPlace> = {}): ModbusPlace {
  return { table: 'holding', address, encoding: { type: 'uint16', order: 'ABCD' }, ...more };
}

function at(port: number): Record<string, unknown> {
  return { host: '127.0.0.1', port, unitId: 1, timeoutMs: 20_000 };
}

function device(slave: Slave): ContractDevice {
  return {
    settings: at(slave.port),
    connections: () => slave.sockets.filter((socket) => !socket.destroyed).length,
    stop: () => slave.close(),
  };
}

const float = { type: 'float32', order: 'ABCD' } as const;
const text = { type: 'string', order: 'ABCD' } as const;
const number = { type: 'uint16', order: 'ABCD' } as const;

driverContract('modbus', {
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
  badSettings: {
    'no host': { port: 502 },
    'port 0': { ...at(0) },
    'unit 256': { ...at(502), unitId: 256 },
    'no time': { ...at(502), timeoutMs: 9 },
  },
  honest: async () =>
    device(
      await startSlave((r) =>
        dataFrame(
          r,
          registers(r, (n) => n),
        ),
      ),
    ),
  silent: async () => device(await startSlave(() => undefined)),
  nonsense: async () => device(await startSlave(() => Buffer.from('nonsense, and a lot of it'))),
  closing: async () => device(await startPeer((socket) => socket.destroy())),
  absent: async () => ({
    settings: at(await freePort()),
    connections: () => 0,
    stop: async () => undefined,
  }),
});
