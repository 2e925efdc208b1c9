/** Turns a JSON Schema into a reference table: one row a setting, with what may stand there. */

/** The part of JSON Schema that our declarations use. */
export interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema | readonly Schema[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** One setting as the table shows it. */
export interface Setting {
  /** Dotted path; `[]` for each item of a list, `NAME` for a key that the writer chooses. */
  readonly path: string;
  readonly type: string;
  /** `required`, `optional`, or the default as YAML would write it. */
  readonly presence: string;
  readonly description: string;
}

/** All settings of a schema in the order of their declaration, groups before their members. */
export function settingsOf(schema: Schema, prefix = ''): Setting[] {
  return membersOf(schema).flatMap(({ key, member, required }) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const row: Setting = {
      path,
      type: typeOf(member),
      presence: presenceOf(member, required),
      description: describe(member),
    };
    return [row, ...settingsBelow(member, path)];
  });
}

/** A Markdown table of settings. */
export function settingsTable(schema: Schema): string {
  const rows = settingsOf(schema).map(
    (row) => `| \`${row.path}\` | ${row.type} | ${row.presence} | ${cell(row.description)} |`,
  );
  return ['| setting | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function settingsBelow(schema: Schema, path: string): Setting[] {
  const item = itemOf(schema);
  if (item) return settingsBelow(item, `${path}[]`);
  for (const branch of schema.anyOf ?? []) {
    const below = settingsBelow(branch, path);
    if (below.length > 0) return below;
  }
  return settingsOf(schema, path);
}

/** The schema of a list's items, where all have one. */
export function itemOf({ items }: Schema): Schema | undefined {
  return items === undefined || 'length' in items ? undefined : items;
}

function membersOf(schema: Schema): { key: string; member: Schema; required: boolean }[] {
  const named = Object.entries(schema.properties ?? {}).map(([key, member]) => ({
    key,
    member,
    required: schema.required?.includes(key) ?? false,
  }));
  const free = Object.values(schema.patternProperties ?? {});
  if (typeof schema.additionalProperties === 'object') free.push(schema.additionalProperties);
  const told = free.filter((member) => member.type !== undefined);
  return [...named, ...told.map((member) => ({ key: 'NAME', member, required: false }))];
}

function presenceOf(schema: Schema, required: boolean): string {
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default)}\``;
  return required ? 'required' : 'optional';
}

function describe(schema: Schema): string {
  const said = schema.description ?? itemOf(schema)?.description ?? '';
  // The table has a column for what a description may end with.
  const parts = [
    said.replace(/(; required| Required| Default [^ ]+)\.$/, '').replace(/[^.]$/, '$&.'),
  ];
  const [example] = schema.examples ?? [];
  if (example !== undefined) parts.push(`Example: \`${JSON.stringify(example)}\`.`);
  return parts.filter((part) => part !== '').join(' ');
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(', ');
  if (Array.isArray(schema.items)) return `list of ${schema.items.map(typeOf).join(' and ')}`;
  if (schema.type === 'array') return `list${bounds(schema)} of ${typeOf(itemOf(schema) ?? {})}`;
  if (schema.type === 'object') return 'group';
  return `${schema.type ?? 'anything'}${bounds(schema)}`;
}

function bounds(schema: Schema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  const { exclusiveMinimum, exclusiveMaximum } = schema;
  const low = minimum ?? minLength ?? minItems;
  const high = maximum ?? maxLength ?? maxItems;
  if (minLength === 1 && maxLength === undefined) return '';
  const unit = schema.type === 'string' ? ' characters' : schema.type === 'array' ? ' items' : '';
  const lower = low ?? exclusiveMinimum;
  const upper = high ?? exclusiveMaximum;
  if (lower === undefined && upper === undefined) return '';
  if (upper === undefined) return ` (${low === undefined ? 'above' : 'from'} ${lower}${unit})`;
  if (lower === undefined) return ` (${high === undefined ? 'below' : 'up to'} ${upper}${unit})`;
  return ` (${lower} to ${upper}${unit})`;
}

/** Text for one cell of a Markdown table. */
export function cell(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|');
}
