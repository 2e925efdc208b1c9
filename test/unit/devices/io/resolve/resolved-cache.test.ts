import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createResolvedCache } from '../../../../../devices/io/resolve/resolved-cache.ts';

describe('the cache of resolved documents', () => {
  it('gives what is kept until the moment it expires', () => {
    const cache = createResolvedCache<string>({ count: 10, bytes: 100 });
    cache.set('a', 'A', { bytes: 1, expiresMs: 50 });
    expect(cache.get('a', 49)).toBe('A');
    expect(cache.get('a', 50)).toBeUndefined();
    expect(cache.get('a', 49)).toBeUndefined();
  });

  it('drops the oldest beyond its number and its bytes', () => {
    const cache = createResolvedCache<string>({ count: 2, bytes: 100 });
    const keep = (did: string, bytes: number) => cache.set(did, did, { bytes, expiresMs: 9 });
    const held = () => ['a', 'b', 'c', 'd'].filter((did) => cache.get(did, 0));
    keep('a', 1);
    keep('b', 1);
    keep('c', 1);
    expect(held()).toEqual(['b', 'c']);
    keep('d', 99);
    expect(held()).toEqual(['c', 'd']);
    keep('b', 2);
    expect(held()).toEqual(['b']);
    keep('a', 101);
    expect(held()).toEqual(['b']);
  });

  it('never holds more than its bounds, whatever is kept', () => {
    const step = fc.record({ did: fc.constantFrom(...'abcdefgh'), bytes: fc.nat(60) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const cache = createResolvedCache<number>({ count: 4, bytes: 100 });
        for (const { did, bytes } of steps) cache.set(did, bytes, { bytes, expiresMs: 1 });
        const kept = [...'abcdefgh'].map((did) => cache.get(did, 0)).filter((x) => x !== undefined);
        expect(kept.length).toBeLessThanOrEqual(4);
        expect(kept.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(100);
        const last = steps.at(-1);
        if (last) expect(cache.get(last.did, 0)).toBe(last.bytes);
      }),
    );
  });
});
