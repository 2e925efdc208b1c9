/** RFC 8785: the published documents and numbers, and any JSON against a writer that knows less. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalize } from '../../../../../devices/credential/proof/jcs.ts';
import { hasShared, sharedPath } from '../../../../support/shared.ts';

function text(...path: string[]): string {
  return readFileSync(sharedPath('vectors', 'jcs-rfc8785', ...path), 'utf8');
}

const documents = hasShared ? readdirSync(sharedPath('vectors', 'jcs-rfc8785', 'input')) : [];

describe.skipIf(!hasShared)('the vectors of RFC 8785', () => {
  it.each(documents)('%s', (name) => {
    const made = canonicalize(JSON.parse(text('input', name)));
    const hex = text('outhex', name.replace('.json', '.txt')).replace(/\s+/g, '');
    expect(made).toBe(text('output', name));
    expect(Buffer.from(made, 'utf8').toString('hex')).toBe(hex);
  });

  it('writes every published number as published', () => {
    expect(documents.length).toBeGreaterThanOrEqual(3);
    const lines = text('es6-numbers-1-1000.csv').trim().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(1000);
    const bits = new DataView(new ArrayBuffer(8));
    for (const line of lines) {
      const [hex = '', expected] = line.trim().split(',');
      bits.setBigUint64(0, BigInt(`0x${hex}`));
      expect(canonicalize(bits.getFloat64(0))).toBe(expected);
    }
  });
});

/**
 * The same form by other means: each member's name as UTF-16 code units in hex, sorted as text of
 * equal units, and every character escaped by hand.
 */
function naive(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(naive).join()}]`;
  if (typeof value === 'object' && value !== null) {
    const units = (name: string): string =>
      [...Array(name.length).keys()]
        .map((at) => name.charCodeAt(at).toString(16).padStart(4, '0'))
        .join('');
    const names = Object.keys(value).sort((a, b) => (units(a) < units(b) ? -1 : 1));
    const members = names.map(
      (name) => `${escaped(name)}:${naive((value as Record<string, unknown>)[name])}`,
    );
    return `{${members.join()}}`;
  }
  return typeof value === 'string' ? escaped(value) : JSON.stringify(value);
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

function escaped(text: string): string {
  const letters = [...text].map((letter) => {
    const short = SHORT[letter];
    if (short !== undefined) return short;
    const code = letter.charCodeAt(0);
    return code < 0x20 ? `\\u${code.toString(16).padStart(4, '0')}` : letter;
  });
  return `"${letters.join('')}"`;
}

describe('canonical JSON', () => {
  const json = fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }).filter(isWellFormed);

  it('is what a slow writer makes of any value', () => {
    fc.assert(fc.property(json, (value) => canonicalize(value) === naive(value)));
  });

  it('is the same however members are ordered, and reads back to the same value', () => {
    const mixed = fc.dictionary(fc.string({ unit: 'binary' }), json);
    fc.assert(
      fc.property(mixed.filter(isWellFormed), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        const text = canonicalize(value);
        expect(canonicalize(turned)).toBe(text);
        expect(canonicalize(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it.each([
    ['lone surrogates', 'a\ud800'],
    ['names with lone surrogates', { '\udc00': 1 }],
    ['infinite numbers', [Number.POSITIVE_INFINITY]],
    ['what is no value', { a: undefined }],
  ])('is nothing for %s', (_, value) => {
    expect(() => canonicalize(value)).toThrow();
  });

  it('keeps members that JavaScript treats specially', () => {
    const value: unknown = JSON.parse('{"10":1,"9":2,"__proto__":3,"-0":-0}');
    expect(canonicalize(value)).toBe('{"-0":0,"10":1,"9":2,"__proto__":3}');
  });
});

function isWellFormed(value: unknown): boolean {
  return !/\p{Surrogate}/u.test(naive(value));
}
