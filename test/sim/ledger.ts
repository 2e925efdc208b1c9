/**
 * Which seeds were reached, in one file beside this one: with the version of the world, the date
 * and what came of them. docs/guarantees.md is made from it, and the next run goes on behind it.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorldResult } from './run-world.ts';

/** Seeds in a row that were run on one day. */
export interface SimRun {
  readonly version: number;
  readonly hours: number;
  /** `2026-11-22`. */
  readonly date: string;
  readonly from: number;
  readonly to: number;
  /** Seeds of which a promise broke, with the first thing that was said. */
  readonly broken: readonly { readonly seed: number; readonly said: string }[];
  /** Sums over the seeds: steps after which promises were checked, batches, misfortunes. */
  readonly counts: Readonly<Record<string, number>>;
  /** Milliseconds of one core. */
  readonly cpuMs: number;
}

export const simLedgerFile = fileURLToPath(new URL('./counts.json', import.meta.url));

export function readRuns(file = simLedgerFile): SimRun[] {
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as { runs: SimRun[] }).runs;
}

/** How far the seeds from 1 on were reached without a hole. */
export function reachedOf(
  runs: readonly SimRun[],
  kind: Pick<SimRun, 'version' | 'hours'>,
): number {
  let reached = 0;
  for (const { from, hours, to, version } of runs) {
    if (version !== kind.version || hours !== kind.hours) continue;
    if (from <= reached + 1) reached = Math.max(reached, to);
  }
  return reached;
}

/** Adds one seed; the file is whole at any moment. */
export function addSeed(
  given: { readonly version: number; readonly result: WorldResult; readonly cpuMs: number },
  file = simLedgerFile,
): void {
  const { cpuMs, result, version } = given;
  const { broken, counts, hours, seed } = result;
  const date = new Date().toISOString().slice(0, 10);
  const runs = readRuns(file);
  const [said] = broken;
  const one: SimRun = {
    ...{ version, hours, date, from: seed, to: seed, counts, cpuMs },
    broken: said === undefined ? [] : [{ seed, said: said.slice(0, 300) }],
  };
  const before = runs.at(-1);
  if (before !== undefined && isBehind(one, before)) runs[runs.length - 1] = joined(before, one);
  else runs.push(one);
  const lines = runs.map((run) => `    ${JSON.stringify(run)}`).join(',\n');
  writeFileSync(`${file}.next`, `{\n  "runs": [\n${lines}\n  ]\n}\n`);
  renameSync(`${file}.next`, file);
}

function isBehind(one: SimRun, before: SimRun): boolean {
  return (
    one.version === before.version &&
    one.hours === before.hours &&
    one.date === before.date &&
    one.from === before.to + 1
  );
}

function joined(before: SimRun, one: SimRun): SimRun {
  const counts = { ...before.counts };
  for (const [name, count] of Object.entries(one.counts)) {
    counts[name] = (counts[name] ?? 0) + count;
  }
  const broken = [...before.broken, ...one.broken];
  return { ...before, to: one.to, broken, counts, cpuMs: before.cpuMs + one.cpuMs };
}
