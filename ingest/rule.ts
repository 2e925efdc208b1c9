/**
 * The contract of an alert rule. An alert is a pure function of a twin's state and of the last
 * clock tick in the journal: it opens when its condition becomes true and closes when it becomes
 * false, whatever the order in which the entries came.
 */
import type { TwinState } from './fold-state.ts';
import type { Alert, TwinKind } from './twin.ts';

/** What a rule found; the fold adds the rule's name, code and version. */
export type Finding = Omit<Alert, 'code' | 'rule' | 'version'>;

/** A rule; one file below rules/ and one line in rules/registry.ts. */
export interface Rule {
  /** Kebab-case, equal to the file's name. */
  readonly name: string;
  /** Stable code that people and scripts see. */
  readonly code: string;
  /** Counts up whenever the same journal would give other alerts. */
  readonly version: number;
  readonly summary: string;
  readonly kinds: readonly TwinKind[];
  /** The open alert, or `undefined`. `nowMs` is the time of the last tick. */
  evaluate(state: TwinState, nowMs: number): Finding | undefined;
  /**
   * Instants at which the answer changes by the passing of time alone; the fold looks again at
   * the first tick after each. Absent where only entries matter.
   */
  deadlines?(state: TwinState): readonly number[];
}

/** Positions that an alert names as its evidence. */
export const evidenceMax = 16;
