/**
 * JSON Canonicalization Scheme (RFC 8785): the one text of a JSON value, whatever order and
 * spacing it came in.
 */
import { strict as assert } from 'node:assert';

/**
 * The canonical text of a JSON value. What is no JSON value (`undefined`, infinite numbers, lone
 * surrogates) is a mistake of ours: strict reading refuses it in what others send.
 */
export function canonicalize(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') {
    // RFC 8785 §3.2.2.3: numbers are written as ECMAScript does; minus zero is 0.
    assert(Number.isFinite(value), 'JSON has no infinite numbers');
    return String(value);
  }
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalize).join(',')}]`;
  assert(typeof value === 'object', 'only JSON values have a canonical form');
  // RFC 8785 §3.2.3: names are sorted by their UTF-16 code units, which is what sort() compares.
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${quote(name)}:${canonicalize(member)}`).join(',')}}`;
}

/** Under the `u` flag a pair of surrogates is one character, so only a lone one matches. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** RFC 8785 §3.2.2.2 asks for the escapes that ECMAScript makes. */
function quote(text: string): string {
  assert(!LONE_SURROGATE.test(text), 'a lone surrogate has no canonical form');
  return JSON.stringify(text);
}
