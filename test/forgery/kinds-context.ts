/** Deceits with JSON-LD: contexts that change what signed members mean, members nobody signed. */
import type { DocumentKind, DocumentMade, DocumentPlace } from './case.ts';
import { claimed } from './kinds-proof.ts';
import { stranger } from './world.ts';

const codes = [
  'VC_CONTEXT_UNSIGNED',
  ...['VC_PROOF_CONTEXT', 'VC_SIGNATURE', 'VC_SCHEMA', 'VC_RDF_INVALID', 'VC_CONTEXT_UNKNOWN'],
  ...['VC_CONTEXT_MISSING', 'VC_CONTRADICTION', 'VC_ISSUER', 'VC_ENVELOPE', 'VC_JSON'],
  ...['VC_PROOF', 'VC_PROOF_CHAIN', 'VC_PROOF_SUITE', 'VC_EXPIRED', 'VC_STATUS_INVALID'],
  ...['VC_STATUS_MISSING', 'VC_STATUS_UNSUPPORTED', 'VC_NOT_YET_VALID', 'VC_HOLDER'],
] as const;

const contextsOf = ({ document }: DocumentPlace): unknown[] => [document['@context']].flat();

const INJECTED: readonly [string, unknown][] = [
  ['a vocabulary for all', { '@vocab': 'https://forger.example/#' }],
  ['a vocabulary of blank nodes', { '@vocab': '_:' }],
  ['a base', { '@base': 'https://forger.example/' }],
  ['a new meaning of issuer', { issuer: 'https://forger.example/issuer' }],
  ['a new meaning of the subject', { credentialSubject: 'https://forger.example/subject' }],
  ['a term dropped', { validUntil: null }],
  ['a term of its own', { undefinedMember: 'https://forger.example/member' }],
  ['an import', { '@import': 'https://forger.example/context.jsonld' }],
  ['terms taken back', { '@protected': false, '@version': 1.1 }],
  ['a language', { '@language': 'tlh' }],
  ['an unknown URL', 'https://forger.example/context.jsonld'],
  ['an inward URL', 'http://169.254.169.254/latest'],
  ['a file', 'file:///etc/passwd'],
  ['data', 'data:application/ld+json,{"@context":{}}'],
  ['one that is known', 'https://www.w3.org/2018/credentials/examples/v1'],
  ['undefined terms', 'https://www.w3.org/ns/credentials/undefined-terms/v2'],
  ['the first again', 'https://www.w3.org/ns/credentials/v2'],
  ['null', null],
  ['a number', 7],
];

const kind = (name: string, forge: DocumentKind['forge']): DocumentKind => ({
  name: `context: ${name}`,
  codes,
  forge,
});

const withContexts = (
  place: DocumentPlace,
  contexts: readonly unknown[],
): DocumentPlace['document'] => ({
  ...place.document,
  '@context': contexts,
});

type Put = (place: DocumentPlace, added: unknown) => DocumentMade;

/** Into all proofs too, so that they seem to cover it. */
const coveringly: Put = (place, contexts) => ({
  ...inProofs(place, contexts),
  '@context': contexts,
});

function inProofs({ document }: DocumentPlace, contexts: unknown): DocumentPlace['document'] {
  const proofs = [document['proof']].flat() as object[];
  const covering = proofs.map((proof) => ({ ...proof, '@context': contexts }));
  return { ...document, proof: covering.length === 1 ? covering[0] : covering };
}

/**
 * Over RDF a known context that no member needs leaves all statements as they are, so that is no
 * forgery. The other one that is known gives protected terms another meaning.
 */
const saysNothing = ({ over }: DocumentPlace, added: unknown): boolean =>
  over === 'rdf' && added === 'https://www.w3.org/ns/credentials/undefined-terms/v2';

/** Beside the others, where a context changes no more than its terms say. */
const BESIDE: readonly [string, Put][] = [
  ['behind', (place, added) => withContexts(place, [...contextsOf(place), added])],
  [
    'second',
    (place, added) => {
      const [first, ...rest] = contextsOf(place);
      return withContexts(place, [first, added, ...rest]);
    },
  ],
  ['behind, in the proofs too', (place, added) => coveringly(place, [...contextsOf(place), added])],
];

