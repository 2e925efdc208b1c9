import { afterEach, describe, expect, it } from 'vitest';
import { liquidFlowComputer } from '../../../../devices/profiles/liquid-flow-computer.ts';
import { systemClock } from '../../../../devices/runtime.ts';
import { memoryLedger } from '../../../../simulators/ledger.ts';
import { ModbusServer } from '../../../../simulators/servers/modbus.ts';
import type { ModbusFault } from '../../../../simulators/servers/modbus-fault.ts';
import {
  createPlainUnit,
  createProfileUnit,
  type ModbusUnit,
  type Region,
} from '../../../../simulators/servers/modbus-unit.ts';
import { type RawClient, rawClient } from '../../../support/raw-client.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(units: Record<number, ModbusUnit>) {
  const ledger = memoryLedger();
  const server = await ModbusServer.start({
    host: '127.0.0.1',
    port: 0,
    units: new Map(Object.entries(units).map(([id, unit]) => [Number(id), unit])),
    clock: systemClock,
    ledger,
  });
  closing.push(() => server.close());
  const client = await rawClient(server.port);
  closing.push(() => client.end());
  return { server, ledger, client };
}

/** Sends a protocol data unit to unit 1 and returns that of the answer. */
async function ask(client: RawClient, pdu: string, unitId = 1): Promise<string> {
  const bytes = pdu.replaceAll(' ', '').length / 2;
  const length = (bytes + 1).toString(16).padStart(4, '0');
  const unit = unitId.toString(16).padStart(2, '0');
  client.send(`1501 0000 ${length} ${unit} ${pdu}`);
  const head = await client.take(7);
  expect(head.slice(0, 8)).toBe('15010000');
  expect(head.slice(12)).toBe(unit);
  return client.take(Number.parseInt(head.slice(8, 12), 16) - 1);
}

const plain = (hex: string) => hex.replaceAll(' ', '').toLowerCase();

function unitWith(region: Region, address: number, bytes: string | readonly number[]): ModbusUnit {
  const unit = createPlainUnit('x', [region]);
  const data = typeof bytes === 'string' ? Buffer.from(plain(bytes), 'hex') : Buffer.from(bytes);
  unit.setBytes(region.table, address, data);
  return unit;
}

describe('golden frames of the MODBUS Application Protocol V1.1b3', () => {
  it('§6.1: coils 20 to 38', async () => {
    const bits = [...'1011001111010110101'].map(Number);
    const unit = unitWith({ table: 'coil', address: 19, count: 19, width: 1 }, 19, bits);
    const { client } = await serve({ 1: unit });
    expect(await ask(client, '01 0013 0013')).toBe(plain('01 03 CD 6B 05'));
  });

  it('§6.2: discrete inputs 197 to 218', async () => {
    const bits = [...'0011010111011011101011'].map(Number);
    const unit = unitWith({ table: 'discrete', address: 196, count: 22, width: 1 }, 196, bits);
    const { client } = await serve({ 1: unit });
    expect(await ask(client, '02 00C4 0016')).toBe(plain('02 03 AC DB 35'));
  });

  it('§6.3: holding registers 108 to 110', async () => {
    const region = { table: 'holding', address: 107, count: 3, width: 2 } as const;
    const { client } = await serve({ 1: unitWith(region, 107, '022B 0000 0064') });
    expect(await ask(client, '03 006B 0003')).toBe(plain('03 06 02 2B 00 00 00 64'));
  });

  it('§6.4: input register 9', async () => {
    const region = { table: 'input', address: 8, count: 1, width: 2 } as const;
    const { client } = await serve({ 1: unitWith(region, 8, '000A') });
    expect(await ask(client, '04 0008 0001')).toBe(plain('04 02 00 0A'));
  });
});

