import { describe, expect, it } from 'vitest';
import { maxAgeOf } from '../../../../../devices/io/resolve/freshness.ts';

describe('freshness', () => {
  it.each([
    [undefined, undefined, undefined],
    ['max-age=60', undefined, 60_000],
    ['public, Max-Age=60', undefined, 60_000],
    ['max-age="60"', undefined, 60_000],
    ['max-age=60', '45', 15_000],
    ['max-age=60', '61', 0],
    ['max-age=60', 'old', 60_000],
    ['max-age=60, no-cache', undefined, 0],
    ['no-store', undefined, 0],
    ['max-age=-1', undefined, undefined],
    ['max-age=1e9', undefined, undefined],
    ['max-age=99999999999', undefined, undefined],
    ['s-maxage=60', undefined, undefined],
    ['private', undefined, undefined],
  ])('of Cache-Control %j and Age %j is %s ms', (control, age, expected) => {
    expect(maxAgeOf({ 'cache-control': control, age })).toBe(expected);
  });
});
