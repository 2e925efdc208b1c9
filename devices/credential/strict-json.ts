/**
 * Reads JSON so that no two readers can understand the bytes differently: no duplicate members,
 * no lone surrogates, no numbers that a double changes, bounded depth, nothing before or after.
 */
import { limits } from '../limits.ts';
import { type Refusal, refuse } from './refusal.ts';

/** What strict reading gives. */
export type StrictJson = { readonly value: unknown } | Refusal;

/**
 * The value of a JSON text (RFC 8259), or a refusal with code VC_JSON.
 *
 * Text that `JSON.stringify` could have written needs no scan of ours, and that is what our own
 * gateways send: if writing the value again gives the same text, then no member was lost as a
 * duplicate and no number changed. Only a `\ud…` escape could survive the round trip and still
 * be a lone surrogate.
 */
export function parseStrictJson(text: string): StrictJson {
  if (depthOf(text) > limits.jsonDepthMax) {
    return refuse('VC_JSON', `JSON is nested deeper than ${limits.jsonDepthMax}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('VC_JSON', 'not JSON, or something stands before or after it');
  }
  if (JSON.stringify(value) === text && !text.includes('\\ud')) return { value };
  const mistake = findMistake(text);
  return mistake === undefined ? { value } : refuse('VC_JSON', mistake);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Deepest nesting, counted before anything is parsed; at most one more than the limit. */
function depthOf(text: string): number {
  const bound = limits.jsonDepthMax;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) inString = !inString;
    else if (inString) {
      if (unit === BACKSLASH) index += 1;
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      depth += 1;
      if (depth > bound) return depth;
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth -= 1;
  }
  return 0;
}

/** Under the `u` flag a pair of surrogates is one character, so only a lone one matches. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A string, a number or one of the marks that open and close; the rest carries no meaning here. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\]:,]/gs;

/** The first thing that makes a valid JSON text ambiguous, or `undefined`. */
function findMistake(text: string): string | undefined {
  /** One entry an open container: the member names seen, or `undefined` in an array. */
  const open: (Set<string> | undefined)[] = [];
  let previous = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token.startsWith('"')) {
      const content = JSON.parse(token) as string;
      if (LONE_SURROGATE.test(content)) return `lone surrogate in ${token.slice(0, 60)}`;
      const members = open.at(-1);
      // A string is a member's name when it follows the brace or a comma of an object.
      if (members && previous !== ':') {
        if (members.has(content)) return `duplicate member ${token.slice(0, 60)}`;
        members.add(content);
      }
    } else if (token !== ':' && token !== ',' && !isExact(token)) {
      return `number ${token.slice(0, 60)} cannot be held by a double`;
    }
    previous = token;
  }
  return undefined;
}

/**
 * Whether a number keeps its meaning as a double: finite, an integer without loss, and not a
 * fraction so small that it became zero. Decimal fractions are rounded by every reader alike.
 */
function isExact(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  if (/^-?\d+$/.test(token)) return value === 0 || BigInt(token) === BigInt(value);
  return value !== 0 || !/[1-9]/.test(token.split(/[eE]/)[0] ?? '');
}
