/** Tokens, presentations and envelopes: each part judged, the whole as good as its worst. */
import { describe, expect, it } from 'vitest';
import { addProof } from '../../../../devices/credential/proof/add-proof.ts';
import { limits } from '../../../../devices/limits.ts';
import { memoryOrganisation, memorySigner } from '../../../support/identity.ts';
import {
  atMs,
  claim,
  created,
  envelope,
  judge,
  mill,
  present,
  presentation,
  rail,
  token,
  uuid,
  v2,
  vp,
  withDocuments,
} from '../../../support/presented.ts';

describe('a token whose kid', () => {
  const by = { iss: mill.did };
  it.each([
    ['is a fragment', { kid: '#key-1' }, {}, 'VC_HEADER'],
    ['is a fragment, with iss in the header', { kid: '#key-1', ...by }, {}, 'VC_VALID'],
    ['is a fragment, with iss in the payload', { kid: '#key-1' }, by, 'VC_VALID'],
    ['is a name', { kid: 'key-1' }, {}, 'VC_HEADER'],
    ['is a name, with iss', { kid: 'key-1' }, by, 'VC_VALID'],
    ['is a name that nobody has, with iss', { kid: 'key-2' }, by, 'VC_KEY_UNKNOWN'],
    ['is a thumbprint', { kid: 'urn:ietf:params:oauth:jwk-thumbprint:x' }, {}, 'VC_HEADER'],
    ['has the DID of the issuer', { kid: `${mill.did}#key-1` }, {}, 'VC_VALID'],
    ['has the DID of another, with iss', { kid: `${rail.did}#key-1` }, by, 'VC_ISSUER'],
    // VC-JOSE-COSE §4.1.1: a key of a DID is always named.
    ['is absent, with iss', { kid: undefined }, by, 'VC_HEADER'],
    ['is absent', { kid: undefined }, {}, 'VC_HEADER'],
    ['is empty, with iss', { kid: '' }, by, 'VC_HEADER'],
  ])('%s', (_, header, payload, code) => {
    expect(judge(token(claim(payload), header)).code).toBe(code);
  });

  it('is a fragment of a did:key is not enough either', () => {
    const device = memorySigner();
    const fragment = device.keyId.slice(device.keyId.indexOf('#'));
    const own = { ...mill, did: device.did, signer: device };
    const of = (header: object): string =>
      judge(token(claim({ issuer: device.did }), header, own)).code;
    expect(of({ kid: fragment })).toBe('VC_HEADER');
    expect(of({ kid: fragment, iss: device.did })).toBe('VC_VALID');
    expect(of({})).toBe('VC_VALID');
  });

  it('is absent is no obstacle where the issuer is an address with one key', () => {
    const address = 'https://mill.example/issuers/1';
    const web = memoryOrganisation(address, 'Mill');
    const [method] = web.document['verificationMethod'] as readonly object[];
    const another = { ...method, id: `${address}#key-2` };
    const keys = [method, another];
    const both = [`${address}#key-1`, `${address}#key-2`];
    const of = (payload: object, header: object, document: object = {}) => {
      const documents = withDocuments([{ ...web, document: { ...web.document, ...document } }]);
      const made = token(
        claim({ issuer: address, ...payload }),
        { kid: undefined, ...header },
        web,
      );
      return judge(made, { documents });
    };
    expect(of({ iss: address }, {})).toMatchObject({ code: 'VC_VALID', keyId: null, keyIds: [] });
    expect(of({}, { iss: address }).code).toBe('VC_VALID');
    expect(of({}, {}).code).toBe('VC_HEADER');
    expect(of({ iss: mill.did }, {}).code).toBe('VC_HEADER');
    const two = { verificationMethod: keys, assertionMethod: both };
    expect(of({ iss: address }, {}, two)).toMatchObject({
      verdict: 'undecided',
      code: 'VC_KEY_UNNAMED',
    });
    expect(of({ iss: address }, {}, { verificationMethod: keys }).code).toBe('VC_VALID');
    expect(of({ iss: address }, {}, { assertionMethod: [] }).code).toBe('VC_KEY_UNKNOWN');
    const forged = of({ iss: address }, {}, memoryOrganisation(address, 'Other').document);
    expect(forged.code).toBe('VC_SIGNATURE');
  });
});

