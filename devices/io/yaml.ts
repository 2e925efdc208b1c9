/**
 * Reads YAML that people write, with the place of everything in it. It gives up early on what
 * cannot be meant: it is nested too deep, or has more mistakes than anybody reads.
 * Both halves read YAML by this file alone.
 */
import {
  Composer,
  Document,
  isAlias,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  visit,
} from 'yaml';
import { limits } from '../limits.ts';

/** A mistake with its place in a text; line and column count from 1. */
export interface PlacedMistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Keys and indexes from the root to a place, e.g. `['devices', 0, 'unit']`. */
export type YamlPath = readonly (string | number)[];

/** A text that is YAML: what it says, and where. */
export interface Yaml {
  readonly value: unknown;
  /** The place of the deepest node on `path` that the text really has. */
  readonly placeOf: (path: YamlPath) => { readonly line: number; readonly column: number };
}

interface Fault {
  readonly message: string;
  readonly offset: number;
}

/** What it says, or why it is no YAML: all mistakes of its form, in the order of the text. */
export function readYaml(text: string): Yaml | { readonly mistakes: readonly PlacedMistake[] } {
  const lines = new LineCounter();
  const placed = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const mistaken = (faults: readonly Fault[]) => ({
    mistakes: faults.map(({ message, offset }) => ({ ...placed(offset), message })),
  });
  const read = withoutStacks(() => documentOf(text, lines));
  if (Array.isArray(read)) return mistaken(read);
  const within = faultsWithin(read);
  if (within.length > 0) return mistaken(within);
  const found = said(read);
  if ('message' in found) return mistaken([{ message: found.message, offset: 0 }]);
  return { value: found.value, placeOf: (path) => placed(deepest(read, path)) };
}

/** The one document of a text, or what is wrong with its form. */
function documentOf(text: string, lines: LineCounter): Document | Fault[] {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  // Each key would be held against all others of its map: `faultsWithin` says the same sooner.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: 'error' });
  const documents: Document[] = [];
  let errors = 0;
  let run = { lexeme: '', count: 0, offset: 0 };
  for (const lexeme of new Lexer().lex(text)) {
    run = lexeme === run.lexeme ? run : { lexeme, count: 0, offset: parser.offset };
    run.count += 1;
    const unfit = unfitness(lexeme, run.count);
    if (unfit !== undefined) return [{ message: unfit, offset: run.offset }];
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error') errors += 1;
      for (const document of composer.next(token)) documents.push(document);
    }
    if (parser.stack.length > limits.configDepthMax) {
      return [{ message: 'it is nested too deep to be a configuration', offset: parser.offset }];
    }
    if (errors > limits.configMistakesMax || documents.length > 1) break;
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end(true, text.length));
  const [document = new Document(), second] = documents;
  const faults = document.errors.map(({ message, pos }) => ({ message, offset: pos[0] }));
  if (second !== undefined) {
    const message = 'a second document starts here; a configuration is one';
    faults.push({ message, offset: second.range?.[0] ?? 0 });
  }
  return faults.length > 0 ? faults.sort((a, b) => a.offset - b.offset) : document;
}

/** Why a configuration cannot hold a lexeme, or it so many times in a row. */
function unfitness(lexeme: string, count: number): string | undefined {
  const { configRepeatsMax, configWordMax } = limits;
  if (lexeme.length > configWordMax) {
    const isOpen = /^["']/.test(lexeme) && lexeme[0] !== lexeme.at(-1);
    if (isOpen) return 'the quote that opens here is never closed';
    return `from here on ${lexeme.length} characters are one; at most ${configWordMax} are read`;
  }
  if (count <= configRepeatsMax) return undefined;
  return `from here on the same stands more than ${configRepeatsMax} times`;
}

/** The package makes an error of each mistake; their stacks, which nobody reads, take the time. */
function withoutStacks<T>(action: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return action();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * What is wrong within a document of good form, in the order of the text: keys that their map has
 * already (YAML 1.2.2 §3.2.1.3), and aliases of what no node before them is called (§7.1).
 */
function faultsWithin(document: Document): Fault[] {
  const found: Fault[] = [];
  const tell = (message: string, node: Node) =>
    found.push({ message, offset: node.range?.[0] ?? 0 });
  const anchors = new Set<string>();
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        if (!anchors.has(node.source)) tell(unknownAlias(node.source), node);
        return;
      }
      if (node.anchor !== undefined) anchors.add(node.anchor);
      if (!isMap(node)) return;
      const seen = new Set<unknown>();
      for (const { key } of node.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) tell('Map keys must be unique', key);
        seen.add(key.value);
      }
    },
  });
  return found.sort((a, b) => a.offset - b.offset);
}

function unknownAlias(name: string): string {
  return `nothing before it is called "&${name}"; what starts with * as a text needs quotes`;
}

/** What a document says, or why that cannot be said. */
function said(document: Document): { value: unknown } | { message: string } {
  const endless = 'its aliases say more than a configuration can: write out what they stand for';
  try {
    const value: unknown = document.toJS() ?? {};
    // An alias of what it is a part of has no end, and so no JSON.
    return isEndless(value) ? { message: endless } : { value };
  } catch (error) {
    const { message } = error as Error;
    return { message: /alias count/.test(message) ? endless : message };
  }
}

function isEndless(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return false;
  } catch {
    return true;
  }
}

/** Where the deepest node on a path starts that the document really has. */
function deepest(document: Document, path: YamlPath): number {
  for (let length = path.length; length > 0; length -= 1) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) return offset;
  }
  return 0;
}

function offsetOf(document: Document, path: YamlPath): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true) as
    | { items?: { key?: Node & { value?: unknown } }[] }
    | undefined;
  const last = path.at(-1);
  const pair = parent?.items?.find((item) => item.key?.value === last);
  if (pair?.key?.range) return pair.key.range[0];
  const node = document.getIn(path, true) as Node | undefined;
  return node?.range?.[0];
}
