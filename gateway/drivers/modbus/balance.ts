/**
 * Whether the records of a gap agree with the totals on both of its sides: what the periods inside
 * it sum up to cannot be more than the totals grew by, and all periods that touch it not less.
 */
import type { ArchiveDefinition } from '../../../devices/profile.ts';
import { type ArchiveRecord, columnOf } from './archive.ts';

/** Totals by point, as they were read at one time. */
export type Totals = ReadonlyMap<string, number>;

export interface Balance {
  /** Takes the next record; the totals that it, with those before it, disagrees with. */
  judge(record: ArchiveRecord): ReadonlySet<string>;
}

/** A total that counts whole units hides up to one on each side. */
const WHOLE_UNITS = 2;
/** A 32-bit float has 24 bits; a sum of a few hundred loses no more than this. */
const RELATIVE = 2 ** -21;

interface Sums {
  inside: number;
  touching: number;
  fromMs: number;
  toMs: number;
}

export function balanceOf(
  archive: ArchiveDefinition,
  gap: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly before: Totals;
    readonly after: Totals;
  },
): Balance {
  const sums = new Map<string, Sums>();
  return {
    judge(record) {
      const disagreeing = new Set<string>();
      for (const { column, increaseOf } of Object.values(archive.points)) {
        if (increaseOf === undefined) continue;
        const grown = growth(gap, increaseOf);
        const words = columnOf(record, column);
        if (grown === undefined || words === '') continue;
        const sum = add(sums.get(increaseOf), record, Buffer.from(words, 'hex').readFloatBE(), gap);
        sums.set(increaseOf, sum);
        if (!agrees(sum, grown, gap)) disagreeing.add(increaseOf);
      }
      return disagreeing;
    },
  };
}

function growth(
  { after, before }: { readonly before: Totals; readonly after: Totals },
  total: string,
): number | undefined {
  const from = before.get(total);
  const to = after.get(total);
  return from === undefined || to === undefined ? undefined : to - from;
}

function add(
  sum: Sums | undefined,
  record: ArchiveRecord,
  value: number,
  gap: { readonly fromMs: number; readonly toMs: number },
): Sums {
  const before = sum ?? { inside: 0, touching: 0, fromMs: record.fromMs, toMs: record.toMs };
  const isInside = record.fromMs >= gap.fromMs && record.toMs <= gap.toMs;
  return {
    inside: before.inside + (isInside ? value : 0),
    touching: before.touching + value,
    fromMs: Math.min(before.fromMs, record.fromMs),
    toMs: Math.max(before.toMs, record.toMs),
  };
}

function agrees(
  sum: Sums,
  grown: number,
  gap: { readonly fromMs: number; readonly toMs: number },
): boolean {
  const slack = WHOLE_UNITS + RELATIVE * Math.abs(sum.touching);
  if (sum.inside > grown + slack) return false;
  // Only when the records cover the whole gap can they be too little.
  const isWhole = sum.fromMs <= gap.fromMs && sum.toMs >= gap.toMs;
  return !isWhole || sum.touching >= grown - slack;
}
