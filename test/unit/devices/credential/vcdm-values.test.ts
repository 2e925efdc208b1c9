import { describe, expect, it } from 'vitest';
import { inRelatedResources } from '../../../../devices/credential/vcdm-resources.ts';
import {
  isDataUrl,
  isLanguageText,
  isUrl,
  readDateTimeStamp,
} from '../../../../devices/credential/vcdm-values.ts';

describe('a data: URL', () => {
  it.each([
    ['data:,x'],
    ['data:application/vc+jwt,e30.e30.AA'],
    ['data:application/vc+jwt;base64,ZTMw'],
    ['data:text/plain;charset="utf-8";base64,x,y'],
  ])('is %s', (text) => {
    expect(isDataUrl(text)).toBe(true);
    expect(isUrl(text)).toBe(true);
  });

  it.each([
    ['nothing in it', 'data:text/plain,'],
    ['no comma', 'data:text/plain;base64'],
    ['a quote before its parameters', 'data:text"/plain,x'],
    ['a white space', 'data:text/plain,x y'],
    ['a white space before the comma', 'data:text /plain,x'],
    ['another scheme and a space', 'date:text/plain,x y'],
    ['no text', 7],
  ])('is not one with %s', (_, value) => {
    expect(isDataUrl(value)).toBe(false);
    expect(isUrl(value)).toBe(false);
  });
});

describe('a fraction of a second', () => {
  it('loses its zeros at the end, and no others', () => {
    const fractionOf = (digits: string) =>
      readDateTimeStamp(`2026-01-01T00:00:00.${digits}Z`)?.fraction;
    expect(fractionOf('500')).toBe('5');
    expect(fractionOf('0500100')).toBe('05001');
    expect(fractionOf('000')).toBe('');
  });
});

describe('a check of hostile text', () => {
  const SMALL = 5_000;
  const TIMES = 32;

  /** The least of several runs, milliseconds of work; what is too short to tell counts as one. */
  function timeOf(check: () => unknown): number {
    const runs = Array.from({ length: 5 }, () => {
      const start = process.cpuUsage();
      check();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1_000;
    });
    return Math.max(1, Math.min(...runs));
  }

  const related = (digest: object) => inRelatedResources({ id: 'urn:a:1', ...digest });

  it.each<[string, (length: number) => unknown]>([
    ['a data: URL of semicolons', (length) => isUrl(`data:${';'.repeat(length)}`)],
    ['a data: URL of commas and a space', (length) => isDataUrl(`data:${','.repeat(length)} `)],
    ['a URL of octets', (length) => isUrl(`a:${'%41'.repeat(length)} `)],
    ['a scheme without end', (length) => isUrl('a'.repeat(length))],
    [
      'a time of zeros before a one',
      (length) => readDateTimeStamp(`2026-01-01T00:00:00.${'0'.repeat(length)}1Z`),
    ],
    [
      'a time without zone',
      (length) => readDateTimeStamp(`2026-01-01T00:00:00.${'1'.repeat(length)}`),
    ],
    ['a year', (length) => readDateTimeStamp(`${'1'.repeat(length)}-01-01T00:00:00Z`)],
    [
      'a language tag',
      (length) => isLanguageText({ '@value': '', '@language': `a${'-aaaaaaaa'.repeat(length)}!` }),
    ],
    ['a digest', (length) => related({ digestSRI: `sha256-${'a'.repeat(length)}!` })],
    ['many digests', (length) => related({ digestSRI: 'sha256-a '.repeat(length) })],
    [
      'a digest with options',
      (length) => related({ digestSRI: `sha256-a?${'?'.repeat(length)} ` }),
    ],
    ['a digest in base 58', (length) => related({ digestMultibase: `z${'z'.repeat(length)}` })],
    [
      'a media type',
      (length) =>
        related({
          digestMultibase: 'uEiBZlVztZpfWHgPyslVv6-UwirFoQoRvW1htfx963sknNA',
          mediaType: `a/b${' '.repeat(length)}x`,
        }),
    ],
  ])('takes no more than its length: %s', (_, check) => {
    const small = timeOf(() => check(SMALL));
    const large = timeOf(() => check(SMALL * TIMES));
    // Work by the square of the length would be a thousand times as much, and many seconds.
    expect(large / small).toBeLessThan(TIMES * 6);
  });
});
