/** What a scenario says of itself: the live table, and the object that `--json` ends with. */

/** Readings by what became of them. */
export interface Counts {
  sampled: number;
  signed: number;
  delivered: number;
  verified: number;
  held: number;
  refused: number;
  lost: number;
}

export interface TwinSummary {
  readonly id: string;
  readonly kind: string;
  readonly what: string;
  readonly who: Readonly<Record<string, string>>;
  readonly where: string;
}

export interface AlertSummary {
  readonly code: string;
  readonly twin: string;
  readonly since: string;
}

/** The object that `npm start -- --for N --json` ends with. */
export interface Summary {
  readonly sites: Readonly<Record<string, Counts>>;
  readonly total: Counts;
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null };
  readonly twins: readonly TwinSummary[];
  readonly alerts: readonly AlertSummary[];
}

const NOTHING: Counts = {
  sampled: 0,
  signed: 0,
  delivered: 0,
  verified: 0,
  held: 0,
  refused: 0,
  lost: 0,
};

export function sumCounts(all: readonly Counts[]): Counts {
  const total = { ...NOTHING };
  for (const counts of all) {
    for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += counts[key];
  }
  return total;
}

/** A line of the live table. */
export interface SiteRow {
  readonly site: string;
  readonly signed: number;
  readonly waiting: number;
  readonly delivered: number;
  readonly refused: number;
  /** Age of the newest signed reading, milliseconds; absent before the first. */
  readonly newestAgeMs?: number;
  /** What to look at, e.g. a device that does not answer. */
  readonly remark: string;
}

const COLUMNS = ['site', 'signed', 'waiting', 'delivered', 'refused', 'newest', ''];

/** The live table as lines of equal width; numbers are right-aligned. */
export function formatTable(rows: readonly SiteRow[]): string[] {
  const cells = [
    COLUMNS,
    ...rows.map((row) => [
      row.site,
      String(row.signed),
      String(row.waiting),
      String(row.delivered),
      String(row.refused),
      row.newestAgeMs === undefined ? '-' : `${(row.newestAgeMs / 1000).toFixed(1)} s ago`,
      row.remark,
    ]),
  ];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...cells.map((line) => (line[column] ?? '').length)),
  );
  return cells.map((line) =>
    line
      .map((cell, column) =>
        column === 0 || column === 6
          ? cell.padEnd(widths[column] ?? 0)
          : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
