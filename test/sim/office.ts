/** The ingester's machine: its journal and twins outlive its power, its memory does not. */
import { silentLog } from '../../devices/runtime.ts';
import { createInlineAdmitter } from '../../ingest/admitter.ts';
import { Applier } from '../../ingest/apply-engine.ts';
import { foldPlugins } from '../../ingest/apply-plugins.ts';
import { createIngest, type Ingest } from '../../ingest/ingest.ts';
import { createLocalJournal } from '../../ingest/journal.ts';
import { type JournalStore, openJournalStore } from '../../ingest/journal-store.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import { openTwinsStore, type TwinsStore } from '../../ingest/twins-store.ts';
import { MachineClock, type World } from './clock.ts';
import { type SeededKey, seededSigner } from './identity.ts';

export class Office {
  readonly journal: JournalStore = openJournalStore(':memory:');
  readonly twins: TwinsStore = openTwinsStore(':memory:');
  readonly did: string;
  readonly #world: World;
  readonly #key: SeededKey;
  readonly #reply: (gateway: string, receipt: Uint8Array) => void;
  #clock: MachineClock | undefined;
  #ingest: Ingest | undefined;
  #failure: unknown;

  constructor(options: {
    world: World;
    key: SeededKey;
    reply: (gateway: string, receipt: Uint8Array) => void;
  }) {
    this.#world = options.world;
    this.#key = options.key;
    this.#reply = options.reply;
    this.did = options.key.did;
  }

  get isOn(): boolean {
    return this.#ingest !== undefined;
  }

  get failure(): unknown {
    return this.#failure;
  }

  powerOn(): void {
    const clock = new MachineClock(this.#world, 0);
    const applier = new Applier({ journal: this.journal, store: this.twins, plugins: foldPlugins });
    this.#clock = clock;
    this.#ingest = createIngest({
      tenant: 'sim',
      journal: createLocalJournal(this.journal),
      admitter: createInlineAdmitter('sim', this.journal),
      signer: seededSigner(this.#key, { clock, delayMs: 0 }),
      clock,
      log: silentLog,
      reply: async (gateway, receipt) => {
        if (this.#clock === clock) this.#reply(gateway, receipt);
      },
      // Twins lag behind the journal, and a power cut may come between the two.
      wake: () => void clock.after(20, () => applier.drain()),
      failed: (error) => {
        this.#failure = error;
      },
    });
  }

  powerCut(): void {
    this.#clock?.die();
    this.#clock = undefined;
    this.#ingest = undefined;
  }

  async trust(name: string, bytes: Uint8Array): Promise<void> {
    const changes = await this.#ingest?.desk.add([{ name, bytes }], true);
    const [change] = changes ?? [];
    if (change?.result !== 'added') throw new Error(`${name} was not added: ${change?.reason}`);
  }

  /** A message arrives, if the machine is on. */
  receive(gateway: string, bytes: Uint8Array): void {
    void this.#ingest
      ?.receive({ gateway, bytes, receivedMs: Math.floor(this.#world.nowMs) })
      ?.catch(() => {});
  }

  entries(): JournalEntry[] {
    return this.journal.read(0, 10_000_000);
  }

  /** Folds what is left and compares the twins with those of a fold from the first entry. */
  rebuildDiffers(): string | undefined {
    new Applier({ journal: this.journal, store: this.twins, plugins: foldPlugins }).drain();
    const again = openTwinsStore(':memory:');
    new Applier({ journal: this.journal, store: again, plugins: foldPlugins }).drain();
    const live = JSON.stringify(this.twins.list({ count: 10_000 }));
    const rebuilt = JSON.stringify(again.list({ count: 10_000 }));
    again.close();
    if (live === rebuilt) return undefined;
    let at = 0;
    while (live[at] === rebuilt[at]) at += 1;
    return `live …${live.slice(Math.max(0, at - 60), at + 60)}…, rebuilt …${rebuilt.slice(Math.max(0, at - 60), at + 60)}…`;
  }
}
