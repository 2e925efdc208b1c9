/** JSON Schemas of others, compiled as their drafts say; formats are compared nowhere. */
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

type Schema = Readonly<Record<string, unknown>>;

const options = { strict: false, validateFormats: false, allErrors: false } as const;

/** A checker of one schema; `others` are those that it refers to, by the URL that it uses. */
export function checkerOf(
  schema: Schema,
  others: ReadonlyMap<string, Schema> = new Map(),
  url?: string,
): (value: unknown) => string | undefined {
  const isNew = String(schema['$schema']).includes('2020-12');
  const ajv = isNew ? new Ajv2020(options) : new Ajv(options);
  for (const [place, other] of others) ajv.addSchema(other, place);
  const check = url === undefined ? ajv.compile(schema) : (ajv.getSchema(url) as ValidateFunction);
  return (value) => {
    if (check(value)) return undefined;
    const [first] = check.errors ?? [];
    return `${first?.instancePath || 'it'} ${first?.message ?? 'does not match'}`;
  };
}
