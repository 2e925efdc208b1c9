import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../../../devices/credential/strict-json.ts';
import { limits } from '../../../../devices/limits.ts';

function refusal(text: string): string | undefined {
  const parsed = parseStrictJson(text);
  return 'code' in parsed ? parsed.code : undefined;
}

function value(text: string): unknown {
  const parsed = parseStrictJson(text);
  return 'value' in parsed ? parsed.value : parsed;
}

describe('strict JSON', () => {
  it('gives what JSON.parse gives for whatever JSON.stringify wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (made) => {
        const text = JSON.stringify(made);
        expect(value(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('gives the same for other spellings: white space, escapes, exponents', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (made) => {
        const text = JSON.stringify(made, null, 2).replaceAll('e', '\\u0065');
        // The letters of true, false and exponents are no escapes outside of strings.
        fc.pre(!/[^"\w]?\b(tru|fals)\\u0065|\d\\u0065/.test(text));
        expect(value(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses every text in which a member is said twice, however deep and however spelt', () => {
    const name = fc.string({ maxLength: 6 });
    fc.assert(
      fc.property(name, fc.jsonValue({ maxDepth: 2 }), fc.nat(3), (key, other, depth) => {
        const member = JSON.stringify(key);
        const escaped = `"${[...key].map(unicodeEscape).join('')}"`;
        const around = (inner: string): string =>
          '[{"a":'.repeat(depth) + inner + '}]'.repeat(depth);
        for (const second of [member, escaped]) {
          const twice = `{${member}:1,"between":${JSON.stringify(other)},${second}:1}`;
          if (key === 'between') continue;
          expect(refusal(around(twice))).toBe('VC_JSON');
        }
        const once = `{${member}:1,"between":${JSON.stringify(other)}}`;
        if (key !== 'between') expect(refusal(around(once))).toBeUndefined();
      }),
    );
  });

  it('takes every double as it is written, alone and among others', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
        const text = `{"a":[0,${JSON.stringify(double)},1],"b":${JSON.stringify(double)}}`;
        expect(value(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('tells names apart whose hashes are the same', () => {
    // "Aa" and "BB" collide under 31·h + c, which the glance uses.
    expect(value('{"Aa":1,"BB":2}')).toEqual({ Aa: 1, BB: 2 });
    expect(refusal('{"Aa":1,"BB":2,"Aa":3}')).toBe('VC_JSON');
  });

  it('allows the same name in different objects, and as a value', () => {
    const text = '{"a":{"a":"a"},"b":[{"a":"a"},{"a":1}],"c":"a"}';
    expect(value(text)).toEqual(JSON.parse(text));
  });

  it('counts more members than the glance remembers', () => {
    const many = Array.from({ length: 100 }, (_, index) => `"m${index}":0`);
    expect(refusal(`{${many.join(',')}}`)).toBeUndefined();
    expect(refusal(`{${many.join(',')},"m50":0}`)).toBe('VC_JSON');
  });

  it.each([
    ['a lone high surrogate', '"\\ud800"'],
    ['a lone surrogate with a capital D', '["\\uD83D"]'],
    ['a fraction that becomes zero', `[0.${'0'.repeat(400)}1]`],
    ['a lone low surrogate in a name', '{"\\uDC00":1}'],
    ['a pair in the wrong order', '"\\udc00\\ud800"'],
    ['something after the value', '{}x'],
    ['a second value', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
    ['nothing', ''],
    ['NaN', 'NaN'],
    ['a number that overflows', '1e400'],
    ['a number that underflows', '1e-400'],
    ['an integer beyond 2^53', '9007199254740993'],
    ['an integer beyond 2^53 in an array', '[1,2,-9007199254740993]'],
    ['a long number that only begins well', '[1e300000000000000000000000000]'],
    ['a trailing comma', '{"a":1,}'],
    ['a comment', '{}/**/'],
  ])('refuses %s', (_, text) => {
    expect(refusal(text)).toBe('VC_JSON');
  });

  it.each([
    ['a pair of surrogates', '"\\ud83d\\ude00"', '😀'],
    ['a backslash before ud', '"\\\\ud800"', '\\ud800'],
    ['the largest safe integer', '9007199254740991', 9007199254740991],
    ['a large double as it is written', '52013974083094330', 52013974083094330],
    ['a power of two beyond it', '18014398509481984', 18014398509481984],
    ['a fraction of many digits', '0.1000000000000000055511151231257827', 0.1],
    ['an exponent', '1.5E3', 1500],
    ['zero with an exponent', '0e-999', 0],
    ['white space', ' { "a" : [ 1 , 2 ] } ', { a: [1, 2] }],
  ])('accepts %s', (_, text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  it('allows the bound of nesting and not one more', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(refusal(nested(limits.jsonDepthMax))).toBeUndefined();
    expect(refusal(nested(limits.jsonDepthMax + 1))).toBe('VC_JSON');
    expect(refusal('{"a":'.repeat(100_000))).toBe('VC_JSON');
    expect(refusal(`"${'['.repeat(1000)}"`)).toBeUndefined();
  });

  it('never throws, whatever the text', () => {
    const tokens = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      '1',
      '-',
      'e',
      '.',
      ' ',
      'a',
      'true',
    );
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        const parsed = parseStrictJson(text);
        if ('value' in parsed) expect(parsed.value).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('looks at a long number once, wherever it stands', () => {
    const before = process.threadCpuUsage().user;
    for (const text of [`{"a":${'9'.repeat(100_000)}}`, `[${'9'.repeat(100_000)}`]) {
      expect(parseStrictJson(text)).toMatchObject({ code: 'VC_JSON' });
    }
    // From each of its digits it took 20 seconds.
    expect((process.threadCpuUsage().user - before) / 1_000).toBeLessThan(1_000);
  });

  function unicodeEscape(character: string): string {
    return [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join('');
  }
});
