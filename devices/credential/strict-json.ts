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
 * The text is glanced over before anything is parsed. What our own gateways send is plain by that
 * one glance; whatever it cannot rule on (white space, escapes in names, long numbers) is looked
 * at token by token afterwards, slowly, and judged by the same rules.
 *
 * `bytes` is the same text in UTF-8; who has it at hand spares us from making it.
 */
export function parseStrictJson(
  text: string,
  bytes: Uint8Array = Buffer.from(text, 'utf8'),
): StrictJson {
  const glance = glanceOver(bytes);
  if (glance === 'deep') {
    return refuse('VC_JSON', `JSON is nested deeper than ${limits.jsonDepthMax}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('VC_JSON', 'not JSON, or something stands before or after it');
  }
  // A lone surrogate can only stand in an escape, since the text was valid UTF-8.
  const mayBeLone = text.includes('\\ud') || text.includes('\\uD');
  if (glance === 'plain' && !mayBeLone) return { value };
  const mistake = findMistake(text);
  return mistake === undefined ? { value } : refuse('VC_JSON', mistake);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_A = 0x61;
const LOWER_E = 0x65;
const LOWER_Z = 0x7a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Members of one object that the glance remembers; an object with more is looked at slowly. */
const MEMBERS = 32;
/** Digits that any double holds. */
const DIGITS = 15;
/** Characters of a decimal fraction that cannot yet be so small that a double has none for it. */
const FRACTION = 300;

/** Hashes of the member names of each open object, `MEMBERS` places a level. */
const names = new Int32Array((limits.jsonDepthMax + 1) * MEMBERS);
/** How many of them each level uses. */
const counts = new Int32Array(limits.jsonDepthMax + 1);

/**
 * One pass over the text, without making anything. `plain`: if this is JSON at all, then without
 * white space, with distinct member names and short numbers. `deep`: nested beyond the limit.
 * `unclear`: look closer. Text that is not JSON gives any of them; the parser says so.
 *
 * Every byte of every credential comes by here, so that the two inner loops stand in place.
 */
function glanceOver(text: Uint8Array): 'plain' | 'deep' | 'unclear' {
  const { length } = text;
  let depth = 0;
  let plain = true;
  for (let index = 0; index < length; ) {
    const unit = text[index++] as number;
    if (unit === QUOTE) {
      let hash = 0;
      let isEscaped = false;
      for (;;) {
        if (index >= length) return 'unclear';
        const inner = text[index++] as number;
        if (inner === QUOTE) break;
        if (inner === BACKSLASH) {
          isEscaped = true;
          index += 1;
        }
        hash = ((hash << 5) - hash + inner) | 0;
      }
      if (index < length && text[index] === COLON) {
        plain &&= !isEscaped && isNewName(depth, hash);
      }
    } else if (unit === MINUS || (unit >= ZERO && unit <= NINE)) {
      const end = endOfPlainNumber(text, index - 1);
      if (end < 0) plain = false;
      // Its digits are passed over either way, or a long number would be looked at from each.
      index = end < 0 ? ~end : end;
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      depth += 1;
      if (depth > limits.jsonDepthMax) return 'deep';
      counts[depth] = 0;
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) {
      if (depth > 0) depth -= 1;
    } else if (unit !== COMMA && unit !== COLON && !(unit >= LOWER_A && unit <= LOWER_Z)) {
      plain = false;
    }
  }
  return plain ? 'plain' : 'unclear';
}

/** Remembers a member's name by its hash; false when it was seen or collides with one that was. */
function isNewName(depth: number, hash: number): boolean {
  const count = counts[depth] ?? MEMBERS;
  if (count >= MEMBERS) return false;
  const first = depth * MEMBERS;
  for (let index = first; index < first + count; index += 1) {
    if (names[index] === hash) return false;
  }
  names[first + count] = hash;
  counts[depth] = count + 1;
  return true;
}

/**
 * Where the number that begins at `start` ends, if a double holds it well enough: a whole number
 * of few digits, a decimal fraction, or whatever a double is written as. Where it is none of these,
 * the complement (`~`) of where its digits end.
 */
function endOfPlainNumber(text: Uint8Array, start: number): number {
  const { length } = text;
  let index = start + 1;
  let point = -1;
  let unit = 0;
  for (; index < length; index += 1) {
    unit = text[index] as number;
    if (unit >= ZERO && unit <= NINE) continue;
    if (unit !== POINT || point >= 0) break;
    point = index;
  }
  const whole = (point < 0 ? index : point) - start;
  const isExponent = index < length && (unit | 0x20) === LOWER_E;
  if (whole <= DIGITS && !isExponent && index - start <= FRACTION) return index;
  // At most 25 characters are needed to write a double.
  const digits = Buffer.from(text.subarray(start, start + 26)).toString('latin1');
  const token = /^[\d.eE+-]{1,25}/.exec(digits)?.[0] ?? '';
  return String(Number(token)) === token ? start + token.length : ~index;
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
      // A string is a member's name unless it follows the colon; in an array there are no names.
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
 * Whether a number keeps its meaning as a double: finite, and, if whole, either exactly what the
 * double is or what a double is written as (52013974083094330 for 52013974083094328). A fraction
 * must not become zero; how it is rounded is the same for every reader.
 */
function isExact(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  // More digits than any double needs would only make the comparison slow.
  if (/^-?\d+$/.test(token)) {
    return String(value) === token || (token.length <= 310 && BigInt(token) === BigInt(value));
  }
  return value !== 0 || !/[1-9]/.test(token.split(/[eE]/)[0] ?? '');
}
