import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { webPlaceOf } from '../../../../devices/identity/did-web.ts';

const letters = 'abcdefghijklmnopqrstuvwxyz';
const word = fc
  .array(fc.constantFrom(...`${letters}0123456789-`), { minLength: 1, maxLength: 12 })
  .map((parts) => `a${parts.join('')}z`);
const host = fc.array(word, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));
const segment = fc
  .array(fc.constantFrom(...`${letters}${letters.toUpperCase()}0123456789._-`), {
    minLength: 1,
    maxLength: 20,
  })
  .map((parts) => parts.join(''))
  .filter((text) => text !== '.' && text !== '..');
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });

describe('did:web', () => {
  it.each([
    ['did:web:mill.example', 'https://mill.example', '', '.well-known/did.json'],
    ['did:web:mill.example%3A8443', 'https://mill.example:8443', '', '.well-known/did.json'],
    ['did:web:mill.example:a:b', 'https://mill.example', 'a/b', 'a/b/did.json'],
    ['did:web:mill.example%3A1:Org-1', 'https://mill.example:1', 'Org-1', 'Org-1/did.json'],
    ['did:web:xn--mll-0na.example', 'https://xn--mll-0na.example', '', '.well-known/did.json'],
  ])('%s names a place', (did, origin, folder, documentPath) => {
    expect(webPlaceOf(did)).toEqual({ origin, folder, documentPath });
  });

  it.each([
    'did:key:z6Mk',
    'did:web:',
    'did:web',
    'did:web:localhost',
    'did:web:localhost%3A8443',
    'did:web:intranet',
    'did:web:127.0.0.1',
    'did:web:127.1',
    'did:web:2130706433',
    'did:web:0x7f.0.0.0x1',
    'did:web:mill.0x7f',
    'did:web:%5B%3A%3A1%5D',
    'did:web:mill.example.',
    'did:web:.mill.example',
    'did:web:mill..example',
    'did:web:-mill.example',
    'did:web:mill-.example',
    'did:web:mill_1.example',
    'did:web:mill.example:..',
    'did:web:mill.example:.',
    'did:web:mill.example:a:..:b',
    'did:web:mill.example::a',
    'did:web:mill.example:a:',
    'did:web:mill.example:%2e%2e',
    'did:web:mill.example:a%2Fb',
    'did:web:mill.example:a%3Ab',
    'did:web:mill%2Eexample',
    'did:web:mill.example%2Fa',
    'did:web:mill.example%00',
    'did:web:mill.example:a/b',
    'did:web:mill.example:a\\b',
    'did:web:mill.example/a',
    'did:web:mill.example:',
    'did:web:mill.example#k',
    'did:web:mill.example?x',
    'did:web:mill.example:8443:x y',
    'did:web:mill.example%3a8443',
    'did:web:mill.example%3A',
    'did:web:mill.example%3A0',
    'did:web:mill.example%3A0443',
    'did:web:mill.example%3A65536',
    'did:web:mill.example%3A443%3A444',
    'did:web:mill.example%3A443@evil.example',
    'did:web:user@mill.example',
    'did:web:user%40mill.example',
    'did:web:MILL.example',
    'did:WEB:mill.example',
    'DID:web:mill.example',
    'did:web:mıll.example',
    `did:web:${'a'.repeat(64)}.example`,
    `did:web:${'a.'.repeat(130)}example`,
    `did:web:mill.example:${'a'.repeat(65)}`,
    ' did:web:mill.example',
    'did:web:mill.example\n',
  ])('%s names none', (did) => {
    expect(webPlaceOf(did)).toBeUndefined();
  });

  it('may have a short host only where it is named', () => {
    const did = 'did:web:localhost%3A8443:mill';
    expect(webPlaceOf(did, ['localhost'])?.origin).toBe('https://localhost:8443');
    expect(webPlaceOf(did, ['other'])).toBeUndefined();
    // A list of addresses opens networks, never DIDs that are addresses.
    expect(webPlaceOf('did:web:127.0.0.1', ['127.0.0.1'])).toBeUndefined();
    expect(webPlaceOf('did:web:2130706433', ['2130706433'])).toBeUndefined();
  });

  it('and its URL are each made of the other', () => {
    fc.assert(
      fc.property(host, port, fc.array(segment, { maxLength: 4 }), (name, number, path) => {
        const authority = number === undefined ? name : `${name}%3A${number}`;
        const did = ['did:web', authority, ...path].join(':');
        const place = webPlaceOf(did);
        const url = new URL(`${place?.origin}/${place?.documentPath}`);
        expect(url.hostname).toBe(name);
        expect(url.port).toBe(number === undefined || number === 443 ? '' : String(number));
        const back = url.pathname.replace(/^\/|\/?did\.json$/g, '');
        expect(back).toBe(path.length === 0 ? '.well-known' : path.join('/'));
      }),
    );
  });

  it('never names another place than it shows, whatever stands in it', () => {
    const piece = fc.oneof(
      segment,
      host,
      fc.constantFrom('..', '.', '%2e', '%2F', '/', '\\', '@', '#', '?', '%3A', ':', ' ', '\0'),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const place = webPlaceOf(`did:web:mill.example${pieces.join('')}`);
        if (!place) return;
        const url = new URL(`${place.origin}/${place.documentPath}`);
        expect(url.hostname.startsWith('mill.example')).toBe(true);
        expect(url.pathname).toBe(`/${place.documentPath}`);
        expect([url.username, url.search, url.hash]).toEqual(['', '', '']);
      }),
      { numRuns: 2_000 },
    );
  });
});
