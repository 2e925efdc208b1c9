/** Runs suites and says how they went: a table for people, one line of JSON for programs. */
import type { Case, Excused, Suite } from './case.ts';
import type { Vectors } from './vectors.ts';

/** One case and what became of it. */
export interface Outcome {
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'notApplicable' | 'open';
  /** Why, for everything but `passed`. */
  readonly reason: string;
}

/** One suite and its cases. */
export interface SuiteOutcome {
  readonly suite: string;
  readonly outcomes: readonly Outcome[];
}

/** Runs every case of a suite; a case that throws has failed, and so has a folder that does. */
export async function runSuite(suite: Suite, vectors: Vectors): Promise<SuiteOutcome> {
  const outcomes: Outcome[] = [];
  try {
    const cases = await suite.cases(vectors.below(suite.folder));
    for (const one of cases) outcomes.push(await run(one));
  } catch (cause) {
    outcomes.push(failed(`the folder ${suite.folder}`, cause));
  }
  return { suite: suite.name, outcomes };
}

function failed(name: string, cause: unknown): Outcome {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return { name, result: 'failed', reason: reason.split('\n')[0] ?? '' };
}

async function run(one: Case | Excused): Promise<Outcome> {
  if ('excuse' in one) return { name: one.name, result: one.excuse, reason: one.reason };
  try {
    await one.run();
    return { name: one.name, result: 'passed', reason: '' };
  } catch (cause) {
    return failed(one.name, cause);
  }
}

/** How many cases of each kind. */
export interface Counts {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
  readonly open: number;
}

export function countsOf({ suite, outcomes }: SuiteOutcome): Counts {
  const count = (result: Outcome['result']): number =>
    outcomes.filter((one) => one.result === result).length;
  return {
    suite,
    passed: count('passed'),
    failed: count('failed'),
    notApplicable: count('notApplicable'),
    open: count('open'),
  };
}

const HEADS = ['suite', 'passed', 'failed', 'not applicable', 'open'] as const;

/** The table, and below it every case that did not pass, with its reason. */
export function formatReport(all: readonly SuiteOutcome[]): string {
  const rows = all.map(countsOf);
  const total = rows.reduce(
    (sum, row) => ({
      suite: 'all',
      passed: sum.passed + row.passed,
      failed: sum.failed + row.failed,
      notApplicable: sum.notApplicable + row.notApplicable,
      open: sum.open + row.open,
    }),
    { suite: 'all', passed: 0, failed: 0, notApplicable: 0, open: 0 },
  );
  const wide = Math.max(...rows.map(({ suite }) => suite.length), HEADS[0].length);
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, index) =>
        index === 0 ? String(cell).padEnd(wide) : String(cell).padStart(HEADS[index]?.length ?? 0),
      )
      .join('  ');
  const rule = '-'.repeat(line(HEADS).length);
  const table = [...rows, total].map((row) => line(Object.values(row) as (string | number)[]));
  const lines = [line(HEADS), rule, ...table.slice(0, -1), rule, table.at(-1) ?? ''];
  return [...lines, ...reasons(all)].join('\n');
}

const TITLES = { failed: 'failed', notApplicable: 'not applicable', open: 'open' } as const;

function reasons(all: readonly SuiteOutcome[]): string[] {
  return (['failed', 'notApplicable', 'open'] as const).flatMap((result) => {
    const found = all.flatMap(({ suite, outcomes }) =>
      outcomes
        .filter((one) => one.result === result)
        .map(({ name, reason }) => `  ${suite}: ${name}: ${reason}`),
    );
    return found.length === 0 ? [] : ['', `${TITLES[result]}:`, ...found];
  });
}
