import type { ServerResponse } from 'node:http';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serviceEndpoints } from '../../../../../devices/identity/did-document.ts';
import { keyForUrl } from '../../../../../devices/identity/resolve-key.ts';
import {
  createResolver,
  type ResolverOptions,
} from '../../../../../devices/io/resolve/resolver.ts';
import { limits } from '../../../../../devices/limits.ts';
import { digestMultibase } from '../../../../../devices/profile.ts';
import {
  type HttpsSite,
  type SiteCertificate,
  siteCertificate,
  startHttpsSite,
} from '../../../../support/https-site.ts';
import { memoryOrganisation, memorySigner } from '../../../../support/identity.ts';
import { type ManualClock, manualClock } from '../../../../support/manual-clock.ts';

let certificate: SiteCertificate;
let site: HttpsSite;
let clock: ManualClock;
/** What the site answers, by path. */
let answers: Map<string, string | ((response: ServerResponse) => void)>;
let did: string;

beforeAll(async () => {
  certificate = await siteCertificate(['mill.example', 'resolver.example']);
});

beforeEach(async () => {
  clock = manualClock();
  answers = new Map();
  site = await startHttpsSite(certificate, (request, response) => {
    const answer = answers.get(request.url ?? '');
    if (answer === undefined) response.writeHead(404).end();
    else if (typeof answer === 'string') response.end(answer);
    else answer(response);
  });
  did = `did:web:mill.example%3A${site.port}:org`;
});

afterEach(() => site.close());

function resolver(changes: Partial<ResolverOptions> = {}) {
  return createResolver({
    clock,
    allowPrivate: ['127.0.0.1'],
    authorities: certificate.cert,
    lookup: async () => ['127.0.0.1'],
    ...changes,
  });
}

function documentOf(subject: string, changes: object = {}): string {
  return JSON.stringify({ ...memoryOrganisation(subject, 'Mill').document, ...changes });
}

