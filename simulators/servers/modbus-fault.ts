/** How a Modbus device misbehaves when told to: what becomes of an answer on its way out. */
import type { Socket } from 'node:net';
import type { Clock } from '../../devices/runtime.ts';

/**
 * `hold` keeps answers back until they are released; `late` sends an answer after the next
 * request has come; `garbage` sends bytes that are no frame; `truncate` ends a frame early;
 * `foreign` answers another transaction; `drip` sends byte by byte.
 */
export type ModbusFault =
  | { readonly kind: PlainFault }
  | { readonly kind: 'delay' | 'drip'; readonly ms: number }
  | { readonly kind: 'exception'; readonly code: number };

type PlainFault = (typeof PLAIN)[number];

const PLAIN = [
  'none',
  'silence',
  'hold',
  'late',
  'garbage',
  'truncate',
  'foreign',
  'close',
] as const;

/** Parses a fault as typed: `silence`, `delay 500`, `exception 6`, `none`. */
export function parseFault(text: string): ModbusFault | undefined {
  const [kind = '', amount = ''] = text.trim().split(/\s+/);
  const plain = PLAIN.find((name) => name === kind);
  if (plain) return { kind: plain };
  if (!/^\d{1,6}$/.test(amount)) return undefined;
  if (kind === 'delay' || kind === 'drip') return { kind, ms: Number(amount) };
  const code = Number(amount);
  return kind === 'exception' && code > 0 && code < 256 ? { kind, code } : undefined;
}

/** One answer on its way: the frame, and what to do once all of it is sent. */
export interface Answer {
  readonly socket: Socket;
  readonly frame: Buffer;
  readonly onSent: () => void;
}

const HELD_MAX = 10_000;

/** Where answers pass out; keeps those that a fault holds back. */
export class AnswerGate {
  readonly #clock: Clock;
  #held: Answer[] = [];
  readonly #late = new WeakMap<Socket, Answer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sends the answer, or does with it what the fault says. */
  pass(fault: ModbusFault, answer: Answer): void {
    const { socket, frame } = answer;
    switch (fault.kind) {
      case 'silence':
        return;
      case 'hold':
        if (this.#held.length < HELD_MAX) this.#held.push(answer);
        return;
      case 'late': {
        const previous = this.#late.get(socket);
        this.#late.set(socket, answer);
        if (previous) send(previous);
        return;
      }
      case 'garbage':
        // The right transaction, then nonsense: another protocol and an impossible length.
        socket.write(Buffer.concat([frame.subarray(0, 2), Buffer.from('ffffffffdeadbeef', 'hex')]));
        return;
      case 'truncate':
        socket.write(frame.subarray(0, frame.length - 3));
        return;
      case 'foreign':
        frame.writeUInt16BE((frame.readUInt16BE(0) + 1_000) & 0xffff, 0);
        socket.write(frame);
        return;
      case 'close':
        socket.destroy();
        return;
      case 'delay':
        this.#clock.after(fault.ms, () => send(answer));
        return;
      case 'drip':
        this.#drip(answer, fault.ms, 0);
        return;
      default:
        send(answer);
    }
  }

  /** Sends all that `hold` kept back, in order. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const answer of held) send(answer);
  }

  #drip(answer: Answer, ms: number, at: number): void {
    const { socket, frame } = answer;
    if (!socket.writable) return;
    socket.write(frame.subarray(at, at + 1));
    if (at + 1 === frame.length) answer.onSent();
    else this.#clock.after(ms, () => this.#drip(answer, ms, at + 1));
  }
}

function send({ socket, frame, onSent }: Answer): void {
  if (!socket.writable) return;
  socket.write(frame);
  onSent();
}
