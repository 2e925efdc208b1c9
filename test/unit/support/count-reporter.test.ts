import { describe, expect, it } from 'vitest';
import type { TestModule } from 'vitest/node';
import { countTests } from '../../support/count-reporter.ts';

/** The part of a vitest module that is counted. */
function moduleOf(states: readonly string[], broken: { file?: number; suite?: number } = {}) {
  const errors = (count = 0) => Array.from({ length: count }, () => ({ message: 'broken' }));
  return {
    relativeModuleId: 'test/a.test.ts',
    errors: () => errors(broken.file),
    children: {
      allSuites: () => [{ errors: () => errors(broken.suite) }],
      allTests: () =>
        states.map((state, index) => ({ fullName: `t${index}`, result: () => ({ state }) })),
    },
  } as unknown as TestModule;
}

describe('the counts of a run', () => {
  it('are passed, failed and skipped tests, with the names of the skipped', () => {
    const counts = countTests(
      [moduleOf(['passed', 'failed', 'skipped']), moduleOf(['passed'])],
      [],
    );
    expect(counts).toEqual({
      passed: 2,
      failed: 1,
      skipped: 1,
      skippedNames: ['test/a.test.ts: t2'],
    });
  });

  it('hold a broken file, a broken suite and an error outside of tests as failures', () => {
    expect(countTests([moduleOf([], { file: 1 })], []).failed).toBe(1);
    expect(countTests([moduleOf(['passed'], { suite: 1 })], []).failed).toBe(1);
    expect(countTests([], [{ message: 'unhandled' }]).failed).toBe(1);
  });

  it('hold a test that never ended as a failure', () => {
    expect(countTests([moduleOf(['pending'])], []).failed).toBe(1);
  });
});
