/**
 * Three groups of suites, one after the other. `fast` runs in memory or on loopback within one
 * process, two files at a time; `peers` talks to programs of others and mostly waits for them, two
 * at a time as well; `whole` starts our own processes under load, one file at a time, so that a
 * machine with two cores does not starve what it measures.
 */
import { defineConfig } from 'vitest/config';

const peers = ['test/peers/**/*.test.ts'];
const whole = ['test/e2e/**/*.test.ts'];

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
          exclude: [...peers, ...whole],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'peers',
          include: peers,
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
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
