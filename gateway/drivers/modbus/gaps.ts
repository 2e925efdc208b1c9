/**
 * What must outlive a stop of the gateway: gaps whose records are not all signed yet, and since
 * when nothing came from a device that is silent. A small file a device, in the data directory.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../../devices/errors.ts';
import { writeFileDurably } from '../../../devices/io/write-file.ts';
import { limits } from '../../../devices/limits.ts';
import { compileChecker, type Static, Type } from '../../../devices/schema.ts';
import type { DriverContext } from '../../driver.ts';
import type { Totals } from './balance.ts';

/** A time in which nothing was read, with the totals on both of its sides. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly before: Totals;
  readonly after: Totals;
}

/** When something came last, by the wall clock, and the totals as they were then. */
export interface LastHeard {
  readonly atMs: number;
  readonly totals: Totals;
}

/** What a file holds. */
export interface KeptGaps {
  readonly last?: LastHeard;
  readonly gaps: readonly Gap[];
}

export interface GapsFile {
  /** What the run before left; nothing where there is no file, or one that cannot be used. */
  readonly left: KeptGaps;
  /** Replaces the file. A disk that does not take it is said once: reading goes on. */
  keep(kept: KeptGaps): void;
}

const VERSION = 1;
const totalsSchema = Type.Record(Type.String(), Type.Number());
const fileSchema = Type.Object({
  version: Type.Literal(VERSION),
  last: Type.Optional(Type.Object({ atMs: Type.Number(), totals: totalsSchema })),
  gaps: Type.Array(
    Type.Object({
      fromMs: Type.Number(),
      toMs: Type.Number(),
      before: totalsSchema,
      after: totalsSchema,
    }),
    { maxItems: limits.archiveTasksMax },
  ),
});
const isFile = compileChecker(fileSchema);

export function openGapsFile({ dataDirectory, device, log }: DriverContext): GapsFile {
  const folder = join(dataDirectory, 'archives');
  const file = join(folder, `${device}.json`);
  let hasComplained = false;
  return {
    left: readGaps(file),
    keep(kept) {
      try {
        // The data directory itself is not ours to make: the outbox stands in it.
        mkdirSync(folder, { mode: 0o700 });
      } catch {
        // It is there already, or what is below says why it cannot be.
      }
      try {
        writeFileDurably(file, JSON.stringify(toFile(kept)), 0o600);
      } catch (error) {
        if (!hasComplained) {
          const meaning = 'gaps that are open when the gateway stops will not be filled';
          log.warn(`${file} cannot be written: ${meaning}`, { device, error: explain(error) });
        }
        hasComplained = true;
      }
    },
  };
}

function readGaps(file: string): KeptGaps {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return { gaps: [] }; // A device that never had a gap has no file.
  }
  const found = parse(text);
  // It was written whole or not at all; what is not ours is written anew.
  if (!isFile(found)) return { gaps: [] };
  const gaps = found.gaps.map(({ after, before, ...times }) => ({
    ...times,
    before: toTotals(before),
    after: toTotals(after),
  }));
  if (found.last === undefined) return { gaps };
  const { atMs, totals } = found.last;
  return { last: { atMs, totals: toTotals(totals) }, gaps };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toFile({ gaps, last }: KeptGaps): Static<typeof fileSchema> {
  return {
    version: VERSION,
    ...(last && { last: { atMs: last.atMs, totals: Object.fromEntries(last.totals) } }),
    gaps: gaps.slice(-limits.archiveTasksMax).map(({ after, before, fromMs, toMs }) => ({
      fromMs,
      toMs,
      before: Object.fromEntries(before),
      after: Object.fromEntries(after),
    })),
  };
}

function toTotals(totals: Readonly<Record<string, number>>): Totals {
  return new Map(Object.entries(totals));
}
