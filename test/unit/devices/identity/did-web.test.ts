import { describe, expect, it } from 'vitest';
import { webPlaceOf } from '../../../../devices/identity/did-web.ts';

describe('did:web', () => {
  it.each([
    ['did:web:mill.example', 'https://mill.example', '', '.well-known/did.json'],
    ['did:web:mill.example%3A8443', 'https://mill.example:8443', '', '.well-known/did.json'],
    ['did:web:mill.example:a:b', 'https://mill.example', 'a/b', 'a/b/did.json'],
  ])('%s names a place', (did, origin, folder, documentPath) => {
    expect(webPlaceOf(did)).toEqual({ origin, folder, documentPath });
  });

  it.each([
    'did:key:z6Mk',
    'did:web:',
    'did:web:localhost',
    'did:web:127.0.0.1',
    'did:web:mill.example:..',
    'did:web:mill.example:a:..:b',
    'did:web:mill.example:%2e%2e',
    'did:web:mill.example:a/b',
    'did:web:mill.example/a',
    'did:web:mill.example:',
    'did:web:mill.example#k',
    'did:web:mill.example:8443:x y',
    'did:web:user@mill.example',
    'did:web:MILL.example',
  ])('%s names none', (did) => {
    expect(webPlaceOf(did)).toBeUndefined();
  });
});
