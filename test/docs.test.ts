/** The generated pages are those that the code makes now. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { subcommandsOf } from '../scripts/reference/command-page.ts';
import { pages } from '../scripts/reference/pages.ts';
import { type Schema, settingsOf } from '../scripts/reference/schema-page.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

describe('generated pages', () => {
  it.each(Object.keys(pages))('%s is what npm run docs writes', async (path) => {
    const make = pages[path];
    expect(readFileSync(`${project}/${path}`, 'utf8')).toBe(await make?.());
  });
});

describe('the table of settings', () => {
  const schema: Schema = {
    type: 'object',
    required: ['port', 'sources'],
    properties: {
      port: { type: 'integer', minimum: 1, maximum: 65535, description: 'TCP port.' },
      level: { anyOf: [{ const: 'info' }, { const: 'debug' }], default: 'info' },
      sources: {
        type: 'array',
        minItems: 1,
        items: { type: 'object', properties: { url: { type: 'string', examples: ['mqtt://x'] } } },
      },
      labels: { type: 'object', additionalProperties: { type: 'string', maxLength: 9 } },
    },
  };

  it('has a row for each setting, with type, bound, default and example', () => {
    const rows = settingsOf(schema).map((row) => Object.values(row).join(' | '));
    expect(rows).toEqual([
      'port | integer (1 to 65535) | required | TCP port.',
      'level | `info`, `debug` | `"info"` | ',
      'sources | list (from 1 items) of group | required | ',
      'sources[].url | string | optional | Example: `"mqtt://x"`.',
      'labels | group | optional | ',
      'labels.NAME | string (up to 9 characters) | optional | ',
    ]);
  });
});

describe('the subcommands of a help text', () => {
  it('are the first words of its indented list', () => {
    const text = [
      'Usage: bondline-gateway COMMAND',
      '',
      '  run CONFIG     runs the gateway',
      '  enrol-request  prints a request',
      '',
      'Options:',
      '  --help         this text',
    ].join('\n');
    expect(subcommandsOf(text)).toEqual(['run', 'enrol-request']);
  });
});
