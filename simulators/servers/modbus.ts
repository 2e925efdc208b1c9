/**
 * A Modbus TCP server of our own: exact framing after the MODBUS Messaging Implementation Guide
 * V1.0b §3.1, function codes 1 to 4, several units behind one port, faults on demand, and a
 * ledger of every value that left it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { EdgeError } from '../../devices/errors.ts';
import type { Clock } from '../../devices/runtime.ts';
import type { Ledger } from '../ledger.ts';
import {
  DATA_BYTES_MAX,
  type ModbusTable,
  type ModbusUnit,
  modbusException,
} from './modbus-unit.ts';

/**
 * How a device misbehaves. `hold` keeps answers back until `release`; `late` answers after the
 * next request's answer; `garbage` sends bytes that are no frame; `drip` sends byte by byte.
 */
export type ModbusFault =
  | { readonly kind: 'none' | 'silence' | 'hold' | 'late' | 'garbage' | 'truncate' | 'close' }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'delay' | 'drip'; readonly ms: number }
  | { readonly kind: 'exception'; readonly code: number };

export interface ModbusServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Units by unit id (0 to 255). A request for another unit gets no answer, as on a bus. */
  readonly units: ReadonlyMap<number, ModbusUnit>;
  readonly clock: Clock;
  readonly ledger: Ledger;
}

export interface ModbusServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Sets the fault of one unit, or of all units. */
  setFault(fault: ModbusFault, unitId?: number): void;
  /** Sends what `hold` kept back. */
  release(): void;
  /** Requests that were answered in full. */
  answered(): number;
  close(): Promise<void>;
}

const TABLES: ReadonlyMap<number, ModbusTable> = new Map([
  [1, 'coil'],
  [2, 'discrete'],
  [3, 'holding'],
  [4, 'input'],
]);

const HEADER_BYTES = 7;
const CONNECTIONS_MAX = 64;

interface Request {
  readonly transaction: number;
  readonly unitId: number;
  readonly pdu: Buffer;
}

/** One answer on its way: the frame, and what to note once it is sent. */
interface Answer {
  readonly socket: Socket;
  readonly frame: Buffer;
  readonly note: () => void;
}

