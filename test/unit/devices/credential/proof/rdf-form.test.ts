import { describe, expect, it } from 'vitest';
import { checkRdfForm } from '../../../../../devices/credential/proof/rdf-form.ts';

const document = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  id: 'urn:x:1',
  type: ['VerifiableCredential'],
  credentialSubject: { id: 'urn:x:2', 'https://x.example/of': { id: 'urn:x:1' } },
};

describe('a document that is signed as RDF', () => {
  it('may name itself, and use whole IRIs, below its own members', () => {
    expect(checkRdfForm(document)).toBeUndefined();
  });

  it.each([
    ['the whole IRI of a term', { 'https://www.w3.org/2018/credentials#validUntil': 'x' }],
    ['a prefix', { 'cred:credentialStatus': {} }],
    ['another name of id', { '@id': 'urn:x:3' }],
    ['a nest', { '@nest': { validUntil: 'x' } }],
    ['an included node', { credentialSubject: { '@included': [{ id: 'urn:x:1' }] } }],
    ['a reverse', { credentialSubject: [{ '@reverse': { issuer: {} } }] }],
    ['what looks like a keyword', { credentialSubject: { '@unknown': 1 } }],
    ['statements about itself elsewhere', { evidence: { id: 'urn:x:1', validUntil: 'x' } }],
    ['a prototype', JSON.parse('{"__proto__":{"issuer":"did:web:x.example"}}') as object],
    ['a prototype below', { credentialSubject: JSON.parse('{"__proto__":{"a":1}}') as object }],
  ])('has no %s', (_, members) => {
    expect(checkRdfForm({ ...document, ...members })).toMatchObject({ code: 'VC_RDF_INVALID' });
  });
});
