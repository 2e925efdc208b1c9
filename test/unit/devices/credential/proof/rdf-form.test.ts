import { describe, expect, it } from 'vitest';
import { contextPins } from '../../../../../devices/credential/proof/context-pins.ts';
import {
  checkProofContext,
  checkRdfForm,
} from '../../../../../devices/credential/proof/rdf-form.ts';
import { isRefusal } from '../../../../../devices/credential/refusal.ts';
import { isObject } from '../../../../../devices/credential/vcdm-values.ts';
import { openDocuments } from '../../../../../devices/io/documents.ts';
import { contextOf } from '../../../../../devices/io/json-ld.ts';
import { hasShared, sharedPath } from '../../../../support/shared.ts';

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
    ['another name of id that EPCIS has', { eventID: 'urn:x:3' }],
    ['itself under that name', { evidence: { eventID: 'urn:x:1', validUntil: 'x' } }],
    ['a member that is none', { baseURL: 'https://x.example' }],
    ['a member below that is none', { evidence: [{ baseURL: 'https://x.example' }] }],
    ['a type by its prefix', { type: ['VerifiableCredential', 'bl:SensorBatchCredential'] }],
    ['a type by its IRI', { type: 'https://w3id.org/bondline/v1#SensorBatchCredential' }],
    [
      'a type of a status by its IRI',
      {
        credentialStatus: {
          type: 'https://www.w3.org/ns/credentials/status#BitstringStatusListEntry',
        },
      },
    ],
    ['a prototype below', { credentialSubject: JSON.parse('{"__proto__":{"a":1}}') as object }],
  ])('has no %s', (_, members) => {
    expect(checkRdfForm({ ...document, ...members })).toMatchObject({ code: 'VC_RDF_INVALID' });
  });

  it('may use types of others by their URLs, and events by their own names', () => {
    const type = ['VerifiableCredential', 'https://x.example/Type', 'urn:x:type'];
    const credentialSubject = { eventID: 'urn:x:event', type: 'ObjectEvent' };
    expect(checkRdfForm({ ...document, type, credentialSubject })).toBeUndefined();
  });

  it('has its contexts at its head, as does each credential that it presents', () => {
    const context = document['@context'];
    const inside = { credentialSubject: { '@context': context, id: 'urn:x:2' } };
    const unknown = { code: 'VC_CONTEXT_UNKNOWN' };
    expect(checkRdfForm({ ...document, ...inside })).toMatchObject(unknown);
    const presented = { type: 'VerifiablePresentation', verifiableCredential: [document] };
    expect(checkRdfForm(presented)).toBeUndefined();
    const twice = { ...presented, verifiableCredential: [{ ...document, ...inside }] };
    expect(checkRdfForm(twice)).toMatchObject(unknown);
  });
});

describe('a proof over RDF', () => {
  it('names the contexts of its document or none', () => {
    const [context] = document['@context'];
    expect(checkProofContext({}, document)).toBeUndefined();
    expect(checkProofContext({ '@context': context }, document)).toBeUndefined();
    for (const other of [null, [], [context, context], { '@vocab': 'urn:x:' }]) {
      const refusal = checkProofContext({ '@context': other }, document);
      expect(refusal).toMatchObject({ code: 'VC_PROOF_CONTEXT' });
    }
  });
});

/** Every term that a context defines, at any depth, with the IRI or keyword that it names. */
function definitionsIn(value: unknown): (readonly [string, string])[] {
  if (Array.isArray(value)) return value.flatMap(definitionsIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    const named = isObject(one) ? (one['@id'] ?? one['@reverse']) : one;
    const own = typeof named === 'string' && !name.startsWith('@') ? [[name, named] as const] : [];
    return [...own, ...definitionsIn(one)];
  });
}

describe.runIf(hasShared)('the contexts that are known', () => {
  const { contexts } = openDocuments(sharedPath('contexts'));
  const urls = Object.keys(contextPins);

  it.each(urls)('%s gives no keyword a name that could hide something', (url) => {
    const context = contextOf(url, contexts);
    expect(isRefusal(context)).toBe(false);
    const others = definitionsIn(context).filter(
      ([name, named]) => named.startsWith('@') && named !== `@${name}`,
    );
    for (const [name] of others) {
      const refusal = checkRdfForm({ ...document, [name]: 'urn:x:3' });
      expect(refusal, name).toMatchObject({ code: 'VC_RDF_INVALID' });
    }
  });

  it.each(urls)('%s has one name for each member that is read', (url) => {
    const read =
      /^(?:cred:|https:\/\/www\.w3\.org\/(?:2018\/credentials|ns\/credentials\/status)#)(.+)$/;
    const renamed = definitionsIn(contextOf(url, contexts)).filter(
      ([name, iri]) => (read.exec(iri)?.[1] ?? name) !== name,
    );
    expect(renamed).toEqual([]);
  });
});