/** @throws EdgeError SIM_PORT_TAKEN */
export async function startModbusServer(options: ModbusServerOptions): Promise<ModbusServer> {
  const { clock, ledger } = options;
  const faults = new Map<number, ModbusFault>();
  let everyone: ModbusFault = { kind: 'none' };
  let held: Answer[] = [];
  const late = new Map<Socket, Answer>();
  const sockets = new Set<Socket>();
  let answered = 0;

  function send(answer: Answer): void {
    if (answer.socket.destroyed || !answer.socket.writable) return;
    answer.socket.write(answer.frame);
    answer.note();
    answered += 1;
  }

  function handle(socket: Socket, request: Request): void {
    const unit = options.units.get(request.unitId);
    if (!unit) return;
    const fault = faults.get(request.unitId) ?? everyone;
    const { pdu, note } = answerOf(unit, request.pdu, fault);
    const frame = frameOf(request.transaction, request.unitId, pdu);
    act(fault, { socket, frame, note: () => note(clock.nowMs(), ledger) });
  }

  function act(fault: ModbusFault, answer: Answer): void {
    const { socket, frame } = answer;
    switch (fault.kind) {
      case 'silence':
        return;
      case 'hold':
        if (held.length < 10_000) held.push(answer);
        return;
      case 'late': {
        const previous = late.get(socket);
        late.set(socket, answer);
        if (previous) send(previous);
        return;
      }
      case 'garbage':
        // The right transaction, then nonsense: another protocol id and an impossible length.
        socket.write(Buffer.concat([frame.subarray(0, 2), Buffer.from('ffffffffdeadbeef', 'hex')]));
        return;
      case 'truncate':
        socket.write(frame.subarray(0, Math.max(1, frame.length - 3)));
        return;
      case 'foreign':
        // An answer to a question that was never asked.
        frame.writeUInt16BE((frame.readUInt16BE(0) + 1_000) & 0xffff, 0);
        socket.write(frame);
        return;
      case 'close':
        socket.destroy();
        return;
      case 'delay':
        clock.after(fault.ms, () => send(answer));
        return;
      case 'drip':
        drip(answer, fault.ms);
        return;
      default:
        send(answer);
    }
  }

  function drip(answer: Answer, ms: number, at = 0): void {
    const { socket, frame } = answer;
    if (socket.destroyed || !socket.writable) return;
    socket.write(frame.subarray(at, at + 1));
    if (at + 1 < frame.length) {
      clock.after(ms, () => drip(answer, ms, at + 1));
      return;
    }
    answer.note();
    answered += 1;
  }

  const server = createServer({ noDelay: true }, (socket) => {
    if (sockets.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    const frames = frameReader((request) => handle(socket, request));
    socket.on('data', (chunk) => {
      // A header that makes no sense cannot be skipped: where the next begins is not known.
      if (!frames(chunk)) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      late.delete(socket);
    });
  });
  const port = await listen(server, options.host, options.port);

  return {
    url: `modbus://${options.host}:${port}`,
    host: options.host,
    port,
    setFault(fault, unitId) {
      if (unitId === undefined) {
        faults.clear();
        everyone = fault;
      } else {
        faults.set(unitId, fault);
      }
    },
    release() {
      const answers = held;
      held = [];
      for (const answer of answers) send(answer);
    },
    answered: () => answered,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** The answer's protocol data unit, and how to note the values in it. */
function answerOf(
  unit: ModbusUnit,
  request: Buffer,
  fault: ModbusFault,
): { pdu: Buffer; note: (timeMs: number, ledger: Ledger) => void } {
  const functionCode = request.readUInt8(0);
  const refuse = (code: number) => ({
    pdu: Buffer.from([functionCode | 0x80, code]),
    note: () => undefined,
  });
  if (fault.kind === 'exception') return refuse(fault.code);
  const table = TABLES.get(functionCode);
  if (!table) return refuse(modbusException.illegalFunction);
  if (request.length !== 5) return refuse(modbusException.illegalValue);
  const address = request.readUInt16BE(1);
  const quantity = request.readUInt16BE(3);
  if (quantity === 0) return refuse(modbusException.illegalValue);
  const data = unit.read(table, address, quantity);
  if (typeof data === 'number') return refuse(data);
  const pdu = Buffer.allocUnsafe(2 + data.length);
  pdu[0] = functionCode;
  pdu[1] = data.length;
  pdu.set(data, 2);
  return {
    pdu,
    // Noted from the bytes of the frame, not from the unit, which may have moved on.
    note(timeMs, ledger) {
      for (const { point, rawHex } of unit.served(table, address, quantity, pdu.subarray(2))) {
        ledger.serve({ timeMs, device: unit.device, point, rawHex });
      }
    },
  };
}

function frameOf(transaction: number, unitId: number, pdu: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + pdu.length);
  frame.writeUInt16BE(transaction, 0);
  frame.writeUInt16BE(0, 2);
  frame.writeUInt16BE(pdu.length + 1, 4);
  frame[6] = unitId;
  frame.set(pdu, HEADER_BYTES);
  return frame;
}

/**
 * Cuts a byte stream into requests; the returned function takes the next chunk and says whether
 * the stream still makes sense. It never holds more than one frame and one chunk.
 */
function frameReader(onRequest: (request: Request) => void): (chunk: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt16BE(4);
      // Unit id and function code at least; 1 + 253 at most.
      const sane = rest.readUInt16BE(2) === 0 && length >= 2 && length <= DATA_BYTES_MAX + 4;
      if (!sane) return false;
      if (rest.length < 6 + length) break;
      onRequest({
        transaction: rest.readUInt16BE(0),
        unitId: rest.readUInt8(6),
        pdu: rest.subarray(HEADER_BYTES, 6 + length),
      });
      rest = rest.subarray(6 + length);
    }
    return true;
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new EdgeError('SIM_PORT_TAKEN', `listening on ${host}:${port}`, { cause }));
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** Parses a fault as typed: `silence`, `delay 500`, `exception 6`, `none`. */
export function parseFault(text: string): ModbusFault | undefined {
  const [kind = '', amount] = text.trim().split(/\s+/);
  const number = Number(amount ?? 0);
  switch (kind) {
    case 'none':
    case 'silence':
    case 'hold':
    case 'late':
    case 'garbage':
    case 'truncate':
    case 'close':
    case 'foreign':
      return { kind };
    case 'delay':
    case 'drip':
      return Number.isFinite(number) && number >= 0 ? { kind, ms: number } : undefined;
    case 'exception':
      return Number.isInteger(number) && number > 0 && number < 256
        ? { kind, code: number }
        : undefined;
    default:
      return undefined;
  }
}
