/**
 * Two groups of suites. `fast` runs in memory or on loopback within one process, two files at a
 * time; `heavy` starts processes and real peers, one file at a time and only when `fast` is done,
 * so that a busy machine with two cores starves neither.
 */
import { defineConfig } from 'vitest/config';

const heavy = ['test/peers/**/*.test.ts', 'test/e2e/**/*.test.ts'];

export default defineConfig({
  test: {
    // One process a file: better-sqlite3, workers and OPC UA leave nothing behind for the next.
    pool: 'forks',
    maxWorkers: 2,
    teardownTimeout: 10_000,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: heavy,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'heavy',
          include: heavy,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
