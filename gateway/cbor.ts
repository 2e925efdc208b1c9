/**
 * CBOR (RFC 8949) from devices: a document as items that keep the bytes that they stood in. This
 * file owns the package `cborg`, of which only the tokenizer is used; what makes a document is
 * decided here.
 */
import { Tokenizer } from 'cborg';
import { limits } from '../devices/limits.ts';
import type { Value } from '../devices/reading.ts';

/** One data item with its own bytes, tags included. */
export interface CborItem {
  readonly bytes: Uint8Array;
  /** The innermost tag around it, where it has one. */
  readonly tag?: number;
  readonly value: CborValue;
}

/** `null` also stands for CBOR's `undefined`. Keys of maps are texts, or integers written out. */
export type CborValue =
  | Value
  | null
  | Uint8Array
  | readonly CborItem[]
  | ReadonlyMap<string, CborItem>;

/** "This is CBOR" around a whole document (RFC 8949 §3.4.6). */
const SELF_DESCRIBED = 55_799;
const BIGNUM = 2;
const NEGATIVE_BIGNUM = 3;

/** Bytes of a bignum; 64-bit integers have types of their own, so longer ones are rare. */
const BIGNUM_BYTES_MAX = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The item that `bytes` are, or `undefined` where they are not exactly one well-formed item: cut
 * off, with bytes left over, nested deeper than `limits.jsonDepthMax`, with a key twice, a key
 * that is neither text nor integer, or a text that is not UTF-8. Longer forms of a number than
 * the shortest are taken: they are well-formed (RFC 8949 §4.1), and the raw words show them.
 */
export function readCbor(bytes: Uint8Array): CborItem | undefined {
  // A Buffer may be a view of a pool; the tokenizer slices, so it gets the plain bytes.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tokens = new Tokenizer(data, { allowBigInt: true });
  try {
    const item = readItem(tokens, data, 0);
    return item !== undefined && tokens.done() ? item : undefined;
  } catch {
    // What the tokenizer and the UTF-8 decoder refuse.
    return undefined;
  }
}

/** What a scalar item says: a number, a text or a truth value; `undefined` where it is neither. */
export function valueOfCbor({ tag, value }: CborItem): Value | undefined {
  if (value === null || Array.isArray(value) || value instanceof Map) return undefined;
  if (value instanceof Uint8Array) return bignumOf(tag, value);
  // A tag that is not known gives the item a meaning that is not known.
  if (tag !== undefined && tag > 1 && tag !== SELF_DESCRIBED) return undefined;
  if (typeof value === 'object') return undefined;
  // Adding zero turns −0, which JSON does not keep, into 0; the raw words still show it.
  return typeof value === 'number' ? value + 0 : value;
}

/** Unsigned and negative bignums (RFC 8949 §3.4.3): n and −1 − n. */
function bignumOf(tag: number | undefined, bytes: Uint8Array): number | bigint | undefined {
  if ((tag !== BIGNUM && tag !== NEGATIVE_BIGNUM) || bytes.length > BIGNUM_BYTES_MAX) {
    return undefined;
  }
  const magnitude = BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
  const value = tag === BIGNUM ? magnitude : -1n - magnitude;
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

/** The next item, or `undefined` at the break that ends an item of unknown length. */
function readItem(tokens: Tokenizer, data: Uint8Array, depth: number): CborItem | undefined {
  if (depth > limits.jsonDepthMax) throw new Error('nested too deep');
  const start = tokens.pos();
  const token = tokens.next();
  const { name } = token.type;
  const item = (value: CborValue): CborItem => ({
    bytes: data.subarray(start, tokens.pos()),
    value,
  });
  switch (name) {
    case 'break':
      return undefined;
    case 'array':
      return item(readArray(tokens, data, depth, Number(token.value)));
    case 'map':
      return item(readMap(tokens, data, depth, Number(token.value)));
    case 'tag': {
      const inner = required(readItem(tokens, data, depth + 1));
      const tag = inner.tag ?? Number(token.value);
      return { bytes: data.subarray(start, tokens.pos()), tag, value: inner.value };
    }
    case 'string':
      return item(textOf(data, start, tokens.pos()));
    case 'null':
    case 'undefined':
      return item(null);
    case 'true':
      return item(true);
    case 'false':
      return item(false);
    default:
      return item(token.value as number | bigint | Uint8Array);
  }
}

function readArray(
  tokens: Tokenizer,
  data: Uint8Array,
  depth: number,
  length: number,
): readonly CborItem[] {
  const items: CborItem[] = [];
  while (items.length < length) {
    const item = readItem(tokens, data, depth + 1);
    if (item === undefined && length === Number.POSITIVE_INFINITY) break;
    items.push(required(item));
  }
  return items;
}

function readMap(
  tokens: Tokenizer,
  data: Uint8Array,
  depth: number,
  length: number,
): ReadonlyMap<string, CborItem> {
  const members = new Map<string, CborItem>();
  while (members.size < length) {
    const key = readItem(tokens, data, depth + 1);
    if (key === undefined && length === Number.POSITIVE_INFINITY) break;
    const name = keyOf(required(key));
    if (members.has(name)) throw new Error('a key stands twice');
    members.set(name, required(readItem(tokens, data, depth + 1)));
  }
  return members;
}

function required(item: CborItem | undefined): CborItem {
  if (item === undefined) throw new Error('a break where an item must be');
  return item;
}

function keyOf({ tag, value }: CborItem): string {
  const isKey = typeof value === 'string' || typeof value === 'bigint' || Number.isInteger(value);
  if (!isKey || tag !== undefined) throw new Error('a key that is neither text nor integer');
  return String(value);
}

/** Bytes of the head of an item by its additional information (RFC 8949 §3). */
const HEAD_BYTES: Readonly<Record<number, number>> = { 24: 2, 25: 3, 26: 5, 27: 9 };

/** The text itself: the tokenizer replaces what is not UTF-8, which is a mistake (§3.1). */
function textOf(data: Uint8Array, start: number, end: number): string {
  const head = HEAD_BYTES[(data[start] ?? 0) & 31] ?? 1;
  return utf8.decode(data.subarray(start + head, end));
}
