/** Nothing but reads can leave the wire, whatever is asked of the driver or of modbus-serial. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import fc from 'fast-check';
import modbusSerial from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../devices/runtime.ts';
import type { Asked, Framing, FramingEvents } from '../../../../../gateway/drivers/modbus/frame.ts';
import { MbapFraming } from '../../../../../gateway/drivers/modbus/mbap.ts';
import { AnswerOrder } from '../../../../../gateway/drivers/modbus/order.ts';
import { ModbusPort } from '../../../../../gateway/drivers/modbus/port.ts';
import { RtuFraming } from '../../../../../gateway/drivers/modbus/rtu.ts';
import { until } from '../../../../support/driver-context.ts';

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const framings: Readonly<Record<string, (events: FramingEvents) => Framing>> = {
  'modbus tcp and tls': (events) => new MbapFraming(0, events),
  'rtu and rtu over tcp': (events) => new RtuFraming(new AnswerOrder(), systemClock, events),
};

/** A peer that keeps every byte that it gets, and never answers. */
async function capture(): Promise<{ server: Server; port: number; bytes: () => Buffer }> {
  const chunks: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => chunks.push(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  return { server, port, bytes: () => Buffer.concat(chunks) };
}

function open(port: number, framing: (events: FramingEvents) => Framing): Promise<ModbusPort> {
  return new Promise((resolve) => {
    const ignore = () => undefined;
    const opened: ModbusPort = new ModbusPort({
      clock: systemClock,
      address: { kind: 'tcp', host: '127.0.0.1', port },
      framing,
      counts: { foreignFrames: 0, corruptFrames: 0 },
      events: {
        onOpen: () => resolve(opened),
        onAnswer: ignore,
        onSpoilt: ignore,
        onBroken: ignore,
        onClose: ignore,
      },
    });
    closers.push(() => opened.destroy());
  });
}

function question(unit: number, code: number): Asked {
  return { unit, code, bytes: 2 };
}

describe.each(Object.entries(framings))('the wire of %s', (name, framing) => {
  const headBytes = name.startsWith('modbus') ? 6 : 0;
  const requestBytes = name.startsWith('modbus') ? 12 : 8;

  it('carries function codes 1 to 4 of all 256, each in one request of its length', async () => {
    const peer = await capture();
    const port = await open(peer.port, framing);
    for (let code = 0; code < 256; code += 1) {
      const asked = question(1, code);
      port.expect(asked);
      const write = () => port.write(Buffer.from([1, code, 0, 7, 0, 1, 0, 0]));
      if (code < 1 || code > 4) expect(write, `${code}`).toThrow(/read/);
      else write();
      port.giveUp(asked);
    }
    await until(() => peer.bytes().length >= 4 * requestBytes);
    const codes = Array.from(
      { length: peer.bytes().length / requestBytes },
      (_, at) => peer.bytes()[at * requestBytes + headBytes + 1],
    );
    expect(codes).toEqual([1, 2, 3, 4]);
  });

  it('carries none of any other bytes', async () => {
    const peer = await capture();
    const port = await open(peer.port, framing);
    const isRead = (bytes: Uint8Array) =>
      bytes.length === 8 && (bytes[1] ?? 0) >= 1 && (bytes[1] ?? 0) <= 4;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        fc.pre(!isRead(bytes));
        port.expect(question(bytes[0] ?? 0, bytes[1] ?? 0));
        expect(() => port.write(Buffer.from(bytes))).toThrow();
      }),
      { numRuns: 3_000 },
    );
    for (let byte = 0; byte < 256; byte += 1) {
      expect(() => port.write(Buffer.from([byte]))).toThrow();
    }
    // Nor a read that nobody announced.
    expect(() => port.write(Buffer.from([9, 3, 0, 7, 0, 1, 0, 0]))).toThrow();
    const asked = question(1, 3);
    port.expect(asked);
    port.write(Buffer.from([1, 3, 0, 7, 0, 1, 0, 0]));
    await until(() => peer.bytes().length > 0);
    expect(peer.bytes()).toHaveLength(requestBytes);
  });

  it('refuses every write that modbus-serial knows', async () => {
    const peer = await capture();
    const port = await open(peer.port, framing);
    const client = new modbusSerial.default(port);
    client.open();
    const ignore = () => undefined;
    const writes: Record<string, () => void> = {
      fc5: () => client.writeFC5(1, 1, true, ignore),
      fc6: () => client.writeFC6(1, 1, 1, ignore),
      fc15: () => client.writeFC15(1, 1, [true], ignore),
      fc16: () => client.writeFC16(1, 1, [1], ignore),
      fc22: () => client.writeFC22(1, 1, 1, 1, ignore),
      fc23: () => client.writeFC23(1, 1, 1, 1, 1, [1], ignore),
      custom: () => client.writeCustomFC(1, 65, [1], ignore),
    };
    for (const [what, write] of Object.entries(writes)) expect(write, what).toThrow();
    port.expect(question(1, 3));
    client.writeFC3(1, 7, 1, ignore);
    await until(() => peer.bytes().length > 0);
    expect(peer.bytes()).toHaveLength(requestBytes);
  });
});
