import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../devices/runtime.ts';
import { memoryLedger } from '../../../../simulators/ledger.ts';
import type { OpcuaServer } from '../../../../simulators/servers/opcua.ts';
import { servedHex } from '../../../../simulators/servers/opcua-bytes.ts';
import { openOpcuaLedger } from '../../../../simulators/servers/opcua-ledger.ts';
import { eventually } from '../../../support/eventually.ts';
import {
  collector,
  connectTo,
  freshFolder,
  isUp,
  startTestDevice,
} from '../../../support/opcua-device.ts';

describe('served bytes', () => {
  it.each([
    ['Boolean', true, '01'],
    ['SByte', -2, 'fe'],
    ['Byte', 254, 'fe'],
    ['Int16', -2, 'feff'],
    ['UInt16', 4_660, '3412'],
    ['Int32', -2, 'feffffff'],
    ['UInt32', 305_419_896, '78563412'],
    ['Int64', -2n, 'feffffffffffffff'],
    ['UInt64', 2n ** 64n - 2n, 'feffffffffffffff'],
    // OPC 10000-6 §5.2.2.3: -6.5 as Float is C0 D0 00 00, least significant byte first.
    ['Float', -6.5, '0000d0c0'],
    ['Double', 1, '000000000000f03f'],
    // OPC 10000-6 §5.2.2.4: the character 水 is E6 B0 B4.
    ['String', '水Boy', 'e6b0b4426f79'],
    ['DateTime', -11_644_473_600_000, '0000000000000000'],
    ['DateTime', 0, '00803ed5deb19d01'],
  ] as const)('of %s %s', (type, value, hex) => {
    expect(servedHex(type, value)).toBe(hex);
  });
});

describe('the ledger of a server', () => {
  const change = { clientHandle: 1, value: { value: { dataType: 3, arrayType: 0, value: 7 } } };

  it('enters a message once, however often it is sent, and nothing of a keep-alive', () => {
    const ledger = memoryLedger();
    const entries = openOpcuaLedger({ device: 'line-1', ledger, clock: systemClock });
    entries.watch(5, 1, { kind: 'value', point: 'level' });
    const message = { sequenceNumber: 2, notificationData: [{ monitoredItems: [change] }] };
    entries.sent(5, { sequenceNumber: 2, notificationData: [] });
    entries.sent(5, { sequenceNumber: 2, notificationData: [{ status: {} }] });
    entries.sent(5, message);
    entries.sent(5, message);
    entries.sent(5, { ...message, sequenceNumber: 1 });
    expect(ledger.entries.map(({ point, rawHex }) => [point, rawHex])).toEqual([
      ['level', '07'],
      ['level', '07'],
    ]);
  });
});

describe('an OPC UA server', () => {
  const ledger = memoryLedger();
  let server: OpcuaServer;

  beforeAll(async () => {
    server = await startTestDevice({ directory: freshFolder(), ledger });
  });
  afterAll(() => server.close());

  it('enters what clients were sent and read, each by its source time, and nothing else', async () => {
    const got = collector();
    const { connection } = await connectTo(server, freshFolder());
    await connection.subscribe?.(['small', 'tapped', 'weight', 'coils'], got.deliver);
    await isUp(connection);
    server.write('small', 17, 12_345);
    server.write('mass', 99, 12_345);
    server.raise('TappedEventType', { tapped: 'H', weight: 2, coils: 3 }, 23_456);
    await eventually(() => got.of('tapped').length === 1, 'the event');
    await eventually(() => got.of('small').at(-1)?.rawHex === '1100', 'the value');
    await connection.read(['whole'], AbortSignal.timeout(5_000));
    await connection.close();
    const entered = ledger.entries.map(
      ({ device, point, rawHex }) => `${device} ${point} ${rawHex}`,
    );
    expect(entered).toContain('line-1 small 1100');
    expect(ledger.entries.filter(({ rawHex }) => rawHex === '1100')[0]?.timeMs).toBe(12_345);
    expect(ledger.entries.find(({ point }) => point === 'weight')?.timeMs).toBe(23_456);
    expect(ledger.entries.filter(({ point }) => point === 'mass')).toEqual([]);
    expect(ledger.entries.filter(({ point }) => point === 'whole').length).toBe(1);
    expect(ledger.entries.length).toBe(got.samples.length + 1);
  });

  it('says that its port is taken', async () => {
    await expect(
      startTestDevice({ directory: freshFolder(), port: server.port }),
    ).rejects.toMatchObject({ code: 'SIM_PORT_TAKEN' });
  });
});
