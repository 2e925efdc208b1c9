/**
 * A serial device behind a socket, on bare sockets: frames with a checksum and without a number.
 * It shares no code with the driver.
 */
import type { Socket } from 'node:net';
import { type Slave, startPeer } from './modbus-slave.ts';

export interface RtuRequest {
  readonly unit: number;
  readonly code: number;
  readonly address: number;
  readonly quantity: number;
  readonly hex: string;
  readonly socket: Socket;
}

export interface RtuSlave extends Omit<Slave, 'requests'> {
  readonly requests: RtuRequest[];
  /** Sends bytes on the newest connection, as a serial server hands on what its line says. */
  say(bytes: Buffer): void;
}

/** Starts a device that answers each request with the bytes that `answer` gives, if any. */
export async function startRtuSlave(
  answer: (request: RtuRequest) => Buffer | undefined,
): Promise<RtuSlave> {
  const requests: RtuRequest[] = [];
  let newest: Socket | undefined;
  const peer = await startPeer((socket) => {
    newest = socket;
    socket.setNoDelay(true);
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (; rest.length >= 8; rest = rest.subarray(8)) {
        const bytes = rest.subarray(0, 8);
        const request = {
          unit: bytes.readUInt8(0),
          code: bytes.readUInt8(1),
          address: bytes.readUInt16BE(2),
          quantity: bytes.readUInt16BE(4),
          hex: bytes.toString('hex'),
          socket,
        };
        requests.push(request);
        const reply = answer(request);
        if (reply !== undefined && !socket.destroyed) socket.write(reply);
      }
    });
  });
  return Object.assign(peer, {
    requests,
    say(bytes: Buffer) {
      if (newest?.destroyed === false) newest.write(bytes);
    },
  });
}

/** Registers (or bytes of bits) that hold `at(address)`, as the device answers. */
export function rtuData(request: RtuRequest, at: (address: number) => number): Buffer {
  const data =
    request.code <= 2
      ? Buffer.alloc(Math.ceil(request.quantity / 8), at(request.address) & 0xff)
      : Buffer.alloc(request.quantity * 2);
  if (request.code > 2) {
    for (let i = 0; i < request.quantity; i += 1) {
      data.writeUInt16BE(at(request.address + i) & 0xffff, i * 2);
    }
  }
  return rtuFrame(Buffer.from([request.unit, request.code, data.length, ...data]));
}

export function rtuException(request: RtuRequest, code: number): Buffer {
  return rtuFrame(Buffer.from([request.unit, request.code | 0x80, code]));
}

/** A body with its checksum, bit by bit as the specification's appendix says it. */
export function rtuFrame(body: Buffer): Buffer {
  let crc = 0xffff;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])]);
}
