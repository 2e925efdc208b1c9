/**
 * Paths into a payload: member names with dots between, or a JSONPath (RFC 9535). This file owns
 * the package `json-p3`, which reads and runs the latter.
 */
import { JSONPathEnvironment, JSONPathTypeError, jsonpath, TokenKind } from 'json-p3';
import { limits } from '../../../devices/limits.ts';
import { memberAt, plainOf, type Tree } from './document.ts';

/** A part of a payload, and the same as plain values once a query has asked for them. */
export interface View {
  readonly tree: Tree;
  plain?: unknown;
}

/** Finds what a path selects: nothing, one part, or too many to say which one is meant. */
export type Path = (view: View) => View | 'none' | 'many';

/** Everything that a path selects, in the order of the document, as far as the caller wants it. */
export type Query = (view: View) => Iterable<View>;

type Arguments = Parameters<JSONPathEnvironment['checkWellTypedness']>;

/**
 * Patterns must stand in the path itself: one that a payload brought along could be made to take
 * for ever.
 */
class Environment extends JSONPathEnvironment {
  override checkWellTypedness(...[token, args]: Arguments): Arguments[1] {
    const [, pattern] = args;
    const takesPattern = token.value === 'match' || token.value === 'search';
    const kind = pattern?.token.kind;
    const isText = kind === TokenKind.SINGLE_QUOTE_STRING || kind === TokenKind.DOUBLE_QUOTE_STRING;
    if (takesPattern && !isText) {
      throw new JSONPathTypeError(`the pattern of ${token.value}() must be a text`, token);
    }
    return super.checkWellTypedness(token, args);
  }
}

const environment = new Environment({ maxRecursionDepth: limits.jsonDepthMax + 2 });

/** Whether a path is a JSONPath: `$` alone, or with a segment after it; `$SYS` is a name. */
export function isJsonPath(path: string): boolean {
  return /^\$(?:[.[]|$)/.test(path);
}

/** What is wrong with the path, or `undefined`. */
export function mistakeOfPath(path: string): string | undefined {
  if (!isJsonPath(path)) {
    if (path === '' || !path.split('.').includes('')) return undefined;
    return 'write member names with single dots between them, or a JSONPath that begins with $';
  }
  try {
    if (!asksRootForMany(environment.compile(path))) return undefined;
    return 'inside a filter, a query from $ must name one value: others cost too much';
  } catch (error) {
    return `as a JSONPath it is not right: ${error instanceof Error ? error.message : error}`;
  }
}

/**
 * Whether a filter asks the whole document for many values: for each value that it judges, which
 * on a large payload takes seconds, and a gateway has other devices to hear.
 */
function asksRootForMany(part: unknown): boolean {
  if (typeof part !== 'object' || part === null || part === environment) return false;
  if (part instanceof jsonpath.expressions.RootQuery && !part.path.singularQuery()) return true;
  return Object.values(part).some(asksRootForMany);
}

/** Compiles a path that `mistakeOfPath` found no mistake in. The empty path is the view itself. */
export function compilePath(path: string): Path {
  if (path === '') return (view) => view;
  if (isJsonPath(path)) return single(compileQuery(path));
  const names = path.split('.');
  return ({ tree }) => {
    const found = memberAt(tree, names);
    return found === undefined ? 'none' : { tree: found };
  };
}

/** Compiles a JSONPath that may select many parts. */
export function compileQuery(path: string): Query {
  const query = environment.compile(path);
  return function* select(view) {
    view.plain ??= plainOf(view.tree);
    // What a query cannot do with this document (it is no container, say) selects nothing.
    for (const { location, value } of query.lazyQuery(view.plain as never)) {
      const tree = memberAt(view.tree, location);
      if (tree !== undefined) yield { tree, plain: value };
    }
  };
}

function single(query: Query): Path {
  return (view) => {
    let first: View | undefined;
    for (const found of query(view)) {
      if (first !== undefined) return 'many';
      first = found;
    }
    return first ?? 'none';
  };
}