describe('a resolver', () => {
  it('finds the document of a did:web, its bytes and their digest', async () => {
    const service = [{ id: '#t', type: ['TraceabilityAPI'], serviceEndpoint: 'https://x.example' }];
    const text = documentOf(did, { service });
    answers.set('/org/did.json', text);
    const found = await resolver().resolve(did);
    expect(found).toMatchObject({
      bytes: Buffer.from(text),
      digest: digestMultibase(Buffer.from(text)),
      from: 'web',
      resolvedMs: clock.nowMs(),
    });
    if ('code' in found) throw new Error(found.reason);
    expect(serviceEndpoints(found.document, 'TraceabilityAPI')).toEqual(['https://x.example']);
    const documents = { didDocument: () => found.document };
    expect(keyForUrl(documents, `${did}#key-1`, 'assertionMethod', 0)).toHaveProperty('key');
    const root = `did:web:mill.example%3A${site.port}`;
    answers.set('/.well-known/did.json', documentOf(root));
    expect(await resolver().resolve(root)).toMatchObject({ from: 'web' });
  });

  it('takes what is pinned, whatever the web says', async () => {
    const pin = Buffer.from(documentOf(did));
    const pinned = (wanted: string) => (wanted === did ? pin : undefined);
    answers.set('/org/did.json', documentOf(did));
    const found = await resolver({ pinned }).resolve(did);
    expect(found).toMatchObject({ from: 'pinned', bytes: pin, digest: digestMultibase(pin) });
    expect(site.connections()).toBe(0);
  });

  it('makes the document of a DID that is its own key', async () => {
    const { did: device, keyId } = memorySigner();
    const found = await resolver().resolve(device);
    expect(found).toMatchObject({ from: 'itself', document: { id: device } });
    if ('code' in found) throw new Error(found.reason);
    expect(found.document.relationships.authentication).toEqual([keyId]);
    expect(site.connections()).toBe(0);
  });

  it('asks again when what it keeps has expired, and not before', async () => {
    answers.set('/org/did.json', documentOf(did));
    const one = resolver();
    const first = await one.resolve(did);
    const second = documentOf(did);
    answers.set('/org/did.json', (response) => {
      response.setHeader('cache-control', 'max-age=60').end(second);
    });
    clock.advance(limits.resolvedMsDefault - 1);
    expect(await one.resolve(did)).toBe(first);
    clock.advance(1);
    expect(await one.resolve(did)).toMatchObject({ bytes: Buffer.from(second) });
    clock.advance(59_999);
    await one.resolve(did);
    expect(site.requests).toHaveLength(2);
    clock.advance(1);
    await one.resolve(did);
    expect(site.requests).toHaveLength(3);
  });

  it('keeps no document longer than the bound, whatever its server says', async () => {
    answers.set('/org/did.json', (response) => {
      response.setHeader('cache-control', 'max-age=999999999').end(documentOf(did));
    });
    const one = resolver();
    await one.resolve(did);
    clock.advance(limits.resolvedMsMax - 1);
    await one.resolve(did);
    expect(site.requests).toHaveLength(1);
    clock.advance(1);
    await one.resolve(did);
    expect(site.requests).toHaveLength(2);
  });

  it('does not serve what has expired when its server is gone', async () => {
    answers.set('/org/did.json', documentOf(did));
    const one = resolver();
    await one.resolve(did);
    answers.clear();
    clock.advance(limits.resolvedMsDefault);
    expect(await one.resolve(did)).toMatchObject({ code: 'DID_NOT_FOUND' });
  });

  it('leaves a DID that failed alone for a while', async () => {
    const one = resolver();
    expect(await one.resolve(did)).toMatchObject({ code: 'DID_NOT_FOUND' });
    answers.set('/org/did.json', documentOf(did));
    clock.advance(limits.resolveFailedMs - 1);
    expect(await one.resolve(did)).toMatchObject({ code: 'DID_NOT_FOUND' });
    expect(site.requests).toHaveLength(1);
    clock.advance(1);
    expect(await one.resolve(did)).toMatchObject({ from: 'web' });
  });

  it('asks once for all who wait, and for no more at a time than the bound', async () => {
    const waiting: ServerResponse[] = [];
    const dids = Array.from({ length: limits.resolvesMax + 1 }, (_, index) => `${did}:u${index}`);
    for (const one of dids) {
      const path = one.split(':').slice(4).join('/');
      answers.set(`/org/${path}/did.json`, (response) => void waiting.push(response));
    }
    const one = resolver();
    const all = dids.slice(0, -1).map((subject) => one.resolve(subject));
    const again = one.resolve(dids[0] ?? '');
    expect(await one.resolve(dids.at(-1) ?? '')).toMatchObject({ code: 'NET_BUSY' });
    while (waiting.length < all.length) await new Promise((resolve) => setImmediate(resolve));
    for (const response of waiting) response.writeHead(500).end();
    for (const found of await Promise.all(all)) expect(found).toMatchObject({ code: 'NET_STATUS' });
    expect(await again).toBe(await all[0]);
    expect(site.requests).toHaveLength(limits.resolvesMax);
  });

  it('forgets what was under way when the process stops', async () => {
    const stop = new AbortController();
    answers.set('/org/did.json', () => stop.abort());
    const found = await resolver({ signal: stop.signal }).resolve(did);
    expect(found).toMatchObject({ code: 'NET_CANCELLED' });
  });

  it.each([
    ['of another DID', () => documentOf('did:web:evil.example')],
    [
      'with keys of another',
      () => documentOf(did).replace(`"controller":"${did}"`, '"controller":"did:web:evil.example"'),
    ],
    ['with a member twice', () => documentOf(did).replace('{', `{"id":"did:web:evil.example",`)],
    ['that is not UTF-8', () => `${documentOf(did)}`.replace('Mill', '\ud800')],
    ['that is no JSON', () => '<html>'],
    ['that is no document', () => '[]'],
    ['with something behind', () => `${documentOf(did)} x`],
  ])('refuses a document %s', async (name, make) => {
    answers.set('/org/did.json', (response) => {
      const isBroken = name === 'that is not UTF-8';
      response.end(isBroken ? Buffer.concat([Buffer.from([0xff]), Buffer.from(make())]) : make());
    });
    expect(await resolver().resolve(did)).toMatchObject({ code: 'DID_DOCUMENT_INVALID' });
  });

  it.each([
    'did:web:127.0.0.1',
    'did:web:mill.example:..',
    'did:web:localhost',
    'did:web:mill.example%2F@evil.example',
    'did:key:z6Mk',
    'did:jwk:e30',
    'did:ethr:0x00',
    'https://mill.example',
    '',
  ])('does not even ask for %j', async (wanted) => {
    const found = await resolver().resolve(wanted);
    expect(found).toMatchObject({ code: 'DID_METHOD_UNSUPPORTED' });
    expect(site.connections()).toBe(0);
  });

  it('reaches a short host only where it is allowed', async () => {
    const local = `did:web:localhost%3A${site.port}`;
    certificate = await siteCertificate(['mill.example', 'resolver.example', 'localhost']);
    await site.close();
    const text = documentOf(local);
    site = await startHttpsSite({ ...certificate, port: site.port }, (_, response) => {
      response.end(text);
    });
    expect(await resolver().resolve(local)).toMatchObject({ code: 'DID_METHOD_UNSUPPORTED' });
    const allowPrivate = ['localhost'];
    expect(await resolver({ allowPrivate }).resolve(local)).toMatchObject({ from: 'web' });
  });
});

