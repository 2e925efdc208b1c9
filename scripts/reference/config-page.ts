/** Configuration: the page for operators, and the schema that editors check files against. */
import { generatedNote } from './note.ts';
import { itemOf, type Schema, settingsTable } from './schema-page.ts';

/** A registered plug-in with settings of its own: a driver, a sink, a source. */
export interface Plugin {
  readonly name: string;
  readonly summary: string;
  readonly settings: object;
}

/** Where a configuration lets its writer choose a plug-in. */
export interface Choice {
  /** Keys from the root to the group that names the plug-in; `[]` steps into a list. */
  readonly path: readonly string[];
  /** Member that holds the plug-in's name, e.g. `driver`. */
  readonly key: string;
  /** Member that holds the plug-in's settings, e.g. `connection`. */
  readonly field: string;
  readonly plugins: readonly Plugin[];
}

export interface Configuration {
  readonly title: string;
  /** What stands above the table: whose file it is, how to check it. */
  readonly intro: string;
  readonly schema: object;
  readonly choices: readonly Choice[];
}

/** The reference page: one table for the file, one for each plug-in. */
export function configPage({ title, intro, schema, choices }: Configuration): string {
  const plugins = choices.flatMap(({ path, key, field, plugins: offered }) =>
    offered.map((plugin) => {
      const where = path.join('.').replaceAll('.[]', '[]');
      return (
        `## \`${where}.${field}\` with \`${key}: ${plugin.name}\`\n\n` +
        `${plugin.summary}\n\n${settingsTable(plugin.settings as Schema)}\n`
      );
    }),
  );
  return [
    `# ${title}\n`,
    `${generatedNote}\n`,
    `${intro}\n`,
    `${settingsTable(schema as Schema)}\n`,
    ...plugins,
  ].join('\n');
}

/**
 * The schema as an editor needs it: what has a default may be left out, and the settings of a
 * plug-in are checked by its name.
 */
export function editorSchema({ title, schema, choices }: Configuration): string {
  const copy = JSON.parse(JSON.stringify(schema)) as MutableSchema;
  for (const choice of choices) offer(copy, choice);
  const file = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...withoutRequiredDefaults(copy),
  };
  return `${JSON.stringify({ ...file, title }, null, 2)}\n`;
}

type MutableSchema = { -readonly [Key in keyof Schema]: Schema[Key] } & { allOf?: object[] };

function offer(root: MutableSchema, { path, key, field, plugins }: Choice): void {
  let group = root;
  for (const step of path) {
    const next = step === '[]' ? itemOf(group) : group.properties?.[step];
    if (!next) throw new Error(`the schema has no ${path.join('.')}`);
    group = next as MutableSchema;
  }
  const named = group.properties?.[key];
  if (!named) throw new Error(`the schema has no ${[...path, key].join('.')}`);
  const names = plugins.map(({ name }) => name);
  group.properties = { ...group.properties, [key]: { ...named, enum: names } };
  group.allOf = plugins.map(({ name, settings }) => ({
    if: { properties: { [key]: { const: name } }, required: [key] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    then: { properties: { [field]: settings } },
  }));
}

/** Ajv fills defaults in before it looks at `required`; an editor does not. */
function withoutRequiredDefaults(value: unknown): object {
  return JSON.parse(JSON.stringify(value), (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || !('properties' in member)) return member;
    const { required, ...rest } = member as MutableSchema;
    const kept = required?.filter((name) => rest.properties?.[name]?.default === undefined);
    return kept === undefined || kept.length === 0 ? rest : { ...rest, required: kept };
  }) as object;
}