const ELSEWHERE: readonly [string, Put][] = [
  ['first', (place, added) => withContexts(place, [added, ...contextsOf(place)].slice(0, 9))],
  ['in the proofs alone', (place, added) => inProofs(place, [...contextsOf(place), added])],
  [
    'inside of the subject',
    (place, added) => {
      const subject = place.document['credentialSubject'];
      if (typeof subject !== 'object') return undefined;
      return { ...place.document, credentialSubject: { ...subject, '@context': added } };
    },
  ],
];

const contextKinds: readonly DocumentKind[] = INJECTED.flatMap(([name, added]) => [
  ...BESIDE.map(([where, put]) =>
    kind(`${name}, ${where}`, (place) =>
      saysNothing(place, added) ? undefined : put(place, added),
    ),
  ),
  ...ELSEWHERE.map(([where, put]) => kind(`${name}, ${where}`, (place) => put(place, added))),
]);

/** What `contextKinds` leave out, since it is the same credential. */
export const sameContexts: readonly DocumentKind[] = INJECTED.flatMap(([name, added]) =>
  BESIDE.map(([where, put]) =>
    kind(`${name}, ${where}`, (place) =>
      saysNothing(place, added) ? put(place, added) : undefined,
    ),
  ),
);

const ADDED: readonly [string, object][] = [
  ['a member that no context knows', { undefinedMember: 'forged' }],
  ['a member that looks like issuer', { іssuer: stranger.did }],
  ['a prototype', JSON.parse('{"__proto__":{"issuer":"did:web:stranger.example"}}')],
  ['a constructor', JSON.parse('{"constructor":{"prototype":{}}}')],
  ['a name', { name: 'forged' }],
  ['a graph', { '@graph': [{ id: 'urn:x:1' }] }],
  ['included nodes', { '@included': [{ id: 'urn:x:1' }] }],
  ['a reverse', { '@reverse': { issuer: { id: 'urn:x:1' } } }],
  ['an identity besides id', { '@id': 'urn:x:1' }],
  ['a type besides type', { '@type': 'ExampleAlumniCredential' }],
  ['a name made of an URL', { 'https://www.w3.org/2018/credentials#issuer': { id: stranger.did } }],
  ['a second end', { expirationDate: '2027-01-01T00:00:00Z' }],
  ['the claims of VCDM 1.1', { vc: { issuer: stranger.did } }],
  ['evidence', { evidence: [{ id: 'urn:x:1', type: 'ExampleEvidence' }] }],
  ['terms of use', { termsOfUse: { type: 'IssuerPolicy' } }],
  ['a status that nobody set', { credentialStatus: { type: 'BitstringStatusListEntry' } }],
  ['a validity', { validUntil: '2999-01-01T00:00:00Z' }],
  ['a related resource', { relatedResource: { id: 'urn:x:1', digestSRI: 'sha256-AAAA' } }],
];

const addedKinds: readonly DocumentKind[] = ADDED.flatMap(([name, members]) => [
  kind(`${name} added`, (place) => ({ ...place.document, ...members })),
  kind(`${name} added to the subject`, (place) => {
    const subject = place.document['credentialSubject'];
    if (typeof subject !== 'object') return undefined;
    return { ...place.document, credentialSubject: { ...subject, ...members } };
  }),
]);

const terms = 'https://www.w3.org/2018/credentials#';
const xsd = 'http://www.w3.org/2001/XMLSchema#dateTime';

/** The end of a document as the same RDF, where nobody looks who reads members by their names. */
const HIDDEN: readonly [string, (until: unknown, id: unknown) => object][] = [
  [
    'under its whole IRI',
    (until) => ({ [`${terms}validUntil`]: { '@type': xsd, '@value': until } }),
  ],
  ['under a prefix', (until) => ({ 'cred:validUntil': { '@type': xsd, '@value': until } })],
  ['in a nest', (validUntil) => ({ '@nest': { validUntil } })],
  ['in an included node', (validUntil, id) => ({ '@included': [{ id, validUntil }] })],
];

