/**
 * Reads a YAML configuration against its schema: defaults filled in, or its mistakes at once, the
 * first hundred of them, with file, line, column and what to write instead. Never touches the
 * network.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { EdgeError } from '../errors.ts';
import { limits } from '../limits.ts';
import { compileReporter, type SchemaMistake, type Static, type TSchema } from '../schema.ts';
import { type PlacedMistake, readYaml } from './yaml.ts';

/** A mistake with its place in the file. */
export interface ConfigMistake extends PlacedMistake {
  readonly file: string;
}

/** What came of a file: a value, or its mistakes. */
export type ConfigResult<T> =
  | { readonly ok: true; readonly value: T; readonly text: string }
  | { readonly ok: false; readonly mistakes: readonly ConfigMistake[] };

/**
 * Reads and checks `file`. `further` looks for what a schema cannot say (names that must be
 * unique, references); it sees a value that has passed the schema. `nested` checks parts that have
 * a schema of their own; it sees any value, so that its mistakes are told with the others.
 *
 * @throws EdgeError CFG_UNREADABLE when the file cannot be read.
 */
export function readConfig<S extends TSchema>(
  file: string,
  schema: S,
  further: (value: Static<S>) => SchemaMistake[] = () => [],
  nested: (value: unknown) => SchemaMistake[] = () => [],
): ConfigResult<Static<S>> {
  const text = readText(file);
  if (text.length > limits.configLengthMax) {
    const message = `it has ${text.length} characters, at most ${limits.configLengthMax} are read`;
    return { ok: false, mistakes: [{ file, line: 1, column: 1, message }] };
  }
  const read = readYaml(text);
  if ('mistakes' in read) return { ok: false, mistakes: inFile(file, read.mistakes) };
  const value = read.value;
  const found = [...compileReporter(schema)(value), ...nested(value)];
  const all = found.length > 0 ? found : further(value as Static<S>);
  if (all.length === 0) return { ok: true, value: value as Static<S>, text };
  const placed = all.slice(0, limits.configMistakesMax + 1).map((mistake) => {
    const { path, unknownKey } = mistake;
    return { ...read.placeOf(unknownKey ? [...path, unknownKey] : path), message: say(mistake) };
  });
  return { ok: false, mistakes: inFile(file, placed) };
}

/** Mistakes in the order of the file; the last says so where there are more than are told. */
function inFile(file: string, mistakes: readonly PlacedMistake[]): ConfigMistake[] {
  const told = mistakes
    .slice(0, limits.configMistakesMax)
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map((one) => ({ ...one, file }));
  const last = told.at(-1);
  if (last === undefined || mistakes.length <= told.length) return told;
  return [...told, { ...last, message: `there are more than these ${told.length} mistakes` }];
}

/** `file:line:column: message`, as editors and compilers write it. */
export function formatMistake(mistake: ConfigMistake): string {
  return `${mistake.file}:${mistake.line}:${mistake.column}: ${mistake.message}`;
}

/** A path named in a configuration, relative to the folder of the file that names it. */
export function resolveFrom(file: string, path: string): string {
  return isAbsolute(path) ? path : resolve(dirname(file), path);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new EdgeError('CFG_UNREADABLE', `reading configuration ${file}`, { cause });
  }
}

function say(mistake: SchemaMistake): string {
  const where = mistake.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`));
  return where.length === 0 ? mistake.message : `${where.join('').slice(1)}: ${mistake.message}`;
}
