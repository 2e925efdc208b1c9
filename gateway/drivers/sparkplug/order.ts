/**
 * Puts an edge node's messages into the order of their sequence numbers, 0 to 255 and around
 * (tck-id-payloads-sequence-num-incrementing). A message that comes too early waits for those
 * before it. When to give up waiting is for the caller to say.
 */
import { limits } from '../../../devices/limits.ts';

/** How many sequence numbers there are. */
export const SEQUENCES = 256;

export class MessageOrder<T> {
  #next = 0;
  #bytes = 0;
  readonly #held = new Map<number, { readonly item: T; readonly bytes: number }>();

  /** Messages that wait for an earlier one. */
  get held(): number {
    return this.#held.size;
  }

  /** The sequence number that is to come. */
  get next(): number {
    return this.#next;
  }

  /** The message that has waited for longest. */
  get oldest(): T | undefined {
    const [first] = this.#held.values();
    return first?.item;
  }

  /** Forgets everything; the next message is the one after `seq`. */
  restart(seq: number): void {
    this.#held.clear();
    this.#bytes = 0;
    this.#next = (seq + 1) % SEQUENCES;
  }

  /** Keeps the message in its place. Returns `false` where there is no room for it to wait. */
  add(seq: number, item: T, bytes: number): boolean {
    // A second copy of one that waits says nothing new.
    if (this.#held.has(seq)) return true;
    if (seq !== this.#next && this.#bytes + bytes > limits.sparkplugHeldBytesMax) return false;
    this.#held.set(seq, { item, bytes });
    this.#bytes += bytes;
    return true;
  }

  /** Takes the message whose turn it is, if it is there. */
  take(): T | undefined {
    const ready = this.#held.get(this.#next);
    if (ready === undefined) return undefined;
    this.#held.delete(this.#next);
    this.#bytes -= ready.bytes;
    this.#next = (this.#next + 1) % SEQUENCES;
    return ready.item;
  }
}
