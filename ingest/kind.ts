/**
 * The contract of a twin kind: what a commodity calls itself, what it shows first, what it keeps
 * besides its newest values, and what follows from them. Everything here is pure: the fold calls
 * it while it applies an entry, the view whenever somebody looks.
 */
import type { RouteTable } from './fold-routes.ts';
import type { MinuteState, TwinState } from './fold-state.ts';
import type { Alias, Place, Statement, TwinKind } from './twin.ts';

/** How one attribute is shown. */
export interface AttributeDefinition {
  /** What a person calls it, e.g. `Net standard volume`. */
  readonly title: string;
  /** Belongs to the few values that a list shows. */
  readonly headline?: true;
}

/** One sensor element as a kind sees it: all values of one sample time about one thing. */
export interface ObservedElement {
  /** Corrected and never later than receipt, milliseconds since 1970. */
  readonly observedMs: number;
  /** The number that the element gives for a point; absent when bad or not a number. */
  number(point: string): number | undefined;
  /** The truth value that the element gives for a point; absent when bad or not one. */
  flag(point: string): boolean | undefined;
}

/**
 * Where a kind keeps what it derives from elements. Each method is commutative and idempotent,
 * so that the order of arrival does not matter.
 */
export interface ElementKeeper {
  /** Keeps the value of the newest element of each device. */
  newest(path: string, value: number | readonly number[]): void;
  /** Keeps the value of the oldest element of each device. */
  oldest(path: string, value: number | readonly number[]): void;
  /** Notes what held at the element's minute; see `MinuteState`. */
  minute(path: string, state: MinuteState): void;
}

export interface KindContext {
  /** The routes in force. */
  readonly routes: RouteTable;
  /** Id of the twin of `uri` under the same tenant. */
  twinOf(kind: TwinKind, uri: string): string;
}

/** What follows from a twin's state; an absent member means: not known. */
export interface Derived {
  readonly place?: Place;
  readonly relations?: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, Statement>>;
  readonly label?: string;
  /** The business identifier, where the URI does not tell it. */
  readonly alias?: Alias;
}

/** A twin kind; one file below kinds/ and one line in kinds/registry.ts. */
export interface Kind {
  readonly name: TwinKind;
  readonly summary: string;
  /**
   * Whether it is goods: an enrolment's scope says who owns and answers for the goods that a
   * device reports on, never for the device or the facility.
   */
  readonly isGoods: boolean;
  /** The business identifier in a URI, or `undefined` when the URI is not of this kind. */
  identify(uri: string): Alias | undefined;
  /** What an officer calls it. */
  label(alias: Alias): string;
  /** Known attributes in the order in which they are shown; others follow by name. */
  readonly attributes: Readonly<Record<string, AttributeDefinition>>;
  /** Called once for each element about a twin of this kind, in any order. */
  observe?(element: ObservedElement, keep: ElementKeeper): void;
  /** Called when the twin is looked at. */
  derive(state: TwinState, context: KindContext): Derived;
}
