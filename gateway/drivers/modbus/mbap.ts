/**
 * Modbus TCP frames, told apart by their transaction ids. An id is used once on a connection and
 * goes on counting on the next one, so that no late answer finds its id in use again.
 */
import { strict as assert } from 'node:assert';
import { limits } from '../../../devices/limits.ts';
import {
  type Asked,
  EXCEPTION_BYTES,
  type Framing,
  type FramingEvents,
  mistakeIn,
  REQUEST_BYTES,
} from './frame.ts';

/** MBAP header: transaction id, protocol id, length, unit (Modbus Messaging V1.0b §3.1.3). */
const HEADER_BYTES = 6;
/** Unit and the longest PDU (Modbus Application Protocol V1.1b3 §4.1). */
const LENGTH_MAX = 254;
const NOTHING = Buffer.alloc(0);

export class MbapFraming implements Framing {
  readonly #events: FramingEvents;
  readonly #open = new Map<number, Asked>();
  readonly #ids = new Map<Asked, number>();
  #nextId: number;
  #used = 0;
  #foreign = 0;
  #rest: Buffer = NOTHING;
  #isBroken = false;

  /** `firstId`: transaction id of the first request, 0 to 65,535. */
  constructor(firstId: number, events: FramingEvents) {
    this.#nextId = firstId;
    this.#events = events;
  }

  /** Transaction id that the next request would have. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Whether every transaction id has been used, so that the connection must be renewed. */
  get isUsedUp(): boolean {
    return this.#used >= limits.modbusRequestsMax;
  }

  ask(asked: Asked, request: Buffer): Buffer {
    assert(!this.isUsedUp, 'a transaction id is used once on a connection');
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0xffff;
    this.#used += 1;
    this.#open.set(id, asked);
    this.#ids.set(asked, id);
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + REQUEST_BYTES - 2);
    bytes.writeUInt16BE(id, 0);
    bytes.writeUInt16BE(0, 2);
    bytes.writeUInt16BE(REQUEST_BYTES - 2, 4);
    request.copy(bytes, HEADER_BYTES, 0, REQUEST_BYTES - 2);
    return bytes;
  }

  giveUp(asked: Asked): void {
    // A frame that ended too early, or too late for this question.
    if (this.#close(asked) && this.#rest.length > 0) this.#events.onCorrupt();
  }

  #close(asked: Asked): boolean {
    const id = this.#ids.get(asked);
    if (id === undefined) return false;
    this.#ids.delete(asked);
    return this.#open.delete(id);
  }

  take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    while (bytes.length >= from + HEADER_BYTES && !this.#isBroken) {
      const length = bytes.readUInt16BE(from + 4);
      if (bytes.readUInt16BE(from + 2) !== 0 || length < EXCEPTION_BYTES || length > LENGTH_MAX) {
        this.#break('bytes that are not Modbus TCP');
        return;
      }
      const end = from + HEADER_BYTES + length;
      if (bytes.length < end) break;
      this.#accept(bytes.readUInt16BE(from), bytes.subarray(from + HEADER_BYTES, end));
      from = end;
    }
    // A copy, so that a few bytes do not keep the socket's whole chunk alive.
    this.#rest = from === bytes.length ? NOTHING : Buffer.from(bytes.subarray(from));
  }

  #accept(id: number, body: Buffer): void {
    const asked = this.#open.get(id);
    if (asked === undefined) {
      this.#foreign += 1;
      this.#events.onForeign();
      if (this.#foreign > limits.modbusForeignFramesMax) this.#break('frames nobody asked for');
      return;
    }
    const mistake = mistakeIn(body, asked);
    if (mistake !== undefined) {
      this.#break(mistake);
      return;
    }
    this.#close(asked);
    this.#foreign = 0;
    this.#events.onAnswer(asked, body);
  }

  #break(reason: string): void {
    this.#isBroken = true;
    this.#events.onCorrupt();
    this.#events.onBroken(reason);
  }
}
