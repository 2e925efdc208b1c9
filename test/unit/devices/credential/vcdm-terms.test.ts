import { describe, expect, it } from 'vitest';
import { isUndecided, refuse } from '../../../../devices/credential/refusal.ts';
import { checkMeaning, checkTerms, readingOf } from '../../../../devices/credential/vcdm-terms.ts';

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
  return checkMeaning(payload, { contexts })?.code;
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
    expect(checkMeaning(payload, { contexts })).toBeUndefined();
  });
});

describe('contexts that are made to choke whoever reads them', () => {
  /** A pinned set that counts how often it is asked. */
  function counting() {
    let asked = 0;
    const terms = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`term${at}`, `https://near.example/#${at}`]),
    );
    const source = (url: string): unknown => {
      if (url !== near) return undefined;
      asked += 1;
      return { '@context': terms };
    };
    return { source, asked: () => asked };
  }

  const inSubjects = (context: unknown, count: number) => ({
    '@context': [v2],
    type: ['VerifiableCredential'],
    credentialSubject: Array.from({ length: count }, () => ({
      type: 'term1',
      '@context': context,
    })),
  });

  it('are read once where many parts name the same', () => {
    const { source, asked } = counting();
    expect(checkMeaning(inSubjects([near], 3_000), { contexts: source })).toBeUndefined();
    expect(asked()).toBe(1);
  });

  it('are read once for all parts of a file', () => {
    const { source, asked } = counting();
    const reading = readingOf({ contexts: source });
    for (let part = 0; part < 3; part += 1) {
      expect(checkMeaning(inSubjects([near], 2), { reading })).toBeUndefined();
    }
    expect(asked()).toBe(1);
  });

  it('are given up beyond a bound, over all parts of a file, which decides nothing', () => {
    const { source } = counting();
    const reading = readingOf({ contexts: source });
    // Each is another context, so that each is applied to all terms of the one before.
    const part = (from: number) => ({
      ...inSubjects([near], 0),
      credentialSubject: Array.from({ length: 1_000 }, (_, at) => ({
        '@context': [near, { [`own${from + at}`]: 'https://x.example/' }],
      })),
    });
    const codes = Array.from(
      { length: 8 },
      (_, at) => checkMeaning(part(at * 1_000), { reading })?.code,
    );
    expect(codes[0]).toBeUndefined();
    expect(codes.at(-1)).toBe('VC_RDF_WORK');
    expect(isUndecided('VC_RDF_WORK')).toBe(true);
    expect(reading.left).toBeLessThan(0);
  });

  it('may let terms rest on one another, but not deeper than anybody means', () => {
    const chain = (length: number) => ({
      ...Object.fromEntries(Array.from({ length }, (_, at) => [`t${at}`, `t${at + 1}:x`])),
      [`t${length}`]: 'https://x.example/#',
    });
    expect(codeOf([chain(60)], ['t0'])).toBeUndefined();
    expect(codeOf([chain(64)], ['t0'])).toBe('VC_RDF_WORK');
    expect(codeOf([chain(6_000)], ['t0'])).toBe('VC_RDF_WORK');
  });

  it('may have long vocabularies, but not for thousands of types', () => {
    const vocabulary = { '@vocab': `https://x.example/${'x'.repeat(100_000)}` };
    const types = Array.from({ length: 10_000 }, (_, at) => `a${at}`);
    expect(codeOf([vocabulary], types.slice(0, 3))).toBeUndefined();
    expect(codeOf([vocabulary], types)).toBe('VC_RDF_WORK');
  });

  it('are not read for what is refused already, but for what is open', () => {
    const { source, asked } = counting();
    const context = { contexts: source };
    const refused = refuse('VC_SIGNATURE', 'x');
    expect(checkMeaning(inSubjects([near], 1), context, refused)).toBe(refused);
    expect(asked()).toBe(0);
    const open = refuse('VC_DOCUMENT_MISSING', 'x');
    expect(checkMeaning(inSubjects([near], 1), context, open)).toBe(open);
    expect(asked()).toBe(1);
    expect(checkMeaning({ type: ['Unmapped'] }, context, open)?.code).toBe('VC_SCHEMA');
  });
});

function contextOfKind(): object {
  return { '@id': 'near:Kind', '@context': { inner: 'near:inner' } };
}
