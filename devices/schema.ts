/**
 * Schemas: written once with TypeBox, which gives the static type, and checked with Ajv.
 * This file owns both packages; everything else imports from here.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type Static, type TSchema, Type } from 'typebox';

export { type Static, type TSchema, Type };

/** One thing that a value gets wrong. */
export interface SchemaMistake {
  /** Keys and indexes from the root to the place, e.g. `['devices', 0, 'unit']`. */
  readonly path: readonly (string | number)[];
  /** What is wrong and what to write instead, one sentence. */
  readonly message: string;
  /** The offending key, where the mistake is a key that must not be there. */
  readonly unknownKey?: string;
}

export type Checker<T> = (value: unknown) => value is T;

// Our patterns are ASCII, which is matched faster without the rules of Unicode.
const quick = { strict: false, validateFormats: false, unicodeRegExp: false } as const;
const fast = new Ajv({ ...quick, allErrors: false });
const thorough = new Ajv({ allErrors: true, strict: false, useDefaults: true, verbose: true });

/**
 * A checker that stops at the first mistake: for bytes from the wire. It is compiled when it is
 * first used, since most commands use few of them.
 */
export function compileChecker<S extends TSchema>(schema: S): Checker<Static<S>> {
  let validate: ValidateFunction<Static<S>> | undefined;
  return (value): value is Static<S> => {
    validate ??= fast.compile(schema) as ValidateFunction<Static<S>>;
    return validate(value);
  };
}

/**
 * A checker that fills in defaults and names every mistake at once: for what a person wrote.
 * The value is changed in place (defaults).
 */
export function compileReporter(schema: TSchema): (value: unknown) => SchemaMistake[] {
  const validate = thorough.compile(schema);
  return (value) => {
    if (validate(value)) return [];
    return (validate.errors ?? []).filter(isTelling).map(toMistake);
  };
}

/** An `anyOf` reports each of its branches; those lines only repeat it. */
function isTelling(error: ErrorObject): boolean {
  return error.keyword !== 'if' && !/\/anyOf\/\d+\//.test(error.schemaPath);
}

function toMistake(error: ErrorObject): SchemaMistake {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys((error.parentSchema?.['properties'] as object) ?? {});
      return { path, unknownKey: key, message: unknownKeyMessage(key, known) };
    }
    case 'required':
      return { path, message: `"${String(params['missingProperty'])}" is required here` };
    case 'enum':
    case 'const':
    case 'anyOf':
      return { path, message: `${shown(error.data)} is not one of: ${choices(error)}` };
    case 'pattern':
      return {
        path,
        message: `${shown(error.data)} must look like ${exampleOf(error.parentSchema)}`,
      };
    default:
      return { path, message: `${shown(error.data)} ${error.message ?? 'is not allowed here'}` };
  }
}

function unknownKeyMessage(key: string, known: readonly string[]): string {
  // A distance takes the product of two lengths, and a key may be as long as the file.
  const alike = known.filter(({ length }) => Math.abs(length - key.length) <= 2);
  const near = alike.find((candidate) => distance(candidate, key) <= 2);
  if (near) return `"${key}" is not known here; did you mean "${near}"?`;
  return `${shown(key)} is not known here; known are: ${known.join(', ')}`;
}

function choices(error: ErrorObject): string {
  const schema = error.parentSchema ?? {};
  const listed = (schema['enum'] ??
    (schema['anyOf'] as { const?: unknown; type?: string }[] | undefined)?.map(
      (branch) => branch.const ?? branch.type,
    ) ?? [schema['const']]) as unknown[];
  return listed.map(String).join(', ');
}

function exampleOf(schema: Record<string, unknown> | undefined): string {
  const examples = schema?.['examples'];
  if (Array.isArray(examples) && examples.length > 0) return JSON.stringify(examples[0]);
  return `the pattern ${String(schema?.['pattern'])}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Levenshtein distance, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
