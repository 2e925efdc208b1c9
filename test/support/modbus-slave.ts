/**
 * A Modbus TCP slave on bare sockets, whose every answer a test writes itself: it shares no code
 * with the driver, so that neither can hide the other's mistakes.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** One request as it stood on the wire. */
export interface SlaveRequest {
  readonly id: number;
  readonly unit: number;
  readonly code: number;
  readonly address: number;
  readonly quantity: number;
  /** All bytes of the frame, in hex. */
  readonly hex: string;
  readonly socket: Socket;
}

export interface Slave {
  readonly port: number;
  readonly requests: SlaveRequest[];
  /** Connections accepted so far, open or closed. */
  readonly sockets: Socket[];
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

/** What to do with a request: bytes to send, or nothing. */
export type Answerer = (request: SlaveRequest) => Buffer | undefined;

/** Starts a slave on `port` (default: any free one) of 127.0.0.1. */
export async function startSlave(answer: Answerer, port = 0): Promise<Slave> {
  const requests: SlaveRequest[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 6 && rest.length >= 6 + rest.readUInt16BE(4)) {
        const bytes = rest.subarray(0, 6 + rest.readUInt16BE(4));
        rest = rest.subarray(bytes.length);
        const request = toRequest(bytes, socket);
        requests.push(request);
        const reply = answer(request);
        if (reply !== undefined && !socket.destroyed) socket.write(reply);
      }
    });
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A server that gets whole connections, for peers that do not even speak the protocol. */
export async function startPeer(onConnection: (socket: Socket) => void): Promise<Slave> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await listen(server, 0);
  return {
    port: (server.address() as AddressInfo).port,
    requests: [],
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** An MBAP frame round a PDU. */
export function frame(id: number, unit: number, pdu: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(1 + pdu.length, 4);
  head.writeUInt8(unit, 6);
  return Buffer.concat([head, pdu]);
}

/** The right frame for a request, with `data` as its answer. */
export function dataFrame(request: SlaveRequest, data: Buffer): Buffer {
  const pdu = Buffer.concat([Buffer.from([request.code, data.length]), data]);
  return frame(request.id, request.unit, pdu);
}

/** An exception to a request. */
export function exceptionFrame(request: SlaveRequest, exception: number): Buffer {
  return frame(request.id, request.unit, Buffer.from([request.code | 0x80, exception]));
}

/** The bytes that a device holds where register `n` has the value `at(n)`. */
export function registers(request: SlaveRequest, at: (address: number) => number): Buffer {
  const data = Buffer.alloc(request.quantity * 2);
  for (let i = 0; i < request.quantity; i += 1) {
    data.writeUInt16BE(at(request.address + i) & 0xffff, i * 2);
  }
  return data;
}

function toRequest(bytes: Buffer, socket: Socket): SlaveRequest {
  return {
    id: bytes.readUInt16BE(0),
    unit: bytes.readUInt8(6),
    code: bytes.readUInt8(7),
    address: bytes.length >= 10 ? bytes.readUInt16BE(8) : 0,
    quantity: bytes.length >= 12 ? bytes.readUInt16BE(10) : 0,
    hex: bytes.toString('hex'),
    socket,
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}