describe('golden frames of the Enron map', () => {
  it('a 32-bit integer of 1758-UM002D page 324: 2,923,517,522 is AE 41 56 52', async () => {
    const unit = createProfileUnit(liquidFlowComputer, 'fc-1');
    unit.set('pulsesTotal', 2_923_517_522);
    const { client, ledger } = await serve({ 1: unit });
    expect(await ask(client, '03 13EE 0001')).toBe(plain('03 04 AE 41 56 52'));
    expect(ledger.entries).toMatchObject([{ point: 'pulsesTotal', rawHex: 'ae415652' }]);
  });

  it('a float of 1758-UM002D page 324: 326,787 is 48 9F 90 60', async () => {
    const unit = createProfileUnit(liquidFlowComputer, 'fc-1');
    unit.set('temperature', 326_787);
    const { client } = await serve({ 1: unit });
    expect(await ask(client, '03 1B59 0001')).toBe(plain('03 04 48 9F 90 60'));
  });

  it('a history record, as published by Simply Modbus (Enron, history)', async () => {
    const unit = createPlainUnit('x', []);
    const record = Buffer.alloc(20);
    // MMDDYY, HHMMSS and three logged values.
    for (const [index, value] of [120_304, 80_000, 401.86466, 513.0534, 67.99999].entries()) {
      record.writeFloatBE(value, index * 4);
    }
    unit.answerRecords(701, (index) => (index === 10 ? record : undefined));
    const { client } = await serve({ 1: unit });
    const golden = '03 14 47EAF800 479C4000 43C8EEAD 4400436B 4287FFFF';
    expect(await ask(client, '03 02BD 000A')).toBe(plain(golden));
    expect(await ask(client, '03 02BD 000B')).toBe('8302');
  });

  it('answers n wide registers with 4n bytes, and 62 of them at most', async () => {
    const region = { table: 'holding', address: 7001, count: 100, width: 4 } as const;
    const { client } = await serve({ 1: createPlainUnit('x', [region]) });
    expect((await ask(client, '03 1B59 003E')).slice(0, 4)).toBe('03f8');
    expect(await ask(client, '03 1B59 003F')).toBe('8303');
  });
});

describe('a request that cannot be answered', () => {
  const unit = () =>
    createPlainUnit('x', [{ table: 'holding', address: 10, count: 200, width: 2 }]);

  it.each([
    ['06 000A 0001', '8601', 'a write'],
    ['2B 0E 01 00', 'ab01', 'a function that is not there'],
    ['03 0009 0001', '8302', 'one register too early'],
    ['03 00D1 0002', '8302', 'one register too many'],
    ['04 000A 0001', '8402', 'another table'],
    ['03 000A 0000', '8303', 'nothing'],
    ['03 000A 007E', '8303', '126 registers'],
    ['03 000A', '8303', 'half a request'],
  ])('%s gets %s: %s', async (request, answer) => {
    const { client, ledger } = await serve({ 1: unit() });
    expect(await ask(client, request)).toBe(answer);
    expect(ledger.entries).toEqual([]);
    expect((await ask(client, '03 000A 007D')).slice(0, 4)).toBe('03fa');
  });

  it('for a unit that is not there gets no answer, and the next one does', async () => {
    const { client } = await serve({ 1: unit(), 7: unit() });
    client.send('0001 0000 0006 02 03 000A 0001');
    expect(await ask(client, '03 000A 0001', 7)).toBe('03020000');
    expect(client.rest()).toBe('');
  });

  it.each([
    ['another protocol', '0001 0001 0006 01 03 000A 0001'],
    ['no function code', '0001 0000 0001 01 03 000A 0001'],
    ['an impossible length', '0001 0000 0100 01 03 000A 0001'],
  ])('because of %s ends the connection', async (_, bytes) => {
    const { client, server } = await serve({ 1: unit() });
    client.send(bytes);
    await client.closed;
    const next = await rawClient(server.port);
    closing.push(() => next.end());
    expect(await ask(next, '03 000A 0001')).toBe('03020000');
  });

  it('comes in pieces and in pairs and is answered all the same', async () => {
    const { client } = await serve({ 1: unit() });
    client.send('0001 0000 0006');
    client.send('01 03 000A 0001 0002 0000 0006 01 03');
    client.send('000B 0001');
    expect(await client.take(22)).toBe(
      plain('0001 0000 0005 01 03 02 0000 0002 0000 0005 01 03 02 0000'),
    );
  });
});