const hidden: readonly DocumentKind[] = HIDDEN.flatMap(([name, hide]) => [
  kind(`the end ${name}`, ({ document, over }) => {
    const { validUntil, ...rest } = document as Record<string, unknown>;
    return over === 'rdf' ? { ...rest, ...hide(validUntil, rest['id']) } : undefined;
  }),
  kind(`the end ${name}, inside of the subject`, ({ document, over }) => {
    const { validUntil, credentialSubject, ...rest } = document as Record<string, object>;
    const subject = { ...credentialSubject, ...hide(validUntil, rest['id']) };
    return over === 'rdf' ? { ...rest, credentialSubject: subject } : undefined;
  }),
]);

const epcis = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
const withEpcis = (place: DocumentPlace, members: object): DocumentMade =>
  place.over === 'rdf'
    ? { ...place.document, '@context': [...contextsOf(place), epcis], ...members }
    : undefined;

/** The same RDF, or members that are in none, by names that a known context gives to keywords. */
const renamed: readonly DocumentKind[] = [
  kind('the id under a second name', (place) => {
    const { id, ...rest } = place.document as Record<string, unknown>;
    return withEpcis({ ...place, document: rest }, { eventID: id });
  }),
  kind('a second id under a second name', (place) => withEpcis(place, { eventID: 'urn:x:1' })),
  kind('a member that is none', (place) => withEpcis(place, { baseURL: stranger.did })),
  kind('a member that is none, inside of the subject', (place) => {
    const subject = place.document['credentialSubject'] as object;
    return withEpcis(place, { credentialSubject: { ...subject, baseURL: stranger.did } });
  }),
  kind('the type under its whole IRI', ({ document, over }) =>
    over === 'rdf' ? { ...document, type: [`${terms}VerifiableCredential`] } : undefined,
  ),
  kind('the type under both its names', ({ document, over }) =>
    over === 'rdf'
      ? { ...document, type: ['VerifiableCredential', `${terms}VerifiableCredential`] }
      : undefined,
  ),
];

const bombs: readonly DocumentKind[] = [
  kind('bomb: nested deep', (place) => {
    const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    return JSON.stringify(place.document).replace('{', `{"x":${deep},`);
  }),
  kind('bomb: many contexts', (place) =>
    withContexts(place, [...contextsOf(place), ...Array.from({ length: 2_000 }, () => 'urn:x:1')]),
  ),
  kind('bomb: a data: URL of semicolons', ({ document }) => ({
    ...document,
    id: `data:${';'.repeat(80_000)}`,
  })),
  kind('bomb: terms that rest on one another', (place) => {
    const terms = Array.from({ length: 4_000 }, (_, at) => [`t${at}`, `t${at + 1}:x`]);
    return withContexts(place, [...contextsOf(place), Object.fromEntries(terms)]);
  }),
  kind('bomb: contexts in every part', (place) => {
    const parts = Array.from({ length: 1_000 }, (_, at) => ({
      type: 'https://x.example/#Part',
      '@context': [...contextsOf(place), { [`own${at}`]: 'https://x.example/' }],
    }));
    return { ...place.document, termsOfUse: parts };
  }),
  kind('bomb: nodes that look alike', (place) => {
    const names = Array.from({ length: 12 }, (_, at) => `_:n${at}`);
    const nodes = names.map((id) => ({
      id,
      'https://x.example/knows': names.filter((one) => one !== id).map((one) => ({ id: one })),
    }));
    return { ...claimed(place), proof: place.document['proof'], 'https://x.example/all': nodes };
  }),
];

export const jsonLdKinds: readonly DocumentKind[] = [
  ...contextKinds,
  ...addedKinds,
  ...hidden,
  ...renamed,
  ...bombs.map((one) => ({ ...one, codes: [...codes, 'VC_RDF_WORK'] })),
];
