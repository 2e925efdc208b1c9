/**
 * The guarded way between `modbus-serial` and a socket: only reads leave it, and only the answer
 * to the question that is open comes back.
 *
 * modbus-serial 8.0.25 counts transaction ids modulo 256 and keeps every old one, so that a late
 * answer can be handed to another question as a good value; it also believes an exception from
 * any unit, and a byte count that contradicts the frame. Here each request on a connection has a
 * 16-bit id that was not used on it before, and a frame is passed on only when id, unit, function
 * and length all agree. Towards modbus-serial the id is a constant, since one question is open at
 * a time.
 */
import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { limits } from '../../../devices/limits.ts';
import { crc16 } from './crc.ts';

/** What the guard saw that was not an answer; `counts` of one connection or of many. */
export interface FrameCounts {
  /** Whole frames that answer no open question: late, doubled or never asked for. */
  foreignFrames: number;
  /** Bytes that are no frame, or an answer that contradicts itself or its question. */
  corruptFrames: number;
}

export interface PortEvents {
  /** The stream can no longer be trusted; the port has closed itself. */
  readonly onCorrupt: (reason: string) => void;
  /** The connection is gone, for the reason given. Called once; also after a failed opening. */
  readonly onClose: (reason: string) => void;
}

/** MBAP header: transaction id, protocol id, length, unit (Modbus Messaging V1.0b §3.1.3). */
const HEADER_BYTES = 6;
/** Unit, function code and one byte: an exception. */
const LENGTH_MIN = 3;
/** Unit and the longest PDU (Modbus Application Protocol V1.1b3 §4.1). */
const LENGTH_MAX = 254;
const REQUEST_BYTES = 8;

/** A port as modbus-serial wants one, on a TCP connection of its own. */
export class ModbusPort extends EventEmitter {
  /** Read and set by modbus-serial; see the head of this file. */
  _transactionIdRead = 1;
  _transactionIdWrite = 1;

  readonly #socket: Socket;
  readonly #events: PortEvents;
  readonly #counts: FrameCounts;
  #open = false;
  #wasOpen = false;
  #reason = 'closed by the device';
  #nextId: number;
  #requests = 0;
  #foreign = 0;
  #asked: { readonly id: number; readonly unit: number; readonly code: number } | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: {
    readonly host: string;
    readonly port: number;
    /** First transaction id, 0 to 65,535. */
    readonly firstId: number;
    readonly counts: FrameCounts;
    readonly events: PortEvents;
    readonly onOpen: () => void;
  }) {
    super();
    this.#events = options.events;
    this.#counts = options.counts;
    this.#nextId = options.firstId;
    this.#socket = connect({ host: options.host, port: options.port, noDelay: true });
    this.#socket.setKeepAlive(true, 30_000);
    this.#socket.on('connect', () => {
      this.#open = true;
      this.#wasOpen = true;
      options.onOpen();
    });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason = error.code ?? error.message;
    });
    this.#socket.on('close', () => {
      this.#open = false;
      this.#events.onClose(this.#reason);
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether the device's side ever accepted the connection. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** Whether every transaction id has been used, so that the connection must be renewed. */
  get isUsedUp(): boolean {
    return this.#requests >= limits.modbusRequestsMax;
  }

  /** Part of modbus-serial's port: the socket is open before modbus-serial gets the port. */
  open(callback: (error?: Error) => void): void {
    callback();
  }

  /** Closes at once: whatever was still to come is never read. */
  destroy(callback?: () => void): void {
    this.#open = false;
    this.#asked = undefined;
    this.#socket.destroy();
    callback?.();
  }

  /** Part of modbus-serial's port. */
  close(callback?: () => void): void {
    this.destroy(callback);
  }

  /**
   * Sends one request, given as an RTU frame. Only function codes 1 to 4 pass: the driver is
   * read-only here, whatever a caller asks of modbus-serial.
   */
  write(frame: Buffer): void {
    const [unit, code] = frame;
    assert(
      frame.length === REQUEST_BYTES && unit !== undefined && code !== undefined,
      'a Modbus read request has 8 bytes',
    );
    assert(code >= 1 && code <= 4, `function code ${code} does not read and is never sent`);
    assert(this.#asked === undefined, 'one question at a time on a connection');
    assert(!this.isUsedUp, 'a transaction id is used once on a connection');
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0xffff;
    this.#requests += 1;
    this.#asked = { id, unit, code };
    const bytes = Buffer.alloc(HEADER_BYTES + REQUEST_BYTES - 2);
    bytes.writeUInt16BE(id, 0);
    bytes.writeUInt16BE(REQUEST_BYTES - 2, 4);
    frame.copy(bytes, HEADER_BYTES, 0, REQUEST_BYTES - 2);
    this.#socket.write(bytes);
  }

  #receive(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= HEADER_BYTES) {
      const length = bytes.readUInt16BE(4);
      if (bytes.readUInt16BE(2) !== 0 || length < LENGTH_MIN || length > LENGTH_MAX) {
        this.#corrupt('bytes that are not Modbus TCP');
        return;
      }
      const end = HEADER_BYTES + length;
      if (bytes.length < end) break;
      this.#accept(bytes.readUInt16BE(0), bytes.subarray(HEADER_BYTES, end));
      // The answer's listener, or too many foreign frames, may have closed the connection.
      if (!this.#open) return;
      bytes = bytes.subarray(end);
    }
    // A copy, so that a few bytes do not keep the socket's whole chunk alive.
    this.#rest = bytes.length === 0 ? bytes : Buffer.from(bytes);
  }

  #accept(id: number, body: Buffer): void {
    const asked = this.#asked;
    if (asked === undefined || asked.id !== id) {
      this.#counts.foreignFrames += 1;
      this.#foreign += 1;
      if (this.#foreign > limits.modbusForeignFramesMax) {
        this.#corrupt('frames that nobody asked for');
      }
      return;
    }
    const mistake = mistakeIn(body, asked);
    if (mistake !== undefined) {
      this.#corrupt(mistake);
      return;
    }
    this.#asked = undefined;
    this.#foreign = 0;
    const frame = Buffer.allocUnsafe(body.length + 2);
    body.copy(frame);
    frame.writeUInt16LE(crc16(body), body.length);
    this._transactionIdRead = this._transactionIdWrite;
    this.emit('data', frame);
  }

  #corrupt(reason: string): void {
    this.#counts.corruptFrames += 1;
    this.destroy();
    this.#events.onCorrupt(reason);
  }
}

/** What is wrong with an answer to the open question: `body` is unit, function code and data. */
function mistakeIn(
  body: Buffer,
  asked: { readonly unit: number; readonly code: number },
): string | undefined {
  const [unit, code, count = 0] = body;
  if (unit !== asked.unit) return 'an answer from another unit';
  if (code === (asked.code | 0x80)) {
    return body.length === LENGTH_MIN ? undefined : 'an exception of the wrong length';
  }
  if (code !== asked.code) return 'an answer to another function';
  return body.length === LENGTH_MIN + count ? undefined : 'a byte count that is not true';
}
