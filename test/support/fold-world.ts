/** Folds entries without a database: states are kept as text, as the store keeps them. */
import { nextDeadline, openAlerts } from '../../ingest/alert.ts';
import { foldPlugins } from '../../ingest/apply-plugins.ts';
import { Fold, type FoldPlugins } from '../../ingest/fold.ts';
import { decodeState, encodeState } from '../../ingest/fold-codec.ts';
import { noRoutes, readRoutes } from '../../ingest/fold-routes.ts';
import type { TwinState } from '../../ingest/fold-state.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import { type Alert, type Twin, type TwinKind, twinId } from '../../ingest/twin.ts';
import { viewOf } from '../../ingest/twin-view.ts';
import { tenant } from './journal-entries.ts';

export class FoldWorld {
  readonly plugins: FoldPlugins;
  private readonly texts = new Map<string, string>();
  private readonly entries = new Map<number, JournalEntry>();
  private fold: Fold;
  private routes = '';

  constructor(plugins: FoldPlugins = foldPlugins) {
    this.plugins = plugins;
    this.fold = this.fresh(0);
  }

  /** Applies entries in the order given, storing after each. */
  apply(entries: readonly JournalEntry[]): this {
    for (const entry of entries) {
      this.entries.set(entry.position, entry);
      this.fold.apply(entry);
      for (const state of this.fold.takeChanged()) this.texts.set(state.id, encodeState(state));
      this.routes = this.fold.takeRoutes() ?? this.routes;
    }
    return this;
  }

  /** Forgets what is in memory, as a restart does. */
  restart(): this {
    this.fold = this.fresh(this.fold.nowMs);
    return this;
  }

  /** All states, by id, as stored. */
  stored(): Record<string, string> {
    return Object.fromEntries([...this.texts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  state(kind: TwinKind, uri: string): TwinState {
    const text = this.texts.get(twinId(tenant, kind, uri));
    if (text === undefined) throw new Error(`there is no ${kind} ${uri}`);
    return decodeState(text);
  }

  has(kind: TwinKind, uri: string): boolean {
    return this.texts.has(twinId(tenant, kind, uri));
  }

  twin(kind: TwinKind, uri: string): Twin {
    const routes = this.routes === '' ? noRoutes : readRoutes(this.routes);
    const { plugins, fold } = this;
    return viewOf(this.state(kind, uri), { plugins, routes, nowMs: fold.nowMs });
  }

  alerts(kind: TwinKind, uri: string): Alert[] {
    return openAlerts(this.state(kind, uri), this.plugins, this.fold.nowMs);
  }

  private fresh(nowMs: number): Fold {
    const due = (now: number) =>
      [...this.texts]
        .filter(([, text]) => {
          const next = nextDeadline(decodeState(text), this.plugins, nowMs);
          return next !== undefined && next <= now;
        })
        .map(([id]) => id)
        .sort();
    const source = { load: (id: string) => this.texts.get(id), due };
    const entryAt = (position: number) => this.entries.get(position);
    return new Fold({ plugins: this.plugins, source, entryAt, nowMs });
  }
}
