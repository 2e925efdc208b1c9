/**
 * The guarded way from `modbus-serial` to a wire: only reads leave it, and only the answer to a
 * question that is open comes back.
 *
 * modbus-serial 8.0.25 counts transaction ids modulo 256 and keeps every old one, so that a late
 * answer can be handed to another question as a good value; it also believes an exception from
 * any unit, and a byte count that contradicts the frame. Here the framing decides what a frame
 * answers, and modbus-serial hears nothing of it (docs/decisions/0012).
 */
import { strict as assert } from 'node:assert';
import type { X509Certificate } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Clock } from '../../../devices/runtime.ts';
import { type Asked, type Framing, type FramingEvents, REQUEST_BYTES } from './frame.ts';
import type { Wire } from './socket.ts';
import { type Address, openWire } from './wire.ts';

/** What the guard saw that was not an answer; `counts` of one connection or of many. */
export interface FrameCounts {
  /** Whole frames that answer no open question: late, doubled or never asked for. */
  foreignFrames: number;
  /** Bytes that are no frame, or an answer that contradicts itself or its question. */
  corruptFrames: number;
}

export interface PortEvents {
  readonly onOpen: () => void;
  /** The answer to an open question: `body` is unit, function code and data. */
  readonly onAnswer: (asked: Asked, body: Buffer) => void;
  /** The open question has no answer of its own, but a doubtful sign of life or a damaged frame. */
  readonly onSpoilt: (asked: Asked, why: 'doubtful' | 'damaged') => void;
  /** The stream can no longer be trusted; the port has closed itself. */
  readonly onBroken: (reason: string) => void;
  /** The connection is gone, for the reason given. Called once; also after a failed opening. */
  readonly onClose: (reason: string) => void;
}

/** A port as modbus-serial wants one, on a wire of its own. */
export class ModbusPort extends EventEmitter {
  readonly #wire: Wire;
  readonly #framing: Framing;
  #isOpen = false;
  #wasOpen = false;
  #next: Asked | undefined;

  constructor(options: {
    readonly address: Address;
    readonly framing: (events: FramingEvents) => Framing;
    readonly counts: FrameCounts;
    readonly events: PortEvents;
    readonly clock: Clock;
  }) {
    super();
    const { address, clock, counts, events } = options;
    const framing = options.framing({
      onAnswer: events.onAnswer,
      onDoubtful: (asked) => events.onSpoilt(asked, 'doubtful'),
      onDamaged: (asked) => events.onSpoilt(asked, 'damaged'),
      onForeign: () => {
        counts.foreignFrames += 1;
      },
      onCorrupt: () => {
        counts.corruptFrames += 1;
      },
      onBroken: (reason) => {
        this.destroy();
        events.onBroken(reason);
      },
    });
    this.#framing = framing;
    this.#wire = openWire(
      address,
      {
        onOpen: () => {
          this.#isOpen = true;
          this.#wasOpen = true;
          events.onOpen();
        },
        onData: (chunk) => framing.take(chunk),
        onClose: (reason) => {
          this.#isOpen = false;
          events.onClose(reason);
        },
      },
      clock,
    );
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether the device's side ever accepted the connection. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** The certificate that the device showed, on a secured wire. */
  shown(): X509Certificate | undefined {
    return this.#isOpen ? this.#wire.shown?.() : undefined;
  }

  /** Whether the connection must be renewed before another question. */
  get isUsedUp(): boolean {
    return this.#framing.isUsedUp;
  }

  /** Part of modbus-serial's port: the wire is open before modbus-serial gets the port. */
  open(callback: (error?: Error) => void): void {
    callback();
  }

  /** Closes at once: whatever was still to come is never read. */
  destroy(callback?: () => void): void {
    this.#isOpen = false;
    this.#wire.destroy();
    callback?.();
  }

  /** Part of modbus-serial's port. */
  close(callback?: () => void): void {
    this.destroy(callback);
  }

  /** Says which question the next request puts. */
  expect(asked: Asked): void {
    this.#next = asked;
  }

  /** The question is no longer open: what comes for it is foreign. */
  giveUp(asked: Asked): void {
    this.#framing.giveUp(asked);
  }

  /**
   * Sends one request, given as an RTU frame. Only function codes 1 to 4 pass: the driver is
   * read-only here, whatever a caller asks of modbus-serial.
   */
  write(frame: Buffer): void {
    const [unit, code] = frame;
    assert(frame.length === REQUEST_BYTES, 'a Modbus read request has 8 bytes');
    assert(
      code !== undefined && code >= 1 && code <= 4,
      `function code ${code} does not read and is never sent`,
    );
    const asked = this.#next;
    this.#next = undefined;
    assert(asked !== undefined && asked.unit === unit && asked.code === code, 'not as expected');
    this.#wire.write(this.#framing.ask(asked, frame));
  }
}
