import { describe, expect, it } from 'vitest';
import { checkDataModel } from '../../../../devices/credential/vcdm.ts';

const v2 = 'https://www.w3.org/ns/credentials/v2';
const credential = {
  '@context': [v2],
  type: ['VerifiableCredential'],
  issuer: 'did:web:mill.example',
  credentialSubject: { id: 'did:web:meter.example' },
};
const envelope = {
  '@context': v2,
  id: 'data:application/vc+jwt,e30.e30.AA',
  type: 'EnvelopedVerifiableCredential',
};
const presentation = { '@context': [v2], type: ['VerifiablePresentation'] };
const resource = { id: 'https://mill.example/1', digestSRI: `sha384-${'A'.repeat(64)}` };
const typed = { id: 'https://mill.example/1', type: 'https://mill.example/#Kind' };

describe('the data model of a credential', () => {
  it.each([
    ['nothing but what it must have', {}],
    ['contexts by URL and in place', { '@context': [v2, 'https://x.example/', { a: 'b:c' }] }],
    ['several types in any order', { type: ['https://x.example/#A', 'VerifiableCredential'] }],
    ['an id', { id: 'urn:uuid:0b1c' }],
    [
      'a name in a language',
      { name: { '@value': 'Öl', '@language': 'de-AT', '@direction': 'ltr' } },
    ],
    ['names in languages', { name: [{ '@value': 'a', '@language': 'en' }, { '@value': 'b' }] }],
    ['an issuer with a name', { issuer: { id: 'https://mill.example', name: 'Mill' } }],
    ['several subjects', { credentialSubject: [{ id: 'urn:a:1' }, { name: 'x' }] }],
    [
      'one moment from beginning to end',
      { validFrom: '2023-02-01T00:00:00.5Z', validUntil: '2023-02-01T01:00:00.50+01:00' },
    ],
    ['the end of a day, and a leap day', { validFrom: '2024-02-29T24:00:00Z' }],
    ['several states', { credentialStatus: [typed, { type: 'A' }] }],
    ['a schema', { credentialSchema: typed }],
    [
      'resources',
      { relatedResource: [resource, { ...resource, id: 'urn:a:2', mediaType: 'text/csv' }] },
    ],
    ['members that nobody knows', { colour: { id: 7 } }],
  ])('takes %s', (_, changes) => {
    expect(checkDataModel({ ...credential, ...changes })).toBeUndefined();
  });

  it.each([
    ['no context', { '@context': undefined }],
    ['a context that is text', { '@context': v2 }],
    ['the base context later', { '@context': ['https://x.example/', v2] }],
    ['a context that is a number', { '@context': [v2, 5] }],
    ['a context that is no URL', { '@context': [v2, 'x y'] }],
    ['a context that is named twice', { '@context': [v2, 'https://x.example/', v2] }],
    ['a context that stands there twice', { '@context': [v2, { a: 'b:c' }, { a: 'b:c' }] }],
    ['a context that is null', { '@context': [v2, null] }],
    ['several ids', { id: ['urn:a:1', 'urn:a:2'] }],
    ['an id that is null', { id: null }],
    ['an id with a white space', { id: 'https ://x.example' }],
    ['an id with half an octet', { id: 'https://x.example/%2' }],
    ['an id without a scheme', { id: 'mill' }],
    ['no type', { type: undefined }],
    ['an empty type', { type: ['VerifiableCredential', ''] }],
    ['another type', { type: ['Credential'] }],
    ['a type that is no text', { type: ['VerifiableCredential', 7] }],
    ['a name with another member', { name: { '@value': 'a', url: 'b:c' } }],
    ['a name without a value', { name: { '@language': 'en' } }],
    ['a name of another direction', { name: { '@value': 'a', '@direction': 'up' } }],
    ['a name in no language', { name: { '@value': 'a', '@language': 'not a tag' } }],
    ['a description that is a number', { description: 7 }],
    ['no issuer', { issuer: undefined }],
    ['an issuer that is null', { issuer: null }],
    ['several issuers', { issuer: ['urn:a:1', 'urn:a:2'] }],
    ['an issuer without id', { issuer: { name: 'Mill' } }],
    ['an issuer whose name is a number', { issuer: { id: 'urn:a:1', name: 7 } }],
    ['no subject', { credentialSubject: undefined }],
    ['no subjects', { credentialSubject: [] }],
    ['a subject that is empty', { credentialSubject: [{ id: 'urn:a:1' }, {}] }],
    ['a subject that is text', { credentialSubject: 'urn:a:1' }],
    ['a subject of two ids', { credentialSubject: { id: ['urn:a:1', 'urn:a:2'] } }],
    ['a time without a zone', { validFrom: '2023-02-01T00:00:00' }],
    ['a day that is none', { validFrom: '2023-02-29T00:00:00Z' }],
    ['an hour that is none', { validFrom: '2023-02-01T24:00:01Z' }],
    ['a zone that is none', { validFrom: '2023-02-01T00:00:00+14:01' }],
    ['a year that is none', { validFrom: '02023-02-01T00:00:00Z' }],
    ['a date alone', { validUntil: '2023-02-01' }],
    ['a time that is a number', { validUntil: 1 }],
    [
      'an end before its beginning',
      { validFrom: '2023-02-01T00:00:00.001Z', validUntil: '2023-02-01T00:00:00Z' },
    ],
    ['a status without a type', { credentialStatus: { id: 'urn:a:1' } }],
    ['a status that is text', { credentialStatus: 'urn:a:1' }],
    ['a status whose id is no URL', { credentialStatus: { ...typed, id: 'x y' } }],
    ['a schema without an id', { credentialSchema: { type: 'JsonSchema' } }],
    ['a service for refreshing without a type', { refreshService: { id: 'urn:a:1' } }],
    ['terms of use without a type', { termsOfUse: {} }],
    ['evidence without a type', { evidence: [{ id: 'urn:a:1' }] }],
    ['a resource without a digest', { relatedResource: { id: 'urn:a:1' } }],
    ['a resource twice', { relatedResource: [resource, resource] }],
    ['a resource that is text', { relatedResource: 'urn:a:1' }],
    ['a resource without a URL', { relatedResource: { ...resource, id: 'x' } }],
    ['a digest that is none', { relatedResource: { ...resource, digestSRI: 'md5-AAAA' } }],
    ['a media type that is none', { relatedResource: { ...resource, mediaType: 'csv' } }],
    ['a proof that is text', { proof: 'proven' }],
  ])('refuses %s', (_, changes) => {
    expect(checkDataModel({ ...credential, ...changes })).toMatchObject({ code: 'VC_SCHEMA' });
  });
});

