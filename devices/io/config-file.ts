/**
 * Reads a YAML configuration against its schema: defaults filled in, or every mistake at once
 * with file, line, column and what to write instead. Never touches the network.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { type Document, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { EdgeError } from '../errors.ts';
import { limits } from '../limits.ts';
import { compileReporter, type SchemaMistake, type Static, type TSchema } from '../schema.ts';

/** A mistake with its place in the file; line and column count from 1. */
export interface ConfigMistake {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
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
  const lines = new LineCounter();
  // Only the message and the place of a mistake are shown; a picture of each would take far longer.
  // Each key would be held against all others of its map: `repeatedKeys` says the same sooner.
  const options = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const;
  const read = parsed(() => {
    const document = parseDocument(text, { ...options, lineCounter: lines });
    const { errors } = document;
    const faults = errors.map(({ message, pos: [offset] }) => ({ message, offset }));
    return { document, errors, faults: faults.length > 0 ? faults : repeatedKeys(document) };
  });
  if (read === undefined) {
    const message = 'it is nested too deep to be a configuration';
    return { ok: false, mistakes: [{ file, line: 1, column: 1, message }] };
  }
  const { document, faults } = read;
  if (faults.length > 0) {
    const mistakes = faults.map(({ message, offset }) => {
      const at = lines.linePos(offset);
      return { file, line: at.line, column: at.col, message };
    });
    return { ok: false, mistakes };
  }
  const value = said(document);
  if (value === undefined) {
    const message = 'its aliases say more than a configuration can: write out what they stand for';
    return { ok: false, mistakes: [{ file, line: 1, column: 1, message }] };
  }
  const found = [...compileReporter(schema)(value), ...nested(value)];
  const all = found.length > 0 ? found : further(value as Static<S>);
  if (all.length === 0) return { ok: true, value: value as Static<S>, text };
  return {
    ok: false,
    mistakes: all
      .map((mistake) => ({ ...place(document, lines, mistake), file, message: say(mistake) }))
      .sort((a, b) => a.line - b.line || a.column - b.column),
  };
}

/** `file:line:column: message`, as editors and compilers write it. */
export function formatMistake(mistake: ConfigMistake): string {
  return `${mistake.file}:${mistake.line}:${mistake.column}: ${mistake.message}`;
}

/** A path named in a configuration, relative to the folder of the file that names it. */
export function resolveFrom(file: string, path: string): string {
  return isAbsolute(path) ? path : resolve(dirname(file), path);
}

/** A document; `undefined` where it is nested deeper than the package has stack for. */
function parsed<R extends Pick<Document, 'errors'>>(parse: () => R): R | undefined {
  try {
    const read = parse();
    // A part of it catches that itself, and tells of it at each level.
    const isCut = read.errors.some(({ message }) => message.includes('call stack'));
    return isCut ? undefined : read;
  } catch {
    return undefined;
  }
}

/** Keys that their map has already (YAML 1.2.2 §3.2.1.3), in the order of the file. */
function repeatedKeys(document: Document): { message: string; offset: number }[] {
  const message = 'Map keys must be unique';
  const found: { message: string; offset: number }[] = [];
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) found.push({ message, offset: key.range?.[0] ?? 0 });
        seen.add(key.value);
      }
    },
  });
  return found.sort((a, b) => a.offset - b.offset);
}

/**
 * What a document says; `undefined` where its aliases unfold to more than is put up with, or one of
 * them stands for what it is a part of, which has no end and so no JSON.
 */
function said(document: Document): unknown {
  try {
    const value: unknown = document.toJS() ?? {};
    JSON.stringify(value);
    return value;
  } catch {
    return undefined;
  }
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

/** The key of the deepest node on the path that the file really has. */
function place(
  document: Document,
  lines: LineCounter,
  mistake: SchemaMistake,
): { line: number; column: number } {
  const path = mistake.unknownKey ? [...mistake.path, mistake.unknownKey] : [...mistake.path];
  for (; path.length > 0; path.pop()) {
    const offset = offsetOf(document, path);
    if (offset !== undefined) {
      const at = lines.linePos(offset);
      return { line: at.line, column: at.col };
    }
  }
  return { line: 1, column: 1 };
}

function offsetOf(document: Document, path: readonly (string | number)[]): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true) as
    | { items?: { key?: Node & { value?: unknown } }[] }
    | undefined;
  const last = path.at(-1);
  const pair = parent?.items?.find((item) => item.key?.value === last);
  if (pair?.key?.range) return pair.key.range[0];
  const node = document.getIn(path, true) as Node | undefined;
  return node?.range?.[0];
}
