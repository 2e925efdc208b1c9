/**
 * The contract of a fault: something that goes wrong for real, many times, while everything that a
 * promise says is counted. One file below kinds/ and one line in registry.ts.
 */

import type { PromiseKey } from './promises.ts';

/** What one shard saw. A promise that held leaves `lost`, `doubled` and `wrong` at zero. */
export interface Tally {
  /** How often the fault struck. */
  readonly count: number;
  /** Readings or batches that were signed and durable, and are nowhere. */
  readonly lost: number;
  /** What took effect twice. */
  readonly doubled: number;
  /** Anything else that a promise forbids: each is a sentence in `notes`. */
  readonly wrong: number;
  /** What a person should know of it; the first few are shown. */
  readonly notes?: readonly string[];
  /** Measured figures, such as a p99 in milliseconds or bytes of memory. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface Shard {
  /** Everything random comes from it. */
  readonly seed: number;
  /** How often the fault shall strike. */
  readonly count: number;
  /** An empty folder of this shard's own, which the runner removes. */
  readonly directory: string;
  /** One line of progress for a person. */
  readonly say: (line: string) => void;
}

export interface Fault {
  /** As `--only` takes it: lower case, words joined by hyphens. */
  readonly name: string;
  /** One line: what goes wrong. */
  readonly summary: string;
  /** What `count` counts, in the plural: `kills`. */
  readonly unit: string;
  /** How often it strikes in the short form, in the long form, and in one shard of that. */
  readonly counts: { readonly short: number; readonly long: number; readonly shard: number };
  /** It measures time, or takes both cores: nothing else runs beside it; `long`: in that form. */
  readonly alone?: boolean | 'long';
  /** Takes a mechanism out and must lose: `lost`, `doubled` or `wrong` are then above zero. */
  readonly control?: boolean;
  /** Why it cannot strike on this machine, and so counts as not run; `undefined` where it can. */
  obstacle?(): string | undefined;
  /** Strikes. A rejection counts as one more `wrong`. */
  run(shard: Shard): Promise<Tally>;
}

/** A mechanism taken out of the shipped code, while it is loaded, that the suite must miss. */
export interface Plant {
  readonly name: string;
  /** The promise that it breaks. */
  readonly promise: PromiseKey;
  /** One line: what the code does wrong with it. */
  readonly summary: string;
  /** Replacements in modules; each text must stand exactly once in the module, in .ts and .js. */
  readonly changes: readonly PlantChange[];
  /**
   * The shard that must see it, and a part of what it must say where it measures times too, which a
   * busy machine alone can make wrong.
   */
  readonly by: {
    readonly fault: string;
    readonly count: number;
    readonly seed: number;
    readonly says?: string;
  };
  /** It shows only where the fault has the machine to itself. */
  readonly alone?: boolean;
}

export interface PlantChange {
  /** Path from the project's root without its ending: `gateway/outbox-store`. */
  readonly module: string;
  readonly find: string;
  readonly replace: string;
}

export const nothingWrong: Tally = { count: 0, lost: 0, doubled: 0, wrong: 0 };

/** Sums of two; figures keep the larger. */
export function addTallies(a: Tally, b: Tally): Tally {
  const figures = { ...a.figures };
  for (const [name, value] of Object.entries(b.figures ?? {})) {
    figures[name] = Math.max(value, figures[name] ?? value);
  }
  const notes = [...(a.notes ?? []), ...(b.notes ?? [])].slice(0, 20);
  return {
    count: a.count + b.count,
    lost: a.lost + b.lost,
    doubled: a.doubled + b.doubled,
    wrong: a.wrong + b.wrong,
    ...(notes.length > 0 && { notes }),
    ...(Object.keys(figures).length > 0 && { figures }),
  };
}

/** Whether it says that a promise was broken. */
export function isBroken({ lost, doubled, wrong }: Tally): boolean {
  return lost + doubled + wrong > 0;
}