describe('a token whose header', () => {
  it.each([
    ['says nothing', { typ: undefined, cty: undefined }, 'VC_VALID'],
    ['names the media type in full, in any case', { typ: 'Application/VC+JWT' }, 'VC_VALID'],
    ['names a draft', { typ: 'vc+ld+jwt' }, 'VC_TYPE'],
    ['names any JWT', { typ: 'JWT' }, 'VC_TYPE'],
    ['names a presentation', vp, 'VC_SCHEMA'],
    ['names the issuer', { iss: mill.did }, 'VC_VALID'],
    ['names another issuer', { iss: rail.did }, 'VC_ISSUER'],
    ['names no issuer by its iss', { iss: 7 }, 'VC_HEADER'],
    ['has the content of a presentation', { cty: 'vp' }, 'VC_TYPE'],
  ])('%s', (_, header, code) => {
    expect(judge(token(claim(), header)).code).toBe(code);
  });

  it('names a draft is taken where the reader wants it', () => {
    for (const typ of ['vc+ld+jwt', 'vc-ld+jwt', 'vc+ld+json+jwt', 'JWT']) {
      const legacy = token(claim(), { typ, cty: 'vc+ld+json' });
      expect(judge(legacy, { legacyTypes: true }).code, typ).toBe('VC_VALID');
      expect(judge(legacy).code, typ).toBe('VC_TYPE');
    }
  });

  it('carries iat as text too; as a number it is not in the future', () => {
    expect(judge(token(claim({ iat: '2010-01-01T19:23:24Z' }))).code).toBe('VC_VALID');
    const latest = (atMs + limits.clockSkewMs) / 1000;
    expect(judge(token(claim({ iat: latest }))).code).toBe('VC_VALID');
    expect(judge(token(claim({ iat: latest + 1 }))).code).toBe('VC_NOT_YET_VALID');
    expect(judge(present({ iat: latest + 1 })).code).toBe('VC_NOT_YET_VALID');
  });

  it('is good around a proof that holds, and not around one that does not', async () => {
    const inside = await addProof(claim(), mill.signer, { purpose: 'assertionMethod', created });
    expect(judge(token(inside)).code).toBe('VC_VALID');
    expect(judge(token({ ...inside, name: 'Other' })).code).toBe('VC_SIGNATURE');
  });
});

describe('a credential under COSE', () => {
  it.each([
    ['in base64', '0oRYJqEBJqBYAnt9WEA'],
    ['in hexadecimal digits', 'd2845826a10126a058027b7d5840'],
    ['cut off', 'd284'],
  ])('%s is left open, since it is not judged here', (_, text) => {
    expect(judge(text)).toMatchObject({ verdict: 'undecided', code: 'VC_FORM_UNSUPPORTED' });
  });

  it('is none with dots in it', () => {
    expect(judge('0oR.e30.AAAA').code).not.toBe('VC_FORM_UNSUPPORTED');
  });
});

