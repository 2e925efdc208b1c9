/** What the main thread and the journal's thread say to each other. */
import type { ListCheck } from './journal-index.ts';
import type { RareKind } from './journal-reader.ts';
import type { RefusalBounds } from './journal-refusals.ts';
import type { JournalStore } from './journal-store.ts';
import type { Poison } from './poison.ts';
import type { JournalEntry, KeptCheckpoint, NewEntry, WitnessToken } from './store.ts';

/** What a start finds in the journal. */
export interface JournalStart {
  readonly size: number;
  /**
   * Organisations, and the newest of each status list, in order. Enrolments are looked up one by
   * one when their device speaks (`OpenJournal.enrolments`).
   */
  readonly trust: readonly JournalEntry[];
  /** When status lists were last said to be found at their address. */
  readonly checks: readonly ListCheck[];
  /** The last entries of kinds that a start continues from. */
  readonly last: readonly JournalEntry[];
  /** Messages that no worker could judge. */
  readonly poisons: readonly Poison[];
  /** The newest checkpoint that was signed, and what gateways said of theirs. */
  readonly checkpoint?: KeptCheckpoint;
  readonly statements: readonly WitnessToken[];
  /** Stored nodes of its tree were not right, and were made anew from its entries. */
  readonly isMended: boolean;
  /** Where the journal lies as it was before its schema was brought up to date just now. */
  readonly copy?: string;
}

/** What the worker is started with. */
export interface JournalSettings {
  readonly file: string;
  readonly refusals?: RefusalBounds | undefined;
}

/** To the worker; requests are answered in order. */
export type JournalRequest =
  | { readonly type: 'start' | 'size' | 'head' | 'mend' | 'close' }
  | { readonly type: 'rootOf'; readonly size: number }
  | { readonly type: 'prove'; readonly from: number; readonly size: number }
  | {
      readonly type: 'keep';
      readonly checkpoint: KeptCheckpoint | undefined;
      readonly statements: readonly WitnessToken[];
    }
  | { readonly type: 'append'; readonly entries: readonly NewEntry[] }
  | { readonly type: 'read'; readonly from: number; readonly count: number };

export type JournalAnswer =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly code?: string;
      readonly message: string;
      readonly cause?: string;
    };

/** Kinds of which the last entry is needed at the start. */
const LAST: readonly RareKind[] = ['rules', 'tick'];

/** What a stored journal says before anything is appended. */
export function startOf(store: JournalStore): JournalStart {
  const last = LAST.map((kind) => store.last(kind)).filter((entry) => entry !== undefined);
  const trust = [...store.readKinds(['organisation']), ...store.statusLists()];
  trust.sort((a, b) => a.position - b.position);
  const checkpoint = store.checkpoint();
  return {
    size: store.size(),
    trust,
    checks: store.listChecks(),
    last,
    poisons: store.poisons(),
    ...(checkpoint && { checkpoint }),
    statements: store.statements(),
    isMended: store.isMended,
  };
}
