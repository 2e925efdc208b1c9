/** The ingester's machine: its two disks outlive its power, its memory does not. */
import { join } from 'node:path';
import type { Database } from '../../devices/io/sqlite.ts';
import { silentLog } from '../../devices/runtime.ts';
import { createInlineAdmitter } from '../../ingest/admitter.ts';
import { type Applied, Applier } from '../../ingest/apply-engine.ts';
import { foldPlugins } from '../../ingest/apply-plugins.ts';
import { decodeState } from '../../ingest/fold-codec.ts';
import type { TwinState } from '../../ingest/fold-state.ts';
import { createIngest, type Ingest } from '../../ingest/ingest.ts';
import { createLocalJournal } from '../../ingest/journal.ts';
import { type JournalStore, openJournalStore } from '../../ingest/journal-store.ts';
import { requestToSubmit } from '../../ingest/party-submit.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import type { Twin } from '../../ingest/twin.ts';
import { openTwinsStore, type TwinRow, type TwinsStore } from '../../ingest/twins-store.ts';
import type { Chance } from './chance.ts';
import type { LiveTwins } from './check-rebuilt.ts';
import { MachineClock, type World } from './clock.ts';
import { Disk, PowerCut } from './disk.ts';
import { type SeededKey, seededSigner } from './identity.ts';

export interface OfficeOptions {
  readonly world: World;
  readonly chance: Chance;
  readonly key: SeededKey;
  readonly directory: string;
  readonly reply: (gateway: string, receipt: Uint8Array) => void;
  /** Entries that are on the disk and were not seen before. */
  readonly onStored: (entries: readonly JournalEntry[]) => void;
  /** What one transaction did to the twins; after a start, without what changed. */
  readonly onApplied: (
    applied: Pick<Applied, 'changed' | 'cursor'>,
    view: (state: TwinState) => Twin,
    live: LiveTwins,
  ) => void;
}

export class Office {
  readonly did: string;
  readonly journalDisk: Disk;
  readonly twinsDisk: Disk;
  readonly #options: OfficeOptions;
  #journal: JournalStore | undefined;
  #twins: TwinsStore | undefined;
  #applier: Applier | undefined;
  #clock: MachineClock | undefined;
  #ingest: Ingest | undefined;
  #skewMs = 0;
  /** Entries that were told of. */
  #told = 0;
  #failure: unknown;

  constructor(options: OfficeOptions) {
    const { chance, directory } = options;
    this.#options = options;
    this.did = options.key.did;
    const onCut = () => this.#die();
    this.journalDisk = new Disk({
      directory: join(directory, 'journal'),
      ...{ chance, onCut },
      onCommit: () => this.#tell(),
    });
    this.twinsDisk = new Disk({
      directory: join(directory, 'twins'),
      ...{ chance, onCut },
      onCommit: () => undefined,
    });
  }

  get isOn(): boolean {
    return this.#clock !== undefined;
  }

  /** Why its ingester stopped by itself since it was switched on. */
  get failure(): unknown {
    return this.#failure;
  }

  get queuedBytes(): number {
    return this.#ingest?.health.snapshot().queueBytes ?? 0;
  }

  powerOn(): void {
    const { key, world } = this.#options;
    const clock = new MachineClock(world, this.#skewMs);
    this.#clock = clock;
    this.#failure = undefined;
    const isMine = () => this.#clock === clock;
    const failed = (error: unknown) => {
      if (isMine() && !(error instanceof PowerCut)) this.#failure = error;
    };
    try {
      const journal = this.journalDisk.start(openJournalStore);
      const twins = this.twinsDisk.start((file) => openTwinsStore(file));
      this.#journal = journal;
      this.#twins = twins;
      this.#tell();
      const applier = new Applier({ journal, store: twins, plugins: foldPlugins });
      this.#applier = applier;
      this.#seen(applier);
      const wake = () => {
        clock.after(20, () => this.#apply(applier, failed));
      };
      this.#ingest = createIngest({
        tenant: 'sim',
        journal: createLocalJournal(journal),
        admitter: createInlineAdmitter('sim', journal),
        signer: seededSigner(key),
        clock,
        log: silentLog,
        reply: async (gateway, receipt) => {
          if (isMine()) this.#options.reply(gateway, receipt);
        },
        // Twins lag behind the journal, and a power cut may come between the two.
        wake,
        failed,
      });
      wake();
    } catch (error) {
      failed(error);
    }
  }

  powerCut(): void {
    if (!this.isOn) return;
    this.#die();
  }