describe('a presentation as a token', () => {
  it('is valid with all that is in it, and each part says so', () => {
    const report = judge(present());
    expect(report).toMatchObject({ verdict: 'valid', form: 'vp+jwt', issuer: mill.did });
    expect(report.inner).toMatchObject([
      { place: 'verifiableCredential[0]', verdict: 'valid', form: 'vc+jwt' },
    ]);
  });

  it.each([
    ['without typ', {}, { typ: undefined, cty: undefined }, 'VC_VALID'],
    ['by a holder who is an object', { holder: { id: mill.did, name: 'Mill' } }, {}, 'VC_VALID'],
    ['by nobody in particular', { holder: undefined }, {}, 'VC_VALID'],
    ['by nobody, with a kid that names nobody', { holder: undefined }, { kid: '#k' }, 'VC_HEADER'],
    ['in the name of another', { holder: rail.did }, {}, 'VC_HOLDER'],
    ['with another iss', { iss: rail.did }, {}, 'VC_HOLDER'],
    ['with another iss in its header', {}, { iss: rail.did }, 'VC_HOLDER'],
    ['with its iss in the header alone', { holder: undefined }, { iss: mill.did }, 'VC_VALID'],
    ['as a credential', {}, { typ: 'vc+jwt', cty: 'vc' }, 'VC_SCHEMA'],
    ['with the content of a credential', {}, { cty: 'vc' }, 'VC_TYPE'],
    ['that has ended', { exp: atMs / 1000 - 1 }, {}, 'VC_EXPIRED'],
    ['that ends now', { exp: atMs / 1000 }, {}, 'VC_VALID'],
    ['with an end that is no time', { exp: 'soon' }, {}, 'VC_SCHEMA'],
    ['with the claim of VCDM 1.1', { vp: {} }, {}, 'VC_SCHEMA'],
    ['without credentials', { verifiableCredential: undefined }, {}, 'VC_VALID'],
    ['with a list of none', { verifiableCredential: [] }, {}, 'VC_SCHEMA'],
    ['by a key without its DID', {}, { kid: '#key-1' }, 'VC_HEADER'],
    ['by a key without its DID, and iss', {}, { kid: '#key-1', iss: mill.did }, 'VC_VALID'],
    ['by a name without #, and iss', { iss: mill.did }, { kid: 'key-1' }, 'VC_VALID'],
    ['by a fragment, and iss', {}, { kid: 'key-1', iss: rail.did }, 'VC_HOLDER'],
    [
      'that is a credential too',
      { type: ['VerifiablePresentation', 'VerifiableCredential'] },
      {},
      'VC_SCHEMA',
    ],
  ])('%s', (_, changes, header, code) => {
    expect(judge(present(changes, header)).code).toBe(code);
  });

  it('is made for one reader and one question, where the reader says so', () => {
    const asked = present({ aud: ['border.example'], nonce: 'n1' });
    expect(judge(asked, { audience: 'border.example', nonce: 'n1' }).code).toBe('VC_VALID');
    expect(judge(asked, { audience: 'port.example' }).code).toBe('VC_AUDIENCE');
    expect(judge(asked, { nonce: 'n2' }).code).toBe('VC_NONCE');
    expect(judge(present(), { audience: 'border.example' }).code).toBe('VC_AUDIENCE');
  });

  it('is signed by a key for presentations, or for claims, and no other', () => {
    const { assertionMethod: _, ...bare } = mill.document as { assertionMethod?: unknown };
    const of = (relationships: object): string => {
      const own = { ...mill, document: { ...bare, ...relationships } };
      const made = token(presentation({ verifiableCredential: [railClaim] }), vp);
      return judge(made, { documents: withDocuments([own, rail]) }).code;
    };
    const railClaim = envelope(token(claim({ issuer: rail.did }), {}, rail));
    expect(of({ authentication: [mill.signer.keyId] })).toBe('VC_VALID');
    expect(of({ assertionMethod: [mill.signer.keyId] })).toBe('VC_VALID');
    expect(of({})).toBe('VC_KEY_UNKNOWN');
  });

  it('without credentials says who presents, and that nothing is presented', async () => {
    const nothing = { verifiableCredential: undefined };
    const bare = judge(present(nothing));
    expect(bare).toMatchObject({ verdict: 'valid', form: 'vp+jwt', inner: [] });
    expect(bare.reason).toBe(`presented by ${mill.did}, without credentials`);
    const purpose = 'assertionMethod';
    const { verifiableCredential: _, ...without } = presentation();
    const made = await addProof(without, mill.signer, { purpose, created });
    expect(judge(made)).toMatchObject({ verdict: 'valid', inner: [], reason: bare.reason });
    const none = presentation({ verifiableCredential: [] });
    expect(judge(await addProof(none, mill.signer, { purpose, created })).code).toBe('VC_SCHEMA');
    // An array of presentations, and one in an envelope, say no more.
    expect(judge([present(nothing)]).inner).toMatchObject([{ inner: [] }]);
    expect(judge(`${present(nothing).slice(0, -8)}AAAAAAAA`).code).toBe('VC_SIGNATURE');
  });

  it('is as good as its worst part', async () => {
    const good = envelope(token(claim()));
    const bad = envelope(`${token(claim()).slice(0, -8)}AAAAAAAA`);
    const unknown = memoryOrganisation('did:web:x.example', 'X');
    const open = envelope(token(claim({ issuer: unknown.did }), {}, unknown));
    const inside = await addProof(claim(), mill.signer, { purpose: 'assertionMethod', created });
    const of = (...parts: unknown[]) => {
      const { verdict, inner = [] } = judge(present({ verifiableCredential: parts }));
      return [verdict, ...inner.map((part) => part.verdict)];
    };
    expect(of(good, inside)).toEqual(['valid', 'valid', 'valid']);
    expect(of(good, open)).toEqual(['undecided', 'valid', 'undecided']);
    expect(of(open, bad, good)).toEqual(['invalid', 'undecided', 'invalid', 'valid']);
    expect(of(good, claim())).toEqual(['invalid', 'valid', 'invalid']);
  });
});

