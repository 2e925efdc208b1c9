import { describe, expect, it } from 'vitest';
import { checkMeaning, checkTerms } from '../../../../devices/credential/vcdm-terms.ts';

const v2 = 'https://www.w3.org/ns/credentials/v2';
const far = 'https://far.example/context';
const near = 'https://near.example/context';

/** A pinned set of one context that names another. */
const contexts = (url: string): unknown =>
  url === near
    ? {
        '@context': {
          '@version': 1.1,
          near: 'https://near.example/#',
          Kind: { '@id': 'near:Kind', '@protected': true, '@context': { inner: 'near:inner' } },
          evidence: { '@id': 'near:evidence', '@context': { Paper: 'near:Paper' } },
          Nothing: null,
        },
      }
    : undefined;

function codeOf(own: readonly unknown[], types: readonly string[], more: object = {}) {
  const payload = { '@context': [v2, ...own], type: ['VerifiableCredential', ...types], ...more };
  return checkMeaning(payload, contexts)?.code;
}

describe('what contexts make of types', () => {
  it.each([
    ['a URL', [], ['https://x.example/#A']],
    ['a term of a context in place', [{ A: 'https://x.example/#A' }], ['A']],
    ['a term by a prefix', [{ x: 'https://x.example/#', A: 'x:A' }], ['A', 'x:B']],
    ['a term by a prefix that comes later', [{ A: 'x:A', x: 'https://x.example/#' }], ['A']],
    ['a term of a pinned context', [near], ['Kind']],
    ['any name under a vocabulary', [{ '@vocab': 'https://x.example/#' }], ['A']],
    ['the same definition again', [near, near, { Kind: contextOfKind() }], ['Kind']],
    ['a term that only an unknown context can explain', [far], ['A']],
  ])('takes %s', (_, own, types) => {
    expect(codeOf(own, types)).toBeUndefined();
  });

  it.each([
    ['a name that is not mapped', [], ['A']],
    ['a name that is mapped to no URL', [{ A: 'https ://x.example/#A' }], ['A']],
    ['a name that is mapped to nothing', [near], ['Nothing']],
    [
      'a name after its vocabulary was taken away',
      [{ '@vocab': 'https://x.example/#' }, { '@vocab': null }],
      ['A'],
    ],
    ['a base term with another meaning', [{ VerifiableCredential: 'https://x.example/#V' }], []],
    ['an alias with another meaning', [{ id: 'https://x.example/#id' }], []],
    ['a protected term with another meaning', [near, { Kind: 'https://x.example/#K' }], ['Kind']],
    ['protected terms that are taken away', [null], []],
    ['a keyword with another meaning', [{ '@id': 'https://x.example/#id' }], []],
    ['a term that is defined by itself', [{ a: 'b:a', b: 'a:b' }], ['a']],
    ['a term that is defined by a number', [{ A: 7 }], ['A']],
  ])('refuses %s', (_, own, types) => {
    expect(codeOf(own, types)).toBe('VC_SCHEMA');
  });

  it('looks at typed objects too, with the contexts of their property', () => {
    expect(codeOf([], [], { termsOfUse: { type: 'Policy' } })).toBe('VC_SCHEMA');
    expect(
      codeOf([], [], { credentialStatus: { type: 'BitstringStatusListEntry' } }),
    ).toBeUndefined();
    expect(codeOf([near], [], { evidence: { type: 'Paper' } })).toBeUndefined();
    expect(codeOf([near], [], { termsOfUse: { type: 'Paper' } })).toBe('VC_SCHEMA');
  });

  it('cannot be told without a context that is not pinned', () => {
    const payload = { '@context': [far], type: ['A'] };
    expect(checkTerms(payload, contexts)?.code).toBe('VC_CONTEXT_MISSING');
    expect(checkMeaning(payload, contexts)).toBeUndefined();
  });
});

function contextOfKind(): object {
  return { '@id': 'near:Kind', '@context': { inner: 'near:inner' } };
}
