/** The generated pages are those that the code makes now. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { subcommandsOf } from '../scripts/reference/command-page.ts';
import { editorSchema } from '../scripts/reference/config-page.ts';
import { gateway, ingester, pages } from '../scripts/reference/pages.ts';
import { type Schema, settingsOf } from '../scripts/reference/schema-page.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

describe('generated pages', () => {
  it.each(Object.keys(pages))(
    '%s is what npm run docs writes',
    async (path) => {
      const make = pages[path];
      expect(readFileSync(`${project}/${path}`, 'utf8')).toBe(await make?.());
      // The page of commands starts each of them for its help.
    },
    120_000,
  );
});

describe('the schemas that editors use', () => {
  const folder = join(project, 'examples');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => join(folder, name));

  /** What an editor would underline in a file whose first line names its schema. */
  function mistakes(file: string, value: unknown): string[] {
    const named = /\$schema=(\S+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    const schema = JSON.parse(readFileSync(resolve(dirname(file), named), 'utf8'));
    const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
    validate(value);
    return (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message}`);
  }

  it('find nothing wrong with the examples', () => {
    expect(files.length).toBeGreaterThanOrEqual(4);
    const found = files.flatMap((file) => mistakes(file, parse(readFileSync(file, 'utf8'))));
    expect(found).toEqual([]);
  });

  it('find a wrong name, a missing one, and a wrong setting of a plug-in', () => {
    const file = files.find((name) => name.includes('neche')) ?? '';
    const right = parse(readFileSync(file, 'utf8'));
    expect(mistakes(file, { ...right, outbx: {} })).toHaveLength(1);
    expect(mistakes(file, { ...right, devices: undefined })).not.toEqual([]);
    const [device] = right.devices;
    const wrong = { ...device, connection: { ...device.connection, port: 'many' } };
    expect(mistakes(file, { ...right, devices: [wrong] }).join()).toContain('connection/port');
    expect(mistakes(file, { ...right, devices: [{ ...device, driver: 'modem' }] })).not.toEqual([]);
  });

  it('let out what has a default', () => {
    const schema = {
      type: 'object',
      properties: { source: { type: 'string' }, level: { type: 'string', default: 'info' } },
      required: ['source', 'level'],
    };
    const choices = [{ path: [], key: 'source', field: 'connection', plugins: [] }];
    const made = JSON.parse(editorSchema({ title: 'T', intro: '', schema, choices }));
    expect(made.required).toEqual(['source']);
  });
});

describe('every setting', () => {
  it.each([gateway, ingester])('$title says what it means', ({ schema, choices }) => {
    const plugins = choices.flatMap((choice) => choice.plugins.map(({ settings }) => settings));
    const rows = [schema, ...plugins].flatMap((one) => settingsOf(one as Schema));
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.filter(({ description }) => description === '').map(({ path }) => path)).toEqual(
      [],
    );
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