describe('an envelope', () => {
  it.each([
    ['of a credential', envelope(token(claim())), 'VC_VALID'],
    ['of a presentation', envelope(present(), 'vp+jwt'), 'VC_VALID'],
    [
      'in base64',
      envelope(Buffer.from(token(claim())).toString('base64'), 'vc+jwt;base64'),
      'VC_VALID',
    ],
    ['in lenient base64', envelope('e30=e30=', 'vc+jwt;base64'), 'VC_ENVELOPE'],
    ['of COSE', envelope('0oRD', 'vc+cose;base64'), 'VC_FORM_UNSUPPORTED'],
    ['of another type', envelope('{}', 'json'), 'VC_ENVELOPE'],
    ['with the other media type', envelope(token(claim()), 'vp+jwt'), 'VC_ENVELOPE'],
    ['of JSON', envelope('{}'), 'VC_ENVELOPE'],
    [
      'without context',
      envelope(token(claim()), 'vc+jwt', { '@context': undefined }),
      'VC_ENVELOPE',
    ],
    ['at an address', envelope('', '', { id: 'https://x.example/vc' }), 'VC_ENVELOPE'],
    ['without id', envelope('', '', { id: undefined }), 'VC_ENVELOPE'],
    ['of a letter too many', envelope(`${token(claim())}.`), 'VC_MALFORMED'],
  ])('%s', (_, made, code) => {
    const { code: found, inner } = judge(made);
    expect(inner?.find(({ verdict }) => verdict !== 'valid')?.code ?? found).toBe(code);
  });

  it('stands in few others', () => {
    const nested = (depth: number): unknown => (depth === 0 ? token(claim()) : [nested(depth - 1)]);
    expect(judge(nested(limits.envelopesMax)).verdict).toBe('valid');
    expect(judge(nested(limits.envelopesMax + 1)).code).toBe('VC_ENVELOPE');
  });
});

describe('a presentation as JSON', () => {
  const purpose = 'authentication';

  it('is valid by the holder, for the reader who asked', async () => {
    const made = await addProof(presentation(), mill.signer, {
      purpose,
      created,
      domain: 'border.example',
      challenge: 'c1',
    });
    const withKey = { ...mill.document, authentication: [mill.signer.keyId] };
    const documents = withDocuments([{ ...mill, document: withKey }]);
    const of = (more: object): string => judge(made, { documents, ...more }).code;
    expect(of({})).toBe('VC_VALID');
    expect(of({ audience: 'border.example', nonce: 'c1' })).toBe('VC_VALID');
    expect(of({ nonce: 'c2' })).toBe('VC_NONCE');
    expect(of({ audience: 'port.example' })).toBe('VC_AUDIENCE');
    expect(judge(made).code).toBe('VC_KEY_UNKNOWN');
  });

  it('by another than the holder, or by nobody, is not valid', async () => {
    const purposed = { purpose: 'assertionMethod', created } as const;
    expect(judge(await addProof(presentation(), rail.signer, purposed)).code).toBe('VC_HOLDER');
    expect(judge(presentation()).code).toBe('VC_UNSECURED');
  });
});

describe('a TraceablePresentation', () => {
  const rules = {
    '@context': [v2, 'https://w3id.org/traceability/v1'],
    type: ['VerifiablePresentation', 'TraceablePresentation'],
    id: uuid(9),
    workflow: { definition: [uuid(2)], instance: uuid(3) },
  };

  it.each([
    ['by the rules', {}, 'VC_VALID'],
    ['without the context', { '@context': [v2] }, 'VC_PROFILE'],
    ['without an id', { id: undefined }, 'VC_PROFILE'],
    ['without credentials', { verifiableCredential: undefined }, 'VC_VALID'],
    ['with an id of another kind', { id: 'https://x.example/1' }, 'VC_PROFILE'],
    ['with a UUID of version 1', { id: uuid(9).replace('-4000', '-1000') }, 'VC_PROFILE'],
    ['with a workflow of another name', { workflow: { instance: ['first'] } }, 'VC_PROFILE'],
    ['with a workflow that is none', { workflow: 'w' }, 'VC_PROFILE'],
    ['that replaces another', { replace: uuid(4) }, 'VC_VALID'],
    ['that replaces what has no name', { replace: 'x' }, 'VC_PROFILE'],
    [
      'with a credential without id',
      { verifiableCredential: [envelope(token(claim({ id: undefined })))] },
      'VC_PROFILE',
    ],
    [
      'with a credential of another name',
      { verifiableCredential: [envelope(token(claim({ id: 'https://x.example/2' })))] },
      'VC_PROFILE',
    ],
  ])('%s', (_, changes, code) => {
    expect(judge(present({ ...rules, ...changes })).code).toBe(code);
  });
});
