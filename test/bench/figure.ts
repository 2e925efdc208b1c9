/** What a measurement says, and how it is printed. */

/** One figure of a run. A bound is the same work done by bare parts, measured in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the machine could do at most, or what was asked for, in the same unit. */
  readonly bound: number;
  /** value / bound. */
  readonly ratio: number;
}

/** A figure against its bound. */
export function figure(name: string, value: number, unit: string, bound: number): Figure {
  return {
    name,
    value: round(value),
    unit,
    bound: round(bound),
    ratio: Math.round((value / bound) * 1000) / 1000,
  };
}

/** A table for people. */
export function formatFigures(figures: readonly Figure[]): string {
  const rows = [
    ['figure', 'value', 'unit', 'bound', 'ratio'],
    ...figures.map((f) => [f.name, String(f.value), f.unit, String(f.bound), f.ratio.toFixed(3)]),
  ];
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          i === 0 || i === 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Middle value; the machines are noisy, so no figure rests on one round. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Value below which the share `p` of the values lies. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 1000) / 1000;
}
