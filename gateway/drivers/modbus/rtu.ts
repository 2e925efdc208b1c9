/**
 * RTU frames, on a serial port or on a socket to one (Modbus over Serial Line V1.02 §2.5.1). Their
 * ends follow from what they say themselves, since no operating system keeps the silences between
 * them; what a frame answers follows from the order of the questions (order.ts).
 */
import { strict as assert } from 'node:assert';
import { limits } from '../../../devices/limits.ts';
import type { Clock } from '../../../devices/runtime.ts';
import { crc16 } from './crc.ts';
import {
  type Asked,
  EXCEPTION_BYTES,
  type Framing,
  type FramingEvents,
  mistakeIn,
} from './frame.ts';
import type { AnswerOrder } from './order.ts';

const CRC_BYTES = 2;
/** Longest data of a PDU of 253 bytes. */
const DATA_BYTES_MAX = 251;

export class RtuFraming implements Framing {
  readonly isUsedUp = false;
  readonly #order: AnswerOrder;
  readonly #clock: Clock;
  readonly #events: FramingEvents;
  #request: Buffer = Buffer.alloc(0);
  #rest: Buffer = Buffer.alloc(0);
  #lastByteMs = 0;
  #isNoisy = false;
  #noiseBytes = 0;
  #foreign = 0;
  #isBroken = false;

  constructor(order: AnswerOrder, clock: Clock, events: FramingEvents) {
    this.#order = order;
    this.#clock = clock;
    this.#events = events;
  }

  ask(asked: Asked, request: Buffer): Buffer {
    assert(this.#order.open === undefined, 'one question at a time on a line without numbers');
    // What stands here after a silence is no beginning of what comes next.
    const silentMs = this.#clock.monotonicMs() - this.#lastByteMs;
    if (this.#rest.length > 0 && silentMs > limits.modbusSilenceMs) this.#drop();
    this.#isNoisy = false;
    this.#noiseBytes = 0;
    this.#request = request;
    this.#order.ask(asked);
    return request;
  }

  giveUp(asked: Asked): void {
    if (this.#order.open !== asked) return;
    this.#order.giveUp();
    // A frame that ended too early: what is missing of it may still come, and is no frame then.
    if (this.#rest.length > 0 && !this.#isNoisy) this.#events.onCorrupt();
    this.#isNoisy ||= this.#rest.length > 0;
  }

  take(chunk: Buffer): void {
    this.#lastByteMs = this.#clock.monotonicMs();
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    while (from < bytes.length && !this.#isBroken) {
      const taken = this.#takeFrame(bytes.subarray(from));
      if (taken === undefined) break;
      from += taken;
    }
    this.#rest = this.#isBroken ? Buffer.alloc(0) : Buffer.from(bytes.subarray(from));
  }

  /** Bytes at the head that are done with, or `undefined` where more must come. */
  #takeFrame(bytes: Buffer): number | undefined {
    const [unit = 0, code, count] = bytes;
    if (code === undefined) return undefined;
    if (this.#isEchoHead(bytes)) {
      return bytes.length < this.#request.length ? undefined : this.#request.length;
    }
    const isException = (code & 0x80) !== 0;
    const isReadable = (code & 0x7f) >= 1 && (code & 0x7f) <= 4;
    if (!isReadable) return this.#noise();
    if (!isException && count === undefined) return undefined;
    if (!isException && (count === 0 || (count ?? 0) > DATA_BYTES_MAX)) return this.#noise();
    const bodyBytes = EXCEPTION_BYTES + (isException ? 0 : (count ?? 0));
    const end = bodyBytes + CRC_BYTES;
    if (bytes.length < end) return undefined;
    const body = bytes.subarray(0, bodyBytes);
    if (bytes.readUInt16LE(bodyBytes) !== crc16(body)) {
      const taken = this.#noise();
      const { open } = this.#order;
      if (open !== undefined && mistakeIn(body, open) === undefined) this.#events.onDamaged(open);
      return taken;
    }
    this.#isNoisy = false;
    this.#accept(unit, code, body);
    return end;
  }

  #accept(unit: number, code: number, body: Buffer): void {
    const asked = this.#order.open;
    const bytes = (code & 0x80) === 0 ? body.length - EXCEPTION_BYTES : undefined;
    const meaning = this.#order.hear({ unit, code: code & 0x7f, bytes });
    if (meaning === 'answer' && asked !== undefined) {
      this.#foreign = 0;
      this.#events.onAnswer(asked, body);
      return;
    }
    this.#events.onForeign();
    if (meaning === 'doubtful' && asked !== undefined) {
      this.#events.onDoubtful(asked);
      return;
    }
    this.#foreign += 1;
    if (this.#foreign > limits.modbusForeignFramesMax) this.#break('frames nobody asked for');
  }

  /**
   * Adapters for two-wire lines hand us our own request. An answer is one only where its byte
   * count is right, so what begins like the request and could be the answer is taken for that.
   */
  #isEchoHead(bytes: Buffer): boolean {
    const request = this.#request;
    if (request.length === 0 || this.#order.open?.bytes === request[2]) return false;
    return bytes.subarray(0, request.length).equals(request.subarray(0, bytes.length));
  }

  /** The byte at the head begins no frame. */
  #noise(): number {
    if (!this.#isNoisy) this.#events.onCorrupt();
    this.#isNoisy = true;
    this.#noiseBytes += 1;
    if (this.#noiseBytes > limits.modbusNoiseBytesMax) this.#break('bytes that are no frame');
    return 1;
  }

  #drop(): void {
    if (!this.#isNoisy) this.#events.onCorrupt();
    this.#rest = Buffer.alloc(0);
  }

  #break(reason: string): void {
    this.#isBroken = true;
    this.#events.onBroken(reason);
  }
}
