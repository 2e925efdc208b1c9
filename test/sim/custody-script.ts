/**
 * Goods that change hands: each holder releases, the next one accepts. Parties hand their steps in
 * late, in the wrong order and twice; others claim what is not theirs.
 */
import type { Party } from '../../devices/credential/enrolment.ts';
import type { Chance } from './chance.ts';
import type { CustodyChain } from './check-custody.ts';
import type { World } from './clock.ts';
import type { Office } from './office.ts';
import type { Organisation, SignedStep } from './organisation.ts';

/** A party that was not heard tries again after this long. */
const AGAIN_MS = 60_000;
/** Steps of one pair arrive within this long of each other, and of the pair before. */
const SCATTER_MS = 900_000;

export class CustodyScript {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #office: Office;
  readonly #holders: readonly Organisation[];
  readonly #chain: CustodyChain & { steps: CustodyChain['steps'][number][] };
  #head: SignedStep | undefined;
  #holder = 0;
  /** What was not taken yet. */
  pending = 0;

  constructor(options: {
    readonly world: World;
    readonly chance: Chance;
    readonly office: Office;
    /** The first of them holds the goods at the beginning. */
    readonly holders: readonly Organisation[];
    readonly chain: CustodyChain & { steps: CustodyChain['steps'][number][] };
  }) {
    this.#world = options.world;
    this.#chance = options.chance;
    this.#office = options.office;
    this.#holders = options.holders;
    this.#chain = options.chain;
  }

  /** The goods pass on; perhaps somebody else claims them as well. */
  async passOn(): Promise<void> {
    const next = (this.#holder + 1) % this.#holders.length;
    const [from, to] = [this.#at(this.#holder), this.#at(next)];
    if (this.#chance.happens(0.3)) await this.#claim(to, from);
    const { acceptance, release } = await this.#pair(from, to);
    this.#chain.steps.push({
      release: release.reference.digest,
      acceptance: acceptance.reference.digest,
    });
    this.#head = acceptance;
    this.#holder = next;
    for (const { token } of [release, acceptance]) {
      this.#handOver(token);
      if (this.#chance.happens(0.3)) this.#handOver(token);
    }
  }

  /** Somebody who does not hold the goods releases them, and finds one who accepts. */
  async #claim(from: Organisation, to: Organisation): Promise<void> {
    const { acceptance, release } = await this.#pair(from, to);
    for (const { token } of [release, acceptance]) this.#handOver(token);
  }

  async #pair(from: Organisation, to: Organisation) {
    const between: { goods: string; from: Party; to: Party } = {
      ...{ goods: this.#chain.goods, from: from.party, to: to.party },
    };
    const before = this.#head && { previous: this.#head.reference };
    const release = await from.custodyStep({ act: 'release', ...between, ...before });
    const acceptance = await to.custodyStep({
      ...{ act: 'acceptance', ...between, ...before, release: release.reference },
    });
    return { release, acceptance };
  }

  #handOver(token: Uint8Array, afterMs = this.#chance.fraction() * SCATTER_MS): void {
    this.pending += 1;
    this.#world.after(afterMs, () => {
      void this.#office.submit(token).then((isTaken) => {
        this.pending -= 1;
        if (!isTaken) this.#handOver(token, AGAIN_MS);
      });
    });
  }

  #at(index: number): Organisation {
    return this.#holders[index] as Organisation;
  }
}
