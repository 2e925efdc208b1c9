/** What is planted stands in the code as it is written and as it is built. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { partsAround } from '../../faults/plant-text.ts';
import { plants } from '../../faults/plants.ts';
import { loadFaults } from '../../faults/registry.ts';
import { projectRoot } from '../../support/commands.ts';

const faults = await loadFaults();

describe.each(plants)('the plant $name', ({ by, changes }) => {
  it('finds each of its texts exactly once', () => {
    for (const { find, module } of changes) {
      const files = [`${module}.ts`, join('dist', `${module}.js`)];
      const there = files.filter((file) => existsSync(join(projectRoot, file)));
      expect(there).toContain(`${module}.ts`);
      for (const file of there) {
        const text = readFileSync(join(projectRoot, file), 'utf8');
        expect(partsAround(text, find).length - 1, `${find} in ${file}`).toBe(1);
      }
    }
  });

  it('is looked for by a fault that there is', () => {
    expect(faults.map(({ name }) => name)).toContain(by.fault);
  });
});
