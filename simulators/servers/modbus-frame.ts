/** Modbus TCP frames: cut from a byte stream, answered from a unit, and put together. */
import type { Ledger } from '../ledger.ts';
import {
  DATA_BYTES_MAX,
  type ModbusTable,
  type ModbusUnit,
  modbusException,
} from './modbus-unit.ts';

export interface ModbusRequest {
  readonly transaction: number;
  readonly unitId: number;
  /** Function code and what follows it. */
  readonly pdu: Buffer;
}

/** What a unit says to a request, and how to note the values in it once they are sent. */
export interface ModbusReply {
  readonly pdu: Buffer;
  readonly note: (timeMs: number, ledger: Ledger) => void;
}

const TABLES: ReadonlyMap<number, ModbusTable> = new Map([
  [1, 'coil'],
  [2, 'discrete'],
  [3, 'holding'],
  [4, 'input'],
]);

/** Transaction, protocol, length, unit (Messaging Implementation Guide V1.0b §3.1.3). */
const HEADER_BYTES = 7;

/** The reply of a unit to a request: data, or an exception. */
export function replyOf(unit: ModbusUnit, request: Buffer): ModbusReply {
  const functionCode = request.readUInt8(0);
  const table = TABLES.get(functionCode);
  if (!table) return refusal(functionCode, modbusException.illegalFunction);
  if (request.length !== 5) return refusal(functionCode, modbusException.illegalValue);
  const address = request.readUInt16BE(1);
  const quantity = request.readUInt16BE(3);
  if (quantity === 0) return refusal(functionCode, modbusException.illegalValue);
  const data = unit.read(table, address, quantity);
  if (typeof data === 'number') return refusal(functionCode, data);
  const pdu = Buffer.allocUnsafe(2 + data.length);
  pdu[0] = functionCode;
  pdu[1] = data.length;
  pdu.set(data, 2);
  return {
    pdu,
    // Noted from the bytes of the reply, not from the unit, which may have moved on.
    note(timeMs, ledger) {
      for (const { point, rawHex } of unit.served(table, address, quantity, pdu.subarray(2))) {
        ledger.serve({ timeMs, device: unit.device, point, rawHex });
      }
    },
  };
}

/** An exception reply (MODBUS V1.1b3 §7): the function code with its highest bit, and why. */
export function refusal(functionCode: number, code: number): ModbusReply {
  return { pdu: Buffer.from([functionCode | 0x80, code]), note: () => undefined };
}

export function frameOf(transaction: number, unitId: number, pdu: Uint8Array): Buffer {
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
export function frameReader(
  onRequest: (request: ModbusRequest) => void,
): (chunk: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt16BE(4);
      // Unit id and function code at least; unit id and a data unit of 253 bytes at most.
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
