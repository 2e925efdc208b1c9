/** Promise: at each moment the twins are what a fold of the journal from its first entry gives. */
import type { TwinRow, TwinsStore } from '../../ingest/twins-store.ts';
import { type Moment, SecondFold } from './second-fold.ts';

/** The twins that people see. */
export interface LiveTwins {
  readonly store: Pick<TwinsStore, 'meta' | 'row' | 'list' | 'unapplied'>;
  readonly count: () => number;
  /** Log leaf of their journal at a position. */
  readonly leaf: (position: number) => string | undefined;
  /** Found so at a start, cut or put back for all we know: each of them is compared. */
  readonly isFound: boolean;
}

export interface Compared {
  readonly fold: SecondFold;
  /** Up to where touched twins were compared. */
  cursor: number;
  /** How many were compared so far. */
  twins: number;
}

export function nothingCompared(): Compared {
  return { fold: new SecondFold(), cursor: 0, twins: 0 };
}

/** More than there are. */
const ALL = { count: 1_000_000 };

/** After each transaction of the twins, which says what it `changed`, and after each start. */
export function checkTwins(
  compared: Compared,
  live: LiveTwins,
  changed: readonly { readonly id: string }[],
): string[] {
  const { fold } = compared;
  const { cursor } = live.store.meta();
  const held = live.store.unapplied().filter(({ how }) => how === 'held');
  const moment = fold.reach(cursor, held);
  if (moment === undefined) return [`the twins are at ${cursor}, where the journal is not yet`];
  // Whoever was touched, on either side: a twin that was forgotten is one that differs.
  const ids = [...fold.touched(compared.cursor, cursor), ...changed.map(({ id }) => id)];
  const rows = live.isFound ? live.store.list(ALL) : rowsOf(live, ids);
  const count = live.isFound ? rows.length : live.count();
  compared.cursor = cursor;
  compared.twins += rows.length;
  return [
    ...checkMeta(fold, moment, live),
    ...(count === moment.twins
      ? []
      : [`there are ${count} twins at ${cursor}, not ${moment.twins}`]),
    ...rows
      .filter((row) => !fold.isSame(row, cursor))
      .map(({ id, kind }) => `the twin ${id} (${kind}) is not what ${cursor} entries give`),
  ];
}

/** What holds for all twins. */
function checkMeta(fold: SecondFold, moment: Moment, { leaf, store }: LiveTwins): string[] {
  const { cursor, ...meta } = store.meta();
  const passed = store.unapplied().map(({ position }) => position);
  const expected = cursor === 0 ? '' : leaf(cursor - 1);
  return [
    ...(meta.nowMs === moment.nowMs ? [] : ['the time of the last tick']),
    ...(meta.routes === moment.routes ? [] : ['the routes']),
    ...(meta.leaf === expected ? [] : ['the leaf']),
    ...(passed.join() === fold.unapplied(cursor).join() ? [] : ['what has no effect']),
  ].map((what) => `${what} of the twins at ${cursor} is not what the journal gives`);
}

function rowsOf({ store }: LiveTwins, ids: readonly string[]): TwinRow[] {
  return [...new Set(ids)].flatMap((id) => store.row(id) ?? []);
}
