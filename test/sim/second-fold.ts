/**
 * The twins as they must be after each entry of the journal: the fold once more, one entry at a
 * time, over twins that are never cut, put back or started anew, in a store with no SQL in it.
 */
import { hash } from 'node:crypto';
import { Applier } from '../../ingest/apply-engine.ts';
import { foldPlugins } from '../../ingest/apply-plugins.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import type { TwinRow, TwinsMeta, TwinsStore, Unapplied } from '../../ingest/twins-store.ts';

/** What holds after so many entries. */
export interface Moment {
  readonly nowMs: number;
  readonly routes: string;
  /** How many twins there are. */
  readonly twins: number;
  /** Ids of twins that the last of these entries touched. */
  readonly touched: readonly string[];
}

/** A twin from that moment on. */
interface Version {
  readonly cursor: number;
  readonly digest: string;
}

export class SecondFold {
  /** By position: entries that are still to be folded, and those that an act may accept. */
  readonly #entries = new Map<number, JournalEntry>();
  readonly #rows = new Map<string, TwinRow>();
  /** By id, ascending: twins that are put back are compared with what they were then. */
  readonly #versions = new Map<string, Version[]>();
  /** By number of entries. */
  readonly #moments: Moment[] = [{ nowMs: 0, routes: '', twins: 0, touched: [] }];
  readonly #unapplied: Unapplied[] = [];
  #meta: TwinsMeta = { cursor: 0, nowMs: 0, routes: '', leaf: '' };
  #held: readonly Unapplied[] = [];
  #applier = this.#start();

  /** Entries that are on the ingester's disk. */
  stored(entries: readonly JournalEntry[]): void {
    for (const entry of entries) this.#entries.set(entry.position, entry);
  }

  /**
   * Goes on to `cursor`, unless it was there before; `undefined` when there are not so many
   * entries. `held` ended the thread of the other fold: nothing shows that by itself.
   */
  reach(cursor: number, held: readonly Unapplied[]): Moment | undefined {
    if (held.length > this.#held.length) {
      this.#held = held;
      this.#applier = this.#start();
    }
    while (this.#meta.cursor < cursor) {
      const { position, header } = this.#entries.get(this.#meta.cursor) ?? {};
      if (this.#applier.step(this.#meta.cursor + 1) === undefined) return undefined;
      if (position !== undefined && header?.kind !== 'doubtful') this.#entries.delete(position);
    }
    return this.#moments[cursor];
  }

  /** Ids of twins that the entries from `from` to before `to` touched. */
  touched(from: number, to: number): string[] {
    return this.#moments.slice(from + 1, to + 1).flatMap(({ touched }) => touched);
  }

  /** Whether the twin was so after `cursor` entries. */
  isSame(row: TwinRow, cursor: number): boolean {
    const version = this.#versions.get(row.id)?.findLast((one) => one.cursor <= cursor);
    return version?.digest === digestOf(row);
  }

  /** Positions of entries before `cursor` that have no effect. */
  unapplied(cursor: number): number[] {
    return this.#unapplied.map(({ position }) => position).filter((one) => one < cursor);
  }

  #start(): Applier {
    const read = (from: number, count: number) => {
      const entry = count > 0 ? this.#entries.get(from) : undefined;
      return entry === undefined ? [] : [entry];
    };
    // Whose journal the twins are of is the other fold's to know: here there is only one.
    const journal = { read, leaf: () => '' };
    return new Applier({ journal, store: this.#store(), plugins: foldPlugins, held: this.#held });
  }

  #commit({ meta, rows, unapplied }: Parameters<TwinsStore['commit']>[0]): void {
    const { cursor, nowMs, routes } = meta;
    for (const row of rows) {
      this.#rows.set(row.id, row);
      const versions = this.#versions.get(row.id) ?? [];
      this.#versions.set(row.id, versions);
      versions.push({ cursor, digest: digestOf(row) });
    }
    if (unapplied) this.#unapplied.push(unapplied);
    this.#meta = meta;
    const touched = rows.map(({ id }) => id);
    this.#moments[cursor] = { nowMs, routes, twins: this.#rows.size, touched };
  }

  #store(): TwinsStore {
    const rows = this.#rows;
    const all = () => [...rows.values()];
    return {
      meta: () => this.#meta,
      load: (id) => rows.get(id)?.state,
      row: (id) => rows.get(id),
      due: (nowMs) =>
        all()
          .flatMap(({ id, dueMs }) => (dueMs === null || dueMs > nowMs ? [] : [{ id, dueMs }]))
          .sort((a, b) => a.dueMs - b.dueMs || (a.id < b.id ? -1 : 1))
          .map(({ id }) => id),
      list: ({ from = -1, after = '', count }) =>
        all()
          .filter(({ id, position }) => position >= from && id > after)
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, count),
      commit: (change) => this.#commit(change),
      unapplied: () => this.#unapplied,
      snapshot: (read) => read(),
      close: () => undefined,
    };
  }
}

function digestOf({ dueMs, kind, position, state }: TwinRow): string {
  return hash('sha256', `${kind} ${position} ${dueMs} ${state}`, 'base64');
}
