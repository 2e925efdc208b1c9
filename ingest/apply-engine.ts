/**
 * Applies the journal to the twins, a bounded group of entries in each transaction. Synchronous,
 * so that a worker thread, a simulation and a rebuild run the same code.
 */
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import { nextDeadline } from './alert.ts';
import { Fold, type FoldPlugins } from './fold.ts';
import { encodeState } from './fold-codec.ts';
import { noRoutes, type RouteTable, readRoutes } from './fold-routes.ts';
import type { TwinState } from './fold-state.ts';
import { isStoreFailure } from './poison.ts';
import type { JournalEntry } from './store.ts';
import type { Twin } from './twin.ts';
import { viewOf } from './twin-view.ts';
import type { TwinsMeta, TwinsStore, Unapplied } from './twins-store.ts';

/** What the applier reads; a `JournalReader` is one. */
export interface EntryReader {
  read(from: number, count: number, bytesMax?: number): readonly JournalEntry[];
  /** Lower-case hex of the leaf at `position`, or `undefined` when there is none. */
  leaf(position: number): string | undefined;
}

/** A batch that was applied, for measuring how long its readings took to be seen. */
export interface AppliedBatch {
  readonly gateway: string;
  readonly receivedMs: number;
  /** Observed time of each sensor element. */
  readonly observed: readonly number[];
}

/** What one transaction did. */
export interface Applied {
  /** Entries applied, and the next position. */
  readonly count: number;
  readonly cursor: number;
  readonly changed: readonly TwinState[];
  readonly batches: readonly AppliedBatch[];
  /** The entry, if the only one, that the fold could not take. */
  readonly unapplied?: Unapplied;
}

export interface ApplierOptions {
  readonly journal: EntryReader;
  readonly store: TwinsStore;
  readonly plugins: FoldPlugins;
  /** Entries that ended or held up a thread that folded them: they are not folded again. */
  readonly held?: readonly Unapplied[];
  /** Told before each entry at which position it is, and at -1 when a group is done. */
  readonly at?: (position: number) => void;
}

/** Bytes of entries that one transaction folds. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

export class Applier {
  private readonly journal: EntryReader;
  private readonly store: TwinsStore;
  private readonly plugins: FoldPlugins;
  private fold: Fold;
  private meta: TwinsMeta;
  private table: RouteTable;
  /** Entries that were read and stand behind a tick, so that a rebuild reads none of them twice. */
  private ahead: readonly JournalEntry[] = [];

  private readonly held: ReadonlyMap<number, Unapplied>;
  private readonly at: (position: number) => void;
  /** One entry at a time before this position: one of them could not be folded with the others. */
  private carefulEnd = 0;

  /** @throws EdgeError IN_JOURNAL_OTHER where the twins are not of this journal */
  constructor(options: ApplierOptions) {
    this.held = new Map((options.held ?? []).map((one) => [one.position, one]));
    this.at = options.at ?? (() => {});
    if (options.held?.length) this.carefulEnd = Math.max(...this.held.keys()) + 1;
    this.journal = options.journal;
    this.store = options.store;
    this.plugins = options.plugins;
    this.meta = options.store.meta();
    const { cursor, leaf } = this.meta;
    if (cursor > 0 && this.journal.leaf(cursor - 1) !== leaf) {
      throw new EdgeError('IN_JOURNAL_OTHER', `looking for entry ${cursor - 1} of the twins`);
    }
    this.table = this.meta.routes === '' ? noRoutes : readRoutes(this.meta.routes);
    this.fold = this.freshFold();
  }

  /** Next journal position to be applied. */
  get cursor(): number {
    return this.meta.cursor;
  }

  /**
   * Applies the next group, not beyond position `end`; `undefined` when there is nothing to do.
   * An entry that the fold throws at is noted and has no effect. When this throws, a database
   * failed: nothing was stored and the same group comes again.
   */
  step(end: number = Number.POSITIVE_INFINITY): Applied | undefined {
    const most = this.meta.cursor < this.carefulEnd ? 1 : limits.applyGroupMax;
    const room = Math.min(most, end - this.meta.cursor);
    if (room <= 0) return undefined;
    const { ahead, journal } = this;
    const read = ahead.length > 0 ? ahead : journal.read(this.meta.cursor, room, GROUP_BYTES_MAX);
    const entries = untilTick(read.slice(0, room));
    if (entries.length === 0) return undefined;
    try {
      const applied = this.commit(entries);
      this.ahead = read.slice(entries.length);
      return applied;
    } catch (error) {
      // States in memory may be ahead of the store now; they are read again.
      this.ahead = [];
      this.meta = this.store.meta();
      this.fold = this.freshFold();
      if (isStoreFailure(error)) throw error;
      if (entries.length > 1) {
        this.carefulEnd = this.meta.cursor + entries.length;
        return this.step(end);
      }
      const reason = String(error).slice(0, limits.poisonReasonMax);
      return this.pass({ position: this.meta.cursor, how: 'threw', reason });
    } finally {
      this.at(-1);
    }
  }

  /** Applies all that the journal has, up to position `end`. */
  drain(end?: number): void {
    while (this.step(end) !== undefined);
  }

  /** The twin that people see. */
  view(state: TwinState): Twin {
    const { plugins, table: routes, fold } = this;
    return viewOf(state, { plugins, routes, nowMs: fold.nowMs });
  }

  private commit(entries: readonly JournalEntry[]): Applied {
    const [first] = entries;
    const held = first && this.held.get(first.position);
    if (held !== undefined) return this.pass(held);
    const batches: AppliedBatch[] = [];
    for (const entry of entries) {
      this.at(entry.position);
      const { gateway, observed } = this.fold.apply(entry);
      const { receivedMs } = entry.header;
      if (gateway !== undefined) batches.push({ gateway, receivedMs, observed });
    }
    const changed = this.fold.takeChanged();
    const routes = this.fold.takeRoutes();
    const meta = {
      cursor: this.meta.cursor + entries.length,
      nowMs: this.fold.nowMs,
      routes: routes ?? this.meta.routes,
      leaf: this.journal.leaf(this.meta.cursor + entries.length - 1) ?? '',
    };
    // Routes that cannot be read must not be stored.
    const table = routes === undefined ? this.table : readRoutes(routes);
    this.store.commit({
      meta,
      rows: changed.map((state) => ({
        id: state.id,
        kind: state.kind,
        position: state.position,
        dueMs: nextDeadline(state, this.plugins, meta.nowMs) ?? null,
        state: encodeState(state),
      })),
    });
    this.meta = meta;
    this.table = table;
    return { count: entries.length, cursor: meta.cursor, changed, batches };
  }

  /** Goes on behind an entry that the fold cannot take: the same in every fold of this journal. */
  private pass(unapplied: Unapplied): Applied {
    const { position } = unapplied;
    const meta = { ...this.meta, cursor: position + 1, leaf: this.journal.leaf(position) ?? '' };
    this.store.commit({ meta, rows: [], unapplied });
    this.meta = meta;
    return { count: 1, cursor: meta.cursor, changed: [], batches: [], unapplied };
  }

  private freshFold(): Fold {
    const { plugins, store, meta } = this;
    const entryAt = (position: number) => this.journal.read(position, 1)[0];
    return new Fold({ plugins, source: store, entryAt, nowMs: meta.nowMs });
  }
}

/** A tick looks into the store for deadlines, so all before it must be there: it opens a group. */
function untilTick(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const tick = entries.findIndex(({ header }, index) => index > 0 && header.kind === 'tick');
  return tick < 0 ? entries : entries.slice(0, tick);
}