describe('the ledger', () => {
  it('has the served bytes of every point fully inside the answer, and of no other', async () => {
    const unit = createProfileUnit(liquidFlowComputer, 'fc-1', [
      { table: 'holding', address: 3051, count: 50, width: 2 },
    ]);
    unit.set('inputStatus', 5);
    unit.set('indicatedVolumeTotal', 123_456_789.125);
    unit.set('grossStandardVolumeTotal', 1);
    const { client, ledger } = await serve({ 1: unit });
    // 3052 to 3058: the status, the whole first double, half of the second.
    const answer = await ask(client, '03 0BEC 0007');
    expect(ledger.entries.map(({ device, point, rawHex }) => [device, point, rawHex])).toEqual([
      ['fc-1', 'inputStatus', '0005'],
      ['fc-1', 'indicatedVolumeTotal', '419d6f3454800000'],
    ]);
    expect(answer).toContain('419d6f3454800000');
  });

  it('has what was sent, though the unit has moved on since', async () => {
    const unit = createProfileUnit(liquidFlowComputer, 'fc-1');
    unit.set('batchNumber', 284);
    const { client, server, ledger } = await serve({ 1: unit, 2: createPlainUnit('x', []) });
    server.setFault({ kind: 'hold' }, 1);
    client.send('0001 0000 0006 01 03 13ED 0001');
    // One connection is answered in order, so once this is, the request before was handled.
    expect(await ask(client, '03 0000 0001', 2)).toBe('8302');
    expect(ledger.entries).toEqual([]);
    unit.set('batchNumber', 285);
    server.release();
    expect(await client.take(13)).toBe(plain('0001 0000 0007 01 03 04 0000011C'));
    expect(ledger.entries).toMatchObject([{ point: 'batchNumber', rawHex: '0000011c' }]);
  });
});

describe('a fault', () => {
  async function faulty(fault: ModbusFault) {
    const region = { table: 'holding', address: 0, count: 4, width: 2 } as const;
    const unit = createPlainUnit('x', [region]);
    const other = createPlainUnit('y', [region]);
    const served = await serve({ 1: unit, 2: other });
    served.server.setFault(fault, 1);
    return served;
  }
  const request = '0005 0000 0006 01 03 0000 0001';
  const answer = plain('0005 0000 0005 01 03 02 0000');

  it('of silence leaves the other units alone', async () => {
    const { client } = await faulty({ kind: 'silence' });
    client.send(request);
    expect(await ask(client, '03 0000 0001', 2)).toBe('03020000');
    expect(client.rest()).toBe('');
  });

  it('of lateness sends the answer after the next request', async () => {
    const { client } = await faulty({ kind: 'late' });
    client.send(request);
    client.send('0006 0000 0006 01 03 0000 0001');
    expect(await client.take(11)).toBe(answer);
    expect(client.rest()).toBe('');
  });

  it('of garbage, truncation and a foreign transaction sends what is not the answer', async () => {
    const { client, server } = await faulty({ kind: 'garbage' });
    client.send(request);
    expect(await client.take(10)).toBe(plain('0005 ffff ffff dead beef'));
    server.setFault({ kind: 'truncate' }, 1);
    client.send(request);
    expect(await client.take(8)).toBe(answer.slice(0, 16));
    server.setFault({ kind: 'foreign' }, 1);
    client.send(request);
    expect(await client.take(11)).toBe(`03ed${answer.slice(4)}`);
    expect(server.answered).toBe(0);
  });

  it('of a drip sends every byte by itself, of a delay all at once', async () => {
    const { client, server } = await faulty({ kind: 'drip', ms: 1 });
    client.send(request);
    expect(await client.take(11)).toBe(answer);
    server.setFault({ kind: 'delay', ms: 1 }, 1);
    client.send(request);
    expect(await client.take(11)).toBe(answer);
    await expect.poll(() => server.answered).toBe(2);
  });

  it('of closing ends the connection', async () => {
    const { client } = await faulty({ kind: 'close' });
    client.send(request);
    await client.closed;
  });

  it('is set and lifted by a typed line', async () => {
    const { client, server } = await faulty({ kind: 'none' });
    expect(server.obey('fault exception 4')).toBe(true);
    expect(await ask(client, '03 0000 0001', 2)).toBe('8304');
    expect(server.obey('fault none')).toBe(true);
    expect(await ask(client, '03 0000 0001')).toBe('03020000');
    for (const line of ['fault', 'fault banana', 'fault delay', 'fault exception 256', 'quiet']) {
      expect(server.obey(line), line).toBe(false);
    }
  });
});

it('says so when its port is taken', async () => {
  const { server } = await serve({});
  const again = ModbusServer.start({
    host: '127.0.0.1',
    port: server.port,
    units: new Map(),
    clock: systemClock,
    ledger: memoryLedger(),
  });
  await expect(again).rejects.toMatchObject({ code: 'SIM_PORT_TAKEN' });
});
