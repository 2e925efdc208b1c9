/**
 * What the long form has reached, shard by shard, in one file beside this one. The document
 * docs/guarantees.md is made from it, and a run that was broken off goes on behind it.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addTallies, nothingWrong, type Tally } from './fault.ts';

export interface LedgerShard extends Tally {
  readonly fault: string;
  readonly seed: number;
  /** Day on which it ran, `2026-11-22`. */
  readonly date: string;
}

/** All that is known of one fault. */
export interface LedgerSum extends Tally {
  readonly fault: string;
  readonly seeds: readonly number[];
  readonly firstDate: string;
  readonly lastDate: string;
}

export const ledgerFile = fileURLToPath(new URL('./counts.json', import.meta.url));

export function readLedger(file = ledgerFile): LedgerShard[] {
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as { shards: LedgerShard[] }).shards;
}

/** Adds one shard; the file is whole at any moment. */
export function addToLedger(shard: LedgerShard, file = ledgerFile): void {
  const shards = [...readLedger(file), shard];
  const lines = shards.map((one) => `    ${JSON.stringify(one)}`).join(',\n');
  const next = `${file}.next`;
  writeFileSync(next, `{\n  "shards": [\n${lines}\n  ]\n}\n`);
  renameSync(next, file);
}

/** Sums by fault, in the order in which they first came. */
export function sumLedger(shards: readonly LedgerShard[]): LedgerSum[] {
  const sums = new Map<string, LedgerSum>();
  for (const { date, fault, seed, ...tally } of shards) {
    const known = sums.get(fault);
    const dates = [date, known?.firstDate ?? date, known?.lastDate ?? date].sort();
    sums.set(fault, {
      ...addTallies(known ?? nothingWrong, tally),
      fault,
      seeds: [...(known?.seeds ?? []), seed],
      firstDate: dates[0] ?? date,
      lastDate: dates.at(-1) ?? date,
    });
  }
  return [...sums.values()];
}
