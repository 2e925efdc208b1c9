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

/** How the last long run of a plant ended. */
export interface LedgerPlant {
  readonly plant: string;
  /** The fault whose shard had to see it, and that shard's seed. */
  readonly by: string;
  readonly seed: number;
  readonly caught: boolean;
  readonly date: string;
}

interface Ledger {
  readonly shards: readonly LedgerShard[];
  readonly planted: readonly LedgerPlant[];
}

/** All that is known of one fault. */
export interface LedgerSum extends Tally {
  readonly fault: string;
  readonly seeds: readonly number[];
  readonly firstDate: string;
  readonly lastDate: string;
}

export const ledgerFile = fileURLToPath(new URL('./counts.json', import.meta.url));

export function readLedger(file = ledgerFile): Ledger {
  const kept: Partial<Ledger> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  return { shards: kept.shards ?? [], planted: kept.planted ?? [] };
}

/** Adds one shard; the file is whole at any moment. */
export function addToLedger(shard: LedgerShard, file = ledgerFile): void {
  const { planted, shards } = readLedger(file);
  writeLedger({ shards: [...shards, shard], planted }, file);
}

/** Keeps how a plant ended, in place of what was known of it. */
export function addPlanted(one: LedgerPlant, file = ledgerFile): void {
  const { planted, shards } = readLedger(file);
  const others = planted.filter(({ plant }) => plant !== one.plant);
  const all = [...others, one].sort((a, b) => (a.plant < b.plant ? -1 : 1));
  writeLedger({ shards, planted: all }, file);
}

function writeLedger({ planted, shards }: Ledger, file: string): void {
  const list = (all: readonly object[]) =>
    all.map((one) => `\n    ${JSON.stringify(one)}`).join(',');
  const text = `{\n  "shards": [${list(shards)}\n  ],\n  "planted": [${list(planted)}\n  ]\n}\n`;
  const next = `${file}.next`;
  writeFileSync(next, text);
  renameSync(next, file);
}

/** The lowest seed from `from` on that none of the shards has. */
export function freeSeed(seeds: readonly number[], from = 1): number {
  let seed = from;
  while (seeds.includes(seed)) seed += 1;
  return seed;
}

/** Numbers as a person writes them: `1 to 4, 6, 9 to 10`. */
export function formatSeeds(seeds: readonly number[]): string {
  const spans: { first: number; last: number }[] = [];
  for (const seed of [...seeds].sort((a, b) => a - b)) {
    const span = spans.at(-1);
    if (span !== undefined && seed <= span.last + 1) span.last = seed;
    else spans.push({ first: seed, last: seed });
  }
  const texts = spans.map(({ first, last }) =>
    first === last ? `${first}` : `${first} to ${last}`,
  );
  return texts.join(', ');
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
