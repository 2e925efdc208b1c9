/** JSON Schemas of others, compiled as their drafts say; formats are compared nowhere. */
import { strict as assert } from 'node:assert';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

type Schema = Readonly<Record<string, unknown>>;

const options = { strict: false, validateFormats: false, allErrors: false } as const;

/** Says what is wrong with a value, or nothing. */
type Check = (value: unknown) => string | undefined;

/** A checker of one schema; `others` are those that it refers to, by the URL that it uses. */
export function checkerOf(schema: Schema, others: ReadonlyMap<string, Schema> = new Map()): Check {
  const isNew = String(schema['$schema']).includes('2020-12');
  const ajv = isNew ? new Ajv2020(options) : new Ajv(options);
  for (const [place, other] of others) ajv.addSchema(other, place);
  return checkWith(ajv.compile(schema));
}

/** Checkers of schemas that refer to one another, each by its URL. */
export function checkersOf(schemas: ReadonlyMap<string, Schema>): (url: string) => Check {
  const ajv = new Ajv(options);
  for (const [url, schema] of schemas) ajv.addSchema(schema, url);
  return (url) => {
    const validate = ajv.getSchema(url);
    assert(validate, `there is no schema ${url}`);
    return checkWith(validate);
  };
}

function checkWith(validate: ValidateFunction): Check {
  return (value) => {
    if (validate(value)) return undefined;
    const [first] = validate.errors ?? [];
    return `${first?.instancePath || 'it'} ${first?.message ?? 'does not match'}`;
  };
}
