/** docs/guarantees.md names, for each promise, tests, faults and plants that exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLedger } from './faults/ledger.ts';
import { plants } from './faults/plants.ts';
import { type Guarantee, promises } from './faults/promises.ts';
import { loadFaults } from './faults/registry.ts';
import { projectRoot } from './support/commands.ts';
import { titlesOf } from './support/titles.ts';

const list = Object.entries<Guarantee>(promises).map(([key, one]) => ({ key, ...one }));
const faults = await loadFaults();
const known = new Set(faults.map(({ name }) => name));

describe('the promises', () => {
  it.each(list)('$key has a mechanism, tests, a fault and a plant', (promise) => {
    const files = [...promise.mechanism.matchAll(/`([^` ]+\/[^` ]*)`/g)].map(
      ([, file = '']) => file,
    );
    expect(files.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
    expect(Object.keys(promise.tests).length).toBeGreaterThan(0);
    for (const [file, titles] of Object.entries(promise.tests)) {
      const there = titlesOf(readFileSync(join(projectRoot, 'test', file), 'utf8'));
      expect(titles.length, file).toBeGreaterThan(0);
      expect(
        titles.filter((title) => !there.has(title)),
        file,
      ).toEqual([]);
    }
    expect(promise.faults.length).toBeGreaterThan(0);
    expect(promise.faults.filter((name) => !known.has(name))).toEqual([]);
    expect(plants.some((plant) => plant.promise === promise.key)).toBe(true);
  });

  it('use every fault', () => {
    const used = new Set(list.flatMap((promise) => promise.faults));
    expect([...known].filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('the plants', () => {
  it('have names of their own and shards of faults that exist', () => {
    expect(new Set(plants.map(({ name }) => name)).size).toBe(plants.length);
    expect(plants.filter(({ by }) => !known.has(by.fault))).toEqual([]);
  });

  it('were all caught when they ran last, each by the shard that must see it', () => {
    const runs = new Map(readLedger().planted.map((run) => [run.plant, run]));
    const unseen = plants.filter(({ by, name }) => {
      const run = runs.get(name);
      return !run?.caught || run.by !== by.fault || run.seed !== by.seed;
    });
    expect(unseen.map(({ name }) => name)).toEqual([]);
  });

  it.each(plants)('$name: its text stands once in the source', ({ changes }) => {
    for (const { find, module } of changes) {
      const text = readFileSync(join(projectRoot, `${module}.ts`), 'utf8');
      expect(text.split(find).length - 1, module).toBe(1);
    }
  });
});
