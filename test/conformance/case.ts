/** What the runner is made of: suites of cases, each of which runs through our own code. */
import type { Vectors } from './vectors.ts';

/** One case: it returns when our code does what the suite expects, and throws when not. */
export interface Case {
  readonly name: string;
  run(): void | Promise<void>;
}

/** A case that is not run, with the reason. */
export interface Excused {
  readonly name: string;
  /** `notApplicable`: another technique than ours. `open`: ours, and not there yet. */
  readonly excuse: 'notApplicable' | 'open';
  readonly reason: string;
}

/** One published suite. Its cases come from what lies in the folder, never from a list of names. */
export interface Suite {
  readonly name: string;
  /** Folder below the vectors. */
  readonly folder: string;
  cases(vectors: Vectors): readonly (Case | Excused)[] | Promise<readonly (Case | Excused)[]>;
}

/** Makes a case of a name and what it does. */
export function theCase(name: string, run: () => void | Promise<void>): Case {
  return { name, run };
}

/** Fails a case with a sentence, unless the claim holds. */
export function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

/** Fails a case unless two texts are the same; says where they part. */
export function expectSame(found: string, wanted: string, what: string): void {
  if (found === wanted) return;
  let at = 0;
  while (found[at] === wanted[at]) at += 1;
  const near = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 10), at + 30));
  throw new Error(`${what} differs at ${at}: found ${near(found)}, wanted ${near(wanted)}`);
}
