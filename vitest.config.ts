/**
 * Four groups of suites, one after the other. `fast` runs in memory or on loopback within one
 * process, `peers` talks to programs of others, `whole` starts our own processes under load: three
 * files at a time. `alone` is what measures seconds or clocks, or runs a demonstration of a dozen
 * processes: one file at a time, so that a machine with two cores does not starve what it measures.
 */
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const alone = ['test/e2e/border.test.ts', 'test/e2e/start.test.ts', 'test/peers/chrony.test.ts'];
const peers = ['test/peers/**/*.test.ts'];
const whole = ['test/e2e/**/*.test.ts'];

export default defineConfig({
  test: {
    // One process a file: better-sqlite3, workers and OPC UA leave nothing behind for the next.
    pool: 'forks',
    // Most files wait as much as they work: three keep two cores busy.
    maxWorkers: 3,
    teardownTimeout: 10_000,
    passWithNoTests: false,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [...peers, ...whole],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'peers',
          include: peers,
          exclude: alone,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: whole,
          exclude: alone,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: alone,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
