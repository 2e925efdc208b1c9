/** Payloads as trees of members whose leaves keep the bytes that they stood in. */
import { limits } from '../../../devices/limits.ts';
import type { Encoding, Value } from '../../../devices/reading.ts';
import { type CborItem, readCbor, valueOfCbor } from '../../cbor.ts';

/** Marks a leaf; no payload can hold this key. */
const LEAF = Symbol('leaf');

/** A value with its own text or bytes, such as `-18.250`. */
export interface Leaf {
  readonly [LEAF]: 'json' | 'cbor';
  readonly raw: string | Uint8Array;
  /** `undefined`: a CBOR item that is no value, such as a byte string. */
  readonly value: Value | null | undefined;
  /** The content of a CBOR byte string. */
  readonly content?: Uint8Array;
}

/** A leaf, or members by name or index. */
export type Tree = Leaf | { readonly [member: string]: Tree };

/** Reads a whole payload; `undefined` where it is not one document of the format. */
export function readDocument(payload: Uint8Array, format: 'json' | 'cbor'): Tree | undefined {
  if (format === 'json') return readJson(payload);
  const item = readCbor(payload);
  return item && treeOf(item);
}

export function isLeaf(tree: Tree | undefined): tree is Leaf {
  return typeof tree === 'object' && LEAF in tree;
}

/** The bytes of the leaf exactly as they stood in the payload, in hex. */
export function rawHexOf({ raw }: Leaf): string {
  return typeof raw === 'string'
    ? Buffer.from(raw, 'utf8').toString('hex')
    : Buffer.from(raw).toString('hex');
}

export function encodingOf(leaf: Leaf): Encoding {
  return ENCODING[leaf[LEAF]];
}

const ENCODING: Readonly<Record<'json' | 'cbor', Encoding>> = {
  json: { type: 'json', order: 'ABCD' },
  cbor: { type: 'cbor', order: 'ABCD' },
};

/** The tree at `path`, by own members only: nothing is found on a prototype. */
export function memberAt(root: Tree, path: readonly (string | number)[]): Tree | undefined {
  let node: Tree | undefined = root;
  for (const key of path) {
    if (node === undefined || isLeaf(node) || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return node;
}

/**
 * The tree as plain values, for a query to compare. Integers that a double cannot hold are near
 * enough for that; the leaf itself, which becomes the reading, keeps every digit.
 */
export function plainOf(tree: Tree): unknown {
  if (isLeaf(tree)) {
    return typeof tree.value === 'bigint' ? Number(tree.value) : (tree.value ?? null);
  }
  if (Array.isArray(tree)) return tree.map(plainOf);
  const plain: Record<string, unknown> = Object.create(null);
  for (const [name, member] of Object.entries(tree)) plain[name] = plainOf(member);
  return plain;
}

/** `JSON.parse` with source text access (ECMAScript 2026), which its TypeScript type lacks. */
const parseWithSource: (
  text: string,
  reviver: (
    this: unknown,
    key: string,
    value: Tree,
    context?: { readonly source?: string },
  ) => unknown,
) => unknown = JSON.parse;

/**
 * One JSON text. A member that stands twice is refused: readers differ in which one they take
 * (RFC 8259 §4), so nobody could say what was signed.
 */
function readJson(payload: Uint8Array): Tree | undefined {
  try {
    // A byte order mark is not JSON (RFC 8259 §8.1), so it is left in for the parser to refuse.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    const { depth, members: written } = measureJson(text);
    if (depth > limits.jsonDepthMax) return undefined;
    // The parser calls for the root as for a member of its own.
    let members = -1;
    const tree = parseWithSource(text, function keep(_, value, context) {
      if (!Array.isArray(this)) members += 1;
      if (context?.source === undefined) return value;
      return { [LEAF]: 'json', raw: context.source, value: value as unknown as Value | null };
    });
    return members === written ? (tree as Tree) : undefined;
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** How deep brackets nest outside of texts, and how many members are written: one a colon. */
function measureJson(text: string): { readonly depth: number; readonly members: number } {
  let open = 0;
  let depth = 0;
  let members = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (quoted && code === BACKSLASH) at += 1;
    else if (code === QUOTE) quoted = !quoted;
    else if (quoted) continue;
    else if (code === COLON) members += 1;
    else if (code === 0x5b || code === 0x7b) {
      open += 1;
      depth = Math.max(depth, open);
    } else if (code === 0x5d || code === 0x7d) open -= 1;
  }
  return { depth, members };
}

function treeOf(item: CborItem): Tree {
  const { bytes, tag, value } = item;
  if (value instanceof Map) {
    const members: Record<string, Tree> = Object.create(null);
    for (const [name, member] of value) members[name] = treeOf(member);
    return members;
  }
  // An array is a tree whose members are named by their indexes.
  if (Array.isArray(value)) return value.map(treeOf) as unknown as Tree;
  return {
    [LEAF]: 'cbor',
    raw: bytes,
    value: value === null ? null : valueOfCbor(item),
    ...(value instanceof Uint8Array && tag === undefined && { content: value }),
  };
}
