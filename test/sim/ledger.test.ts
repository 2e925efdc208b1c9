import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { addSeed, reachedOf, readRuns } from './ledger.ts';
import type { WorldResult } from './run-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-ledger-'));
const file = join(directory, 'counts.json');
afterEach(() => rmSync(file, { force: true }));

function world(seed: number, broken: readonly string[] = []): WorldResult {
  const sums = { lost: broken.length, doubled: 0, wrong: 0 };
  return { seed, hours: 24, broken, sums, counts: { steps: 10 }, trace: '' };
}

describe('the ledger of seeds', () => {
  it('joins seeds in a row, and says how far they reach', () => {
    for (const seed of [1, 2, 3]) addSeed({ version: 4, result: world(seed), cpuMs: 5 }, file);
    const [run, ...others] = readRuns(file);
    expect(others).toEqual([]);
    expect(run).toMatchObject({ from: 1, to: 3, counts: { steps: 30 }, cpuMs: 15, broken: [] });
    expect(reachedOf(readRuns(file), { version: 4, hours: 24 })).toBe(3);
  });

  it('begins anew with another world, and keeps which seed broke what', () => {
    addSeed({ version: 4, result: world(1), cpuMs: 5 }, file);
    addSeed({ version: 5, result: world(1, ['lost', 'and more']), cpuMs: 5 }, file);
    expect(readRuns(file)).toHaveLength(2);
    expect(reachedOf(readRuns(file), { version: 5, hours: 24 })).toBe(1);
    expect(reachedOf(readRuns(file), { version: 6, hours: 24 })).toBe(0);
    expect(readRuns(file)[1]?.broken).toEqual([{ seed: 1, said: 'lost' }]);
  });

  it('does not jump over seeds that were not run', () => {
    addSeed({ version: 4, result: world(1), cpuMs: 5 }, file);
    addSeed({ version: 4, result: world(3), cpuMs: 5 }, file);
    expect(reachedOf(readRuns(file), { version: 4, hours: 24 })).toBe(1);
  });
});
