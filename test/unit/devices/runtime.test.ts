import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTime, parseTime, readTimeExactly } from '../../../devices/runtime.ts';

/** The rule in its plainest words: a text is a time when it is written as that time is. */
function slowly(text: string): number | undefined {
  const timeMs = parseTime(text);
  return timeMs !== undefined && formatTime(timeMs) === text ? timeMs : undefined;
}

describe('a time on the wire', () => {
  it('comes back from its text', () => {
    const year1 = -62_135_596_800_000;
    fc.assert(
      fc.property(fc.integer({ min: year1, max: 253_402_300_799_999 }), (timeMs) => {
        expect(readTimeExactly(formatTime(timeMs))).toBe(timeMs);
      }),
    );
  });

  it('is refused exactly where its text is not the one text of a time', () => {
    const start = '2026-02-28T23:59:59.999Z';
    const characters = fc.constantFrom(...'0123456789-:.TZ+ x');
    const changes = fc.array(fc.tuple(fc.nat(start.length), characters), { maxLength: 3 });
    fc.assert(
      fc.property(changes, fc.boolean(), (list, cut) => {
        const letters = [...start];
        for (const [at, letter] of list) letters[at] = letter;
        const text = letters.join('').slice(0, cut ? -1 : undefined);
        expect(readTimeExactly(text)).toBe(slowly(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '2026-02-29T00:00:00.000Z',
    '2026-02-30T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T23:60:00.000Z',
    '2026-01-01T23:59:60.000Z',
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00.000+00:00',
    '',
  ])('is not %j', (text) => {
    expect(readTimeExactly('2026-01-01T00:00:00.000Z')).toBe(1_767_225_600_000);
    expect(readTimeExactly(text)).toBeUndefined();
  });
});
