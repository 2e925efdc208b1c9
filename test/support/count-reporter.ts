/**
 * A vitest reporter that writes how many tests passed, failed and were skipped into the file
 * named by `BONDLINE_TEST_COUNTS`, and names the skipped ones. scripts/test.mjs adds its own
 * steps and prints the closing line.
 */
import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/** What scripts/test.mjs reads. */
export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Counts a run. A file or suite that breaks outside of its tests counts as one failure more. */
export function countTests(
  modules: readonly TestModule[],
  unhandled: readonly SerializedError[],
): TestCounts & { readonly skippedNames: readonly string[] } {
  const counts: TestCounts = { passed: 0, failed: unhandled.length, skipped: 0 };
  const skippedNames: string[] = [];
  for (const module of modules) {
    counts.failed += module.errors().length;
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed += 1;
      // A test that is still pending at the end never gave a result: that is no success.
      else if (state === 'failed' || state === 'pending') counts.failed += 1;
      else {
        counts.skipped += 1;
        skippedNames.push(`${module.relativeModuleId}: ${test.fullName}`);
      }
    }
  }
  return { ...counts, skippedNames };
}

// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export.
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const { skippedNames, ...counts } = countTests(modules, unhandled);
    for (const name of skippedNames) process.stderr.write(`skipped ${name}\n`);
    const file = process.env['BONDLINE_TEST_COUNTS'];
    if (file) writeFileSync(file, JSON.stringify(counts));
  }
}
