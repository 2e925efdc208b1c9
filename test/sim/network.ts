/**
 * A network that loses, repeats, delays and reorders, and that can be cut. Both directions go
 * through it; nothing that it does may lose or double a reading.
 */
import type { Chance } from './chance.ts';
import type { World } from './clock.ts';

export interface NetworkFaults {
  readonly loss: number;
  readonly repeat: number;
  /** Probability that somebody on the way changes the last byte, which is the signature's. */
  readonly forge: number;
  /** Longest delay, milliseconds; messages overtake one another within it. */
  readonly delayMs: number;
}

export interface NetworkCounts {
  sent: number;
  lost: number;
  repeated: number;
  forged: number;
}

/** The letter A, which is a letter of base64url. */
const A = 0x41;

export class Network {
  readonly counts: NetworkCounts = { sent: 0, lost: 0, repeated: 0, forged: 0 };
  readonly #world: World;
  readonly #chance: Chance;
  #faults: NetworkFaults;
  readonly #watchers = new Set<(up: boolean) => void>();
  #isUp = true;

  constructor(world: World, chance: Chance, faults: NetworkFaults) {
    this.#world = world;
    this.#chance = chance;
    this.#faults = faults;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Cuts the cable or mends it; those who watch are told. */
  set(up: boolean): void {
    if (up === this.#isUp) return;
    this.#isUp = up;
    for (const watcher of [...this.#watchers]) watcher(up);
  }

  /** From now on nothing is lost, repeated or late. */
  calm(): void {
    this.#faults = { loss: 0, repeat: 0, forge: 0, delayMs: 1 };
  }

  watch(watcher: (up: boolean) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Carries bytes to `deliver`, perhaps: copies of them, late, twice or never. */
  carry(bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    this.counts.sent += 1;
    if (!this.#isUp || this.#chance.happens(this.#faults.loss)) {
      this.counts.lost += 1;
      return;
    }
    const copies = this.#chance.happens(this.#faults.repeat) ? 2 : 1;
    this.counts.repeated += copies - 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const delayMs = 1 + this.#chance.fraction() * this.#faults.delayMs;
      const copied = Uint8Array.from(bytes);
      if (this.#chance.happens(this.#faults.forge)) {
        this.counts.forged += 1;
        copied.set([copied.at(-1) === A ? A + 1 : A], copied.length - 1);
      }
      this.#world.after(delayMs, () => deliver(copied));
    }
  }
}
