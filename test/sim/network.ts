/**
 * A network that loses, repeats, delays and reorders. Each station has two links, one a direction,
 * that can be cut by itself; nothing that a link does may lose or double a reading.
 */
import type { Chance } from './chance.ts';
import type { World } from './clock.ts';

export interface NetworkFaults {
  readonly loss: number;
  readonly repeat: number;
  /** Probability that somebody on the way changes a byte. */
  readonly forge: number;
  /** Longest delay, milliseconds; messages overtake one another within it. */
  readonly delayMs: number;
}

export interface NetworkCounts {
  sent: number;
  lost: number;
  repeated: number;
  forged: number;
  replayed: number;
}

export type Direction = 'up' | 'down';

const CALM: NetworkFaults = { loss: 0, repeat: 0, forge: 0, delayMs: 20 };
/** Messages that somebody on the way keeps, to bring them again later. */
const KEPT_MAX = 64;
/** The letter A, which is a letter of base64url. */
const A = 0x41;

export class Network {
  readonly counts: NetworkCounts = { sent: 0, lost: 0, repeated: 0, forged: 0, replayed: 0 };
  readonly #world: World;
  readonly #chance: Chance;
  #faults: NetworkFaults = CALM;

  constructor(world: World, chance: Chance) {
    this.#world = world;
    this.#chance = chance;
  }

  /** From now on messages fare like this; without an argument, well. */
  fare(faults: NetworkFaults = CALM): void {
    this.#faults = faults;
  }

  link(): Link {
    return new Link(this, this.#world, this.#chance);
  }

  /** Hands bytes to `deliver`, perhaps: copies of them, late, twice or never. */
  carry(
    bytes: Uint8Array,
    way: {
      /** What was sent before takes the line this long. */
      readonly behindMs: number;
      readonly isCut: () => boolean;
      readonly deliver: (bytes: Uint8Array) => void;
    },
  ): void {
    const { behindMs, deliver, isCut } = way;
    const { delayMs, forge, loss, repeat } = this.#faults;
    this.counts.sent += 1;
    if (isCut() || this.#chance.happens(loss)) {
      this.counts.lost += 1;
      return;
    }
    const copies = this.#chance.happens(repeat) ? 2 : 1;
    this.counts.repeated += copies - 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const afterMs = behindMs + 1 + this.#chance.fraction() * delayMs;
      const copied = this.#chance.happens(forge) ? this.#forged(bytes) : Uint8Array.from(bytes);
      this.#world.after(afterMs, () => deliver(copied));
    }
  }

  /** One byte is another: the signature's last one, or any. */
  #forged(bytes: Uint8Array): Uint8Array {
    this.counts.forged += 1;
    const copied = Uint8Array.from(bytes);
    const at = this.#chance.happens(0.5)
      ? copied.length - 1
      : this.#chance.between(0, copied.length - 1);
    copied[at] = copied[at] === A ? A + 1 : A;
    return copied;
  }
}

/** The way between a station and the ingester; either direction can be cut alone. */
export class Link {
  readonly #network: Network;
  readonly #world: World;
  readonly #chance: Chance;
  readonly #isCut = { up: false, down: false };
  readonly #kept: Record<Direction, Uint8Array[]> = { up: [], down: [] };
  readonly #deliver: Record<Direction, ((bytes: Uint8Array) => void) | undefined> = {
    up: undefined,
    down: undefined,
  };
  readonly #watchers = new Set<(up: boolean) => void>();
  /** Bytes that the line takes in a millisecond, each way, and when it has taken what was sent. */
  #bytesPerMs = Number.POSITIVE_INFINITY;
  readonly #freeMs = { up: 0, down: 0 };

  constructor(network: Network, world: World, chance: Chance) {
    this.#network = network;
    this.#world = world;
    this.#chance = chance;
  }

  /** A cut on the way back is not seen here: what is sent arrives, and nobody answers. */
  get isUp(): boolean {
    return !this.#isCut.up;
  }

  /** Where what goes this way arrives. */
  end(direction: Direction, deliver: (bytes: Uint8Array) => void): void {
    this.#deliver[direction] = deliver;
  }

  /** Cuts a direction or mends it; those who watch are told. */
  set(direction: Direction, isUp: boolean): void {
    if (this.#isCut[direction] === !isUp) return;
    this.#isCut[direction] = !isUp;
    if (direction === 'up') for (const watcher of [...this.#watchers]) watcher(isUp);
  }

  watch(watcher: (up: boolean) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The line is as fast as this from now on. */
  speed(bytesPerMs: number): void {
    this.#bytesPerMs = bytesPerMs;
  }

  send(direction: Direction, bytes: Uint8Array): void {
    const kept = this.#kept[direction];
    if (kept.length < KEPT_MAX) kept.push(bytes);
    else if (this.#chance.happens(0.1)) kept[this.#chance.between(0, KEPT_MAX - 1)] = bytes;
    const { nowMs } = this.#world;
    const freeMs = Math.max(nowMs, this.#freeMs[direction]) + bytes.length / this.#bytesPerMs;
    this.#freeMs[direction] = freeMs;
    this.#network.carry(bytes, {
      behindMs: freeMs - nowMs,
      isCut: () => this.#isCut[direction],
      deliver: (arrived) => this.#deliver[direction]?.(arrived),
    });
  }

  /** Somebody brings again what went this way before, or brings it to another's end. */
  replay(direction: Direction, to: Link = this): void {
    const kept = this.#kept[direction];
    const bytes = kept[this.#chance.between(0, kept.length - 1)];
    if (bytes === undefined) return;
    this.#network.counts.replayed += 1;
    this.#world.after(1, () => to.#deliver[direction]?.(Uint8Array.from(bytes)));
  }

  /** Somebody brings bytes of his own. */
  inject(direction: Direction, bytes: Uint8Array): void {
    this.#network.counts.forged += 1;
    this.#world.after(1, () => this.#deliver[direction]?.(bytes));
  }
}
