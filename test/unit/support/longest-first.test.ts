import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../support/commands.ts';
import { LONGEST, longestFirst } from '../../support/longest-first.ts';

describe('the order of test files', () => {
  it('begins with those that take longest and leaves the others as they came', () => {
    const [longest = '', second = ''] = LONGEST;
    const files = ['b.test.ts', second, 'a.test.ts', longest];
    expect(longestFirst(files, (file) => file)).toEqual([
      longest,
      second,
      'b.test.ts',
      'a.test.ts',
    ]);
  });

  it('names each file once, and only files that exist', () => {
    expect(new Set(LONGEST).size).toBe(LONGEST.length);
    expect(LONGEST.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
  });
});
