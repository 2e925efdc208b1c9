/**
 * The hourly and daily archive of a meter run as the Enron (Daniel) dialect keeps it: a register
 * that is asked with a record's index, and a record of date, time and 32-bit floats
 * (Rockwell 1758-UM002D pages 324 and 337).
 */
import type { ArchiveDefinition, ArchivePoint, PointDefinition } from './profile.ts';

/** A column of the record; its points are called `hour…` and `day…`. */
export interface EnronColumn extends Omit<PointDefinition, 'modbus' | 'opcua' | 'mqtt'> {
  /** In PascalCase, e.g. `BaseVolume`. */
  readonly name: string;
  /** What it is, without its period: `Mean temperature`. */
  readonly summary: string;
  readonly increaseOf?: string;
}

/** Registers of the archives of meter run 0, and how many records each keeps. */
export interface EnronArchives {
  readonly hourly: { readonly address: number; readonly records: number };
  readonly daily: { readonly address: number; readonly records: number };
  /** In the order of the record, after date and time. */
  readonly columns: readonly EnronColumn[];
}

const HOUR_MS = 3_600_000;

/** A column that sums the period up: from 0 to `most` in the unit, as a live total grows by it. */
export function sumColumn(
  name: string,
  what: Pick<EnronColumn, 'summary' | 'type' | 'unit' | 'increaseOf'>,
  most: number,
): EnronColumn {
  return { name, ...what, quantity: 'total', range: [0, most] };
}

/** A column that says the period's mean, weighted by flow time. */
export function meanColumn(
  name: string,
  what: Pick<EnronColumn, 'summary' | 'type' | 'unit'>,
  range: readonly [number, number],
): EnronColumn {
  return { name, ...what, quantity: 'average', range };
}

/** Both archives, stamped with the end of their period. */
export function enronArchives({
  columns,
  daily,
  hourly,
}: EnronArchives): Readonly<Record<string, ArchiveDefinition>> {
  return {
    hourly: {
      summary: 'Sums and means of each hour.',
      ...hourly,
      periodMs: HOUR_MS,
      stamp: 'end',
      points: pointsOf('hour', hourly.address, columns),
    },
    daily: {
      summary: 'Sums and means of each day.',
      ...daily,
      periodMs: 24 * HOUR_MS,
      stamp: 'end',
      points: pointsOf('day', daily.address, columns),
    },
  };
}

function pointsOf(
  period: 'hour' | 'day',
  address: number,
  columns: readonly EnronColumn[],
): Readonly<Record<string, ArchivePoint>> {
  const points = columns.map(({ name, summary, ...rest }, column): [string, ArchivePoint] => [
    `${period}${name}`,
    {
      ...rest,
      summary: `${summary} of the ${period}.`,
      column,
      modbus: {
        table: 'holding',
        address,
        width: 'enron',
        encoding: { type: 'float32', order: 'ABCD' },
      },
    },
  ]);
  return Object.fromEntries(points);
}
