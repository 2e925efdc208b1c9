/** The list of the specification's assertions is true: each named test exists and names its id. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../../../support/commands.ts';

const page = readFileSync(join(projectRoot, 'docs/drivers/sparkplug-assertions.md'), 'utf8');
const rows = [
  ...page.matchAll(/^\| `(tck-id-[\w-]+)` \|[^|]*\|[^|]*\| ([\w./-]+\.test\.ts) \|$/gm),
];

describe('the list of assertions', () => {
  it('names each id once', () => {
    const ids = [...page.matchAll(/^\| `(tck-id-[\w-]+)` \|/gm)].map(([, id]) => id);
    expect(rows.length).toBeGreaterThan(80);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(rows.map(([, id = '', file = '']) => [id, file]))('%s is tested in %s', (id, file) => {
    const path = file.startsWith('test/') ? file : `test/unit/gateway/drivers/sparkplug/${file}`;
    const text = readFileSync(join(projectRoot, path), 'utf8');
    expect(text).toContain(id);
  });
});
