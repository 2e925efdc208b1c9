/** What the organisation does to its devices: enrols them late, suspends some, revokes one. */
import type { Chance } from './chance.ts';
import type { World } from './clock.ts';
import type { Office } from './office.ts';
import type { Organisation } from './organisation.ts';

/** The desk is asked again after this long when nobody was there. */
const AGAIN_MS = 10_000;

export class TrustScript {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #office: Office;
  readonly #organisation: Organisation;
  /** DIDs of the devices by their places in the lists. */
  readonly #devices: readonly string[];
  readonly #revoked: Set<string>;
  readonly #suspended = new Set<number>();
  /** How many lists were made, and which of each purpose is the newest. */
  #lists = 0;
  readonly #newest = { revocation: 0, suspension: 0 };

  constructor(options: {
    readonly world: World;
    readonly chance: Chance;
    readonly office: Office;
    readonly organisation: Organisation;
    readonly devices: readonly string[];
    /** Gets the DIDs of devices that are revoked. */
    readonly revoked: Set<string>;
  }) {
    this.#world = options.world;
    this.#chance = options.chance;
    this.#office = options.office;
    this.#organisation = options.organisation;
    this.#devices = options.devices;
    this.#revoked = options.revoked;
  }

  /** Whom the ingester trusts from the first: the organisations, and its lists. */
  async begin(organisations: readonly Organisation[]): Promise<void> {
    const documents = organisations.map((one) => ({ name: one.did, bytes: one.document() }));
    const isTaken = await this.#office.trust([
      ...documents,
      { name: 'revocation', bytes: await this.#list('revocation') },
      { name: 'suspension', bytes: await this.#list('suspension') },
    ]);
    if (!isTaken) throw new Error('the ingester did not take whom to trust');
  }

  /** Suspends a device; its place in the list. */
  suspendOne(): number | undefined {
    const index = this.#chance.between(0, this.#devices.length - 1);
    if (this.#suspended.has(index)) return undefined;
    this.#suspended.add(index);
    this.#publish('suspension');
    return index;
  }

  end(index: number): void {
    if (this.#suspended.delete(index)) this.#publish('suspension');
  }

  endAll(): void {
    this.#suspended.clear();
    this.#publish('suspension');
  }

  /** Revokes a device for good. */
  revokeOne(): void {
    this.#revoked.add(this.#chance.pick(this.#devices));
    this.#publish('revocation');
  }

  #publish(purpose: 'revocation' | 'suspension'): void {
    void this.#list(purpose).then((bytes) => this.#give(purpose, bytes, this.#newest[purpose]));
  }

  #give(purpose: 'revocation' | 'suspension', bytes: Uint8Array, count: number): void {
    void this.#office.trust([{ name: purpose, bytes }]).then((isTaken) => {
      // A newer one of the same purpose says all that this one says.
      if (isTaken || count < this.#newest[purpose]) return;
      this.#world.after(AGAIN_MS, () => this.#give(purpose, bytes, count));
    });
  }

  #list(purpose: 'revocation' | 'suspension'): Promise<Uint8Array> {
    this.#lists += 1;
    this.#newest[purpose] = this.#lists;
    const revoked = this.#devices.flatMap((did, index) => (this.#revoked.has(did) ? index : []));
    const set = purpose === 'revocation' ? revoked : this.#suspended;
    return this.#organisation.statusList(purpose, set, this.#lists);
  }
}