  /** Steps the wall clock, for good. */
  stepClock(byMs: number): void {
    this.#clock?.step(byMs);
    this.#skewMs += byMs;
  }

  /** How far its wall clock is ahead of the true time. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** Gives documents to the desk of trust; `false` when nobody is there to take them. */
  async trust(documents: readonly { name: string; bytes: Uint8Array }[]): Promise<boolean> {
    const ingest = this.#ingest;
    if (!ingest || this.#failure !== undefined) return false;
    return this.#done(ingest.desk.add(documents, true), (changes) =>
      changes.every(({ result }) => result === 'added' || result === 'known'),
    );
  }

  /** A party hands something over; `false` when it must come again. */
  async submit(bytes: Uint8Array): Promise<boolean> {
    const ingest = this.#ingest;
    if (!ingest || this.#failure !== undefined) return false;
    const request = requestToSubmit([{ name: 'step.jwt', bytes }]);
    return this.#done(ingest.submit(request), ({ submitted }) => submitted[0]?.outcome !== 'held');
  }

  /** A message arrives, if the machine is on. */
  receive(gateway: string, bytes: Uint8Array): void {
    const receivedMs = this.#clock?.nowMs();
    if (receivedMs === undefined || this.#failure !== undefined) return;
    void this.#ingest?.receive({ gateway, bytes, receivedMs })?.catch(() => undefined);
  }

  /** Applies all that the journal has. */
  settle(): void {
    this.#apply(this.#applier as Applier, (error) => {
      this.#failure = error;
    });
  }

  entries(): JournalEntry[] {
    return this.#journal?.read(0, 10_000_000) ?? [];
  }

  /** Codes of the alerts of a twin, as people see them. */
  alerts(uri: string): string[] {
    const [twins, applier] = [this.#twins, this.#applier];
    const rows = twins?.list({ count: 10_000 }) ?? [];
    const states = rows.map(({ state }) => decodeState(state));
    const state = states.find((one) => one.uri === uri);
    return (state && applier?.view(state).alerts.map(({ code }) => code)) ?? [];
  }

  /** The rows of the twins, and those of a fold from the first entry. */
  rebuild(): { live: TwinRow[]; rebuilt: TwinRow[] } {
    const again = openTwinsStore(':memory:');
    try {
      const journal = this.#journal as JournalStore;
      const applier = new Applier({ journal, store: again, plugins: foldPlugins });
      applier.drain(this.#applier?.cursor);
      const all = { count: 10_000 };
      return { live: this.#twins?.list(all) ?? [], rebuilt: again.list(all) };
    } finally {
      again.close();
    }
  }

  async #done<T>(work: Promise<T>, isGood: (result: T) => boolean): Promise<boolean> {
    const clock = this.#clock;
    // A machine without power answers nobody, so that the question ends with it.
    const gone = new Promise<undefined>((resolve) => {
      this.#options.world.after(5_000, () => resolve(undefined));
    });
    const result = await Promise.race([work.catch(() => undefined), gone]);
    return result !== undefined && this.#clock === clock && isGood(result);
  }

  #apply(applier: Applier, failed: (error: unknown) => void): void {
    try {
      for (let applied = applier.step(); applied !== undefined; applied = applier.step()) {
        if (this.#applier !== applier) return;
        this.#seen(applier, applied);
      }
    } catch (error) {
      if (this.#applier === applier) failed(error);
    }
  }

  /** The twins changed, or were found. */
  #seen(applier: Applier, applied?: Applied): void {
    const [journal, store] = [this.#journal as JournalStore, this.#twins as TwinsStore];
    const { changed = [], cursor = applier.cursor } = applied ?? {};
    this.#options.onApplied({ changed, cursor }, (state) => applier.view(state), {
      store,
      leaf: (position) => journal.leaf(position),
      count: () => this.twinsDisk.look(countTwins) ?? 0,
      isFound: applied === undefined,
    });
  }

  #tell(): void {
    const entries = this.#journal?.read(this.#told, 1_000_000) ?? [];
    this.#told += entries.length;
    if (entries.length > 0) this.#options.onStored(entries);
  }

  #die(): void {
    this.#clock?.die();
    this.#clock = undefined;
    this.#ingest = undefined;
    this.#applier = undefined;
    this.journalDisk.cut();
    this.twinsDisk.cut();
    this.#journal?.close();
    this.#twins?.close();
    this.#journal = undefined;
    this.#twins = undefined;
  }
}

function countTwins(db: Database): number {
  return Number(db.prepare('SELECT count(*) FROM twin').pluck().get());
}
