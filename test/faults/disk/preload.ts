/** The environment of a process that the preload (shim.c) disturbs, and what it reported. */
import { existsSync, readFileSync } from 'node:fs';

export interface Disturbance {
  /** What is counted: all calls that change files, or only syncs. */
  readonly calls: 'all' | 'sync';
  /** Which of them is struck, from 1; 0 counts only. */
  readonly at: number;
  /** Fails it once or from then on, takes the power and undoes all or a part, or lies once. */
  readonly mode: 'once' | 'ever' | 'cut' | 'torn' | 'lie';
  readonly error?: 'EIO' | 'ENOSPC' | 'EROFS';
  readonly seed?: number;
}

export interface PreloadPlaces {
  readonly library: string;
  /** Only files below it are disturbed. */
  readonly folder: string;
  /** Where the report is written, outside of the folder. */
  readonly report: string;
}

/** As Linux numbers them. */
const ERRNO = { EIO: '5', ENOSPC: '28', EROFS: '30' } as const;

export function preloadVariables(
  { folder, library, report }: PreloadPlaces,
  { at, calls, error = 'EIO', mode, seed = 1 }: Disturbance,
): Record<string, string> {
  return {
    LD_PRELOAD: library,
    BONDLINE_SHIM_FOLDER: folder,
    BONDLINE_SHIM_REPORT: report,
    BONDLINE_SHIM_AT: String(at),
    BONDLINE_SHIM_CALLS: calls,
    BONDLINE_SHIM_MODE: mode,
    BONDLINE_SHIM_ERRNO: ERRNO[error],
    BONDLINE_SHIM_SEED: String(seed),
  };
}

export interface PreloadReport {
  /** The call that was struck; absent where the process ended before it. */
  readonly struck?: { readonly call: string; readonly file: string };
  /** Syncs of the database that failed, or of its WAL, after that: there must be none. */
  readonly syncsAfterFailure: number;
  /** Calls counted until the process ended by itself. */
  readonly calls: number;
}

export function readPreloadReport(file: string): PreloadReport {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = text.split('\n').filter(Boolean);
  const all = lines.map(
    (line) => JSON.parse(line) as { call: string; count: number; file: string },
  );
  const struck = all.find(({ call }) => !['end', 'sync-after-failure'].includes(call));
  return {
    ...(struck && { struck: { call: struck.call, file: struck.file } }),
    syncsAfterFailure: all.filter(
      ({ call, file }) => call === 'sync-after-failure' && isSame(file, struck?.file),
    ).length,
    calls: Math.max(0, ...all.map(({ count }) => count)),
  };
}

/** A database and its WAL are one: what was not synced of one is copied into the other. */
function isSame(one: string, other = ''): boolean {
  return one.replace(/-wal$/, '') === other.replace(/-wal$/, '');
}