describe('a configured resolver', () => {
  const external = () => `https://resolver.example:${site.port}/1.0/identifiers`;
  const pathOf = (wanted: string) => `/1.0/identifiers/${encodeURIComponent(wanted)}`;

  it('is asked instead of the web, and answers a result or the document alone', async () => {
    const document = JSON.parse(documentOf(did)) as object;
    const bare = Buffer.from(JSON.stringify(document));
    const result = { didDocument: document, didResolutionMetadata: {}, didDocumentMetadata: {} };
    for (const answer of [document, result, { didDocument: document }]) {
      answers.set(pathOf(did), JSON.stringify(answer));
      const found = await resolver({ external: `${external()}/` }).resolve(did);
      expect(found).toMatchObject({ from: 'resolver', bytes: bare, digest: digestMultibase(bare) });
    }
    expect(site.requests.every((request) => request.startsWith('resolver.example'))).toBe(true);
  });

  it('resolves methods that we do not know', async () => {
    const other = 'did:webvh:QmScid:mill.example';
    answers.set(pathOf(other), JSON.stringify({ didDocument: JSON.parse(documentOf(other)) }));
    expect(await resolver({ external: external() }).resolve(other)).toMatchObject({
      from: 'resolver',
    });
  });

  it.each([
    ['another document', { didDocument: { id: 'did:web:evil.example' } }, 'DID_DOCUMENT_INVALID'],
    ['notFound', { didResolutionMetadata: { error: 'notFound' } }, 'DID_NOT_FOUND'],
    [
      'an error',
      { didDocument: null, didResolutionMetadata: { error: 'invalidDid' } },
      'DID_DOCUMENT_INVALID',
    ],
    ['no document', { didDocument: null, didResolutionMetadata: {} }, 'DID_DOCUMENT_INVALID'],
    ['null', null, 'DID_DOCUMENT_INVALID'],
  ])('that answers %s gives none', async (_, answer, code) => {
    answers.set(pathOf(did), JSON.stringify(answer));
    expect(await resolver({ external: external() }).resolve(did)).toMatchObject({ code });
  });

  it('says when a DID is deactivated', async () => {
    const didDocument = JSON.parse(documentOf(did)) as object;
    const answer = { didDocument, didDocumentMetadata: { deactivated: true } };
    answers.set(pathOf(did), JSON.stringify(answer));
    expect(await resolver({ external: external() }).resolve(did)).toMatchObject({
      code: 'DID_DEACTIVATED',
    });
  });

  it('is held to the same rules of where a connection may go', async () => {
    const lookup = async () => ['127.0.0.2'];
    expect(await resolver({ external: external(), lookup }).resolve(did)).toMatchObject({
      code: 'NET_ADDRESS_PRIVATE',
    });
    const plain = external().replace('https', 'http');
    expect(await resolver({ external: plain }).resolve(did)).toMatchObject({
      code: 'NET_URL_REFUSED',
    });
  });
});
