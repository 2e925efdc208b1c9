import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { addPlanted, addToLedger, formatSeeds, freeSeed, readLedger } from '../../faults/ledger.ts';

const directory = mkdtempSync(join(tmpdir(), 'ledger-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('what the long form has reached', () => {
  it('keeps shards as they come, and of each plant its last run', () => {
    const file = join(directory, 'counts.json');
    expect(readLedger(file)).toEqual({ shards: [], planted: [] });
    const shard = { fault: 'a', seed: 1, date: '2026-11-22', count: 2 };
    const none = { lost: 0, doubled: 0, wrong: 0 };
    const plant = { plant: 'p', by: 'a', seed: 1, date: '2026-11-22' };
    addToLedger({ ...shard, ...none }, file);
    addPlanted({ ...plant, caught: false }, file);
    addPlanted({ ...plant, plant: 'o', caught: true }, file);
    addToLedger({ ...shard, ...none, seed: 2 }, file);
    addPlanted({ ...plant, caught: true }, file);
    const { planted, shards } = readLedger(file);
    expect(shards.map(({ seed }) => seed)).toEqual([1, 2]);
    expect(planted.map((one) => [one.plant, one.caught])).toEqual([
      ['o', true],
      ['p', true],
    ]);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(11);
  });

  it('leaves no seed out', () => {
    expect([freeSeed([]), freeSeed([1, 2, 4]), freeSeed([1, 2, 4], 4)]).toEqual([1, 3, 5]);
    expect(formatSeeds([])).toBe('');
    expect(formatSeeds([7, 2, 1, 3, 9, 10])).toBe('1 to 3, 7, 9 to 10');
  });
});