describe('the data model of a presentation', () => {
  it.each([
    ['nothing', {}],
    ['a credential', { verifiableCredential: credential }],
    ['credentials and envelopes', { verifiableCredential: [credential, envelope] }],
    ['a holder', { holder: 'did:web:mill.example' }],
    ['a holder with a name', { holder: { id: 'did:web:mill.example', name: 'Mill' } }],
  ])('takes %s', (_, changes) => {
    expect(checkDataModel({ ...presentation, ...changes }, 'presentation')).toBeUndefined();
  });

  it.each([
    ['another type', { type: ['VerifiableCredential'] }],
    ['a credential as text', { verifiableCredential: ['e30.e30.AA'] }],
    [
      'a credential without issuer',
      { verifiableCredential: [{ ...credential, issuer: undefined }] },
    ],
    ['an envelope without a type', { verifiableCredential: [{ ...envelope, type: undefined }] }],
    [
      'an envelope without a context',
      { verifiableCredential: [{ ...envelope, '@context': undefined }] },
    ],
    ['an envelope that is elsewhere', { verifiableCredential: [{ ...envelope, id: 'urn:a:1' }] }],
    [
      'an envelope with nothing in it',
      { verifiableCredential: [{ ...envelope, id: 'data:application/vc+jwt,' }] },
    ],
    ['a holder without an id', { holder: { name: 'Mill' } }],
    ['terms of use without a type', { termsOfUse: {} }],
  ])('refuses %s', (_, changes) => {
    expect(checkDataModel({ ...presentation, ...changes }, 'presentation')).toMatchObject({
      code: 'VC_SCHEMA',
    });
  });

  it('is not that of a credential', () => {
    expect(checkDataModel(credential, 'presentation')).toMatchObject({ code: 'VC_SCHEMA' });
    expect(checkDataModel(presentation)).toMatchObject({ code: 'VC_SCHEMA' });
  });
});
