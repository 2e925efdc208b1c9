/**
 * Attacks one parser with inputs from a seed, and judges each: it crashes not, takes no longer than
 * a tenth of a second of this thread, agrees with the second opinion, and keeps no memory.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { bake, type Recipe, recipes } from './mutate.ts';
import type { Outcome, Parser, Prepared } from './parser.ts';

/**
 * CPU time of one input, milliseconds. Time of the thread, so that a loaded machine adds nothing.
 */
const INPUT_MS_MAX = 100;
/**
 * How often an input that took long is tried again; the least counts, without collected garbage.
 */
const TRIES = 3;
/** What may be kept after all inputs beyond what was kept after the first ones, MiB. */
const GROWTH_MIB_MAX = 6;
/** Caches and compiled code are there after so many. */
const WARM_UP = 200;
/** Garbage is collected so often before what is left counts as kept. */
const COLLECTIONS_MAX = 30;
/** A failing input is made smaller in so many steps; a hanging one takes its time at each. */
const SHRINK_STEPS_MAX = 300;
const SHRINK_MS_MAX = 2_000;
/** Characters of an input that are shown; a longer one comes back by its seed. */
const SHOWN_MAX = 2_000;
const MIB = 1024 * 1024;

export interface Attack {
  readonly inputs: number;
  readonly taken: number;
  readonly refused: number;
  /** The longest that an input took, milliseconds of CPU time. */
  readonly worstMs: number;
  readonly grownMiB: number;
  /** What was wrong, with the input as base64; a parser is left alone after its first. */
  readonly failures: readonly string[];
}

/** Attacks `parser` with `count` inputs. */
export async function attack(parser: Parser, count: number, seed: number): Promise<Attack> {
  const prepared = await parser.prepare();
  try {
    return await attackPrepared(parser, prepared, { count, seed });
  } finally {
    await prepared.close?.();
  }
}

async function attackPrepared(
  { cachesMiB = 0, name }: Parser,
  prepared: Prepared,
  { count, seed }: { readonly count: number; readonly seed: number },
): Promise<Attack> {
  const failures = await seedsNotTaken(prepared);
  let [taken, refused, worstMs, inputs, steps] = [0, 0, 0, 0, 0];
  let startBytes = 0;
  let hasFailed = false;
  let failedMs = 0;
  const one = async (recipe: Recipe): Promise<void> => {
    inputs += 1;
    if (inputs === WARM_UP) startBytes = await bytesInUse();
    if (hasFailed) {
      steps += 1;
      if (steps > SHRINK_STEPS_MAX || threadMs() - failedMs > SHRINK_MS_MAX) return;
    }
    const bytes = bake(recipe, prepared.seeds);
    const { ms, outcome, wrong } = await judge(prepared, bytes, INPUT_MS_MAX);
    worstMs = Math.max(worstMs, ms);
    if (outcome?.taken) taken += 1;
    else refused += 1;
    if (wrong === undefined) return;
    if (!hasFailed) failedMs = threadMs();
    hasFailed = true;
    throw new Error(wrong);
  };
  const details = await fc.check(fc.asyncProperty(recipes, one), { numRuns: count, seed });
  if (details.failed) {
    const [recipe] = details.counterexample ?? [];
    const input = Buffer.from(recipe ? bake(recipe, prepared.seeds) : []);
    const { wrong = String(details.errorInstance) } = await judge(prepared, input, INPUT_MS_MAX);
    failures.push(`${wrong}: ${shown(input)}; ${name}, ${seed}`);
  }
  const growthMiBMax = GROWTH_MIB_MAX + cachesMiB;
  const endBytes = inputs > WARM_UP ? await bytesInUse(startBytes + growthMiBMax * MIB) : 0;
  const grownMiB = Math.max(0, (endBytes - startBytes) / MIB);
  if (grownMiB > growthMiBMax) {
    failures.push(`it keeps ${grownMiB.toFixed(1)} MiB of ${inputs} inputs; ${name}, ${seed}`);
  }
  return { inputs: details.numRuns, taken, refused, worstMs, grownMiB, failures };
}

/** What we wrote ourselves must be taken, or nothing that follows says anything. */
async function seedsNotTaken(prepared: Prepared): Promise<string[]> {
  const failures: string[] = [];
  for (const [index, { bytes, isRefused = false, wrap }] of prepared.seeds.entries()) {
    const { outcome, wrong } = await judge(prepared, wrap?.(bytes) ?? bytes, Infinity);
    const code = outcome && !outcome.taken ? `: ${outcome.code}` : '';
    if (wrong !== undefined) failures.push(`a valid input, ${index}: ${wrong}`);
    else if (!outcome?.taken && !isRefused)
      failures.push(`a valid input, ${index}, is not taken${code}`);
  }
  return failures;
}

interface Judged {
  readonly outcome?: Outcome;
  readonly ms: number;
  readonly wrong?: string;
}

async function judge(prepared: Prepared, bytes: Uint8Array, msMax: number): Promise<Judged> {
  let first: Judged = await timed(prepared, bytes);
  for (let more = 1; more < TRIES && first.ms > msMax; more += 1) {
    const { ms } = await timed(prepared, bytes);
    first = { ...first, ms: Math.min(ms, first.ms) };
  }
  const { ms, outcome, wrong } = first;
  if (wrong !== undefined) return first;
  if (ms > msMax) return { ...first, wrong: `it takes ${Math.round(ms)} ms` };
  const doubt = outcome && prepared.doubt?.(bytes, outcome);
  return doubt === undefined ? first : { ...first, wrong: doubt };
}

async function timed({ parse }: Prepared, bytes: Uint8Array): Promise<Judged> {
  // A copy: who keeps or changes what it was given is to change nothing of ours.
  const given = Buffer.from(bytes);
  const before = threadMs();
  try {
    const made = parse(given);
    const outcome = made instanceof Promise ? await made : made;
    return { outcome, ms: threadMs() - before };
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const lines = what
      .split('\n')
      .slice(0, 4)
      .map((line) => line.trim());
    return { ms: threadMs() - before, wrong: `it throws ${lines.join(' ')}` };
  }
}

function threadMs(): number {
  const { system, user } = process.threadCpuUsage();
  return (system + user) / 1_000;
}

let collect: (() => void) | undefined;

/**
 * What is in use once garbage is gone, bytes. What native code held for it goes some turns later,
 * so it is asked again while it is more than `enough`.
 */
async function bytesInUse(enough = Number.POSITIVE_INFINITY): Promise<number> {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  for (let turn = 1; ; turn += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    const { external, heapUsed } = process.memoryUsage();
    const bytes = heapUsed + external;
    if (bytes <= enough || turn === COLLECTIONS_MAX) return bytes;
  }
}

function shown(input: Buffer): string {
  const base64 = input.toString('base64');
  return base64.length <= SHOWN_MAX
    ? base64
    : `${base64.slice(0, SHOWN_MAX)}… (${input.length} bytes)`;
}
