import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IngesterFolder, ingesterFolder, runIngest } from '../../../support/ingester.ts';

let folder: IngesterFolder;

beforeEach(() => {
  folder = ingesterFolder();
});

afterEach(() => folder.remove());

describe('commands that read what an ingester stored', () => {
  it.each([['twin'], ['rebuild'], ['rebuild', '--check']])(
    'say in one line that there is nothing yet, and make nothing: %s %s',
    async (command, ...options) => {
      const before = readdirSync(folder.directory);
      const { code, err, out } = await runIngest(command, folder.config, ...options);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^IN_JOURNAL_ABSENT: [^\n]+\n$/);
      expect(readdirSync(folder.directory)).toEqual(before);
    },
  );
});
