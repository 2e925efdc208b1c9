/** The wallet's agent over a key store: what it makes, signs, presents and says of signatures. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openToken, verifyToken } from '../../../../../devices/credential/jws.ts';
import { isRefusal } from '../../../../../devices/credential/refusal.ts';
import { keyOfJwk } from '../../../../../devices/identity/public-key.ts';
import { keyOfOwnDid } from '../../../../../devices/identity/resolve-key.ts';
import type { KeyStore } from '../../../../../devices/io/key-store.ts';
import { type Identity, openWalletAgent } from '../../../../../devices/wallet/agent/agent.ts';
import { createKeyStoreKms } from '../../../../../devices/wallet/agent/key-store-kms.ts';
import { loadAgentLibrary } from '../../../../../devices/wallet/agent/library.ts';
import { memoryKeyStore } from '../../../../support/memory-key-store.ts';

const web = 'did:web:mill.example%3A8443:one';
const payload = JSON.stringify({ issuer: 'anyone', name: 'Culiacán 😀', n: 1.5 });

beforeEach(() => {
  // The SDK prints each signature that does not verify.
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

function open(store: KeyStore, documents = new Map<string, object>()) {
  return openWalletAgent({ store, webDocument: async (did) => documents.get(did) });
}

/** The DID document of an identity with a did:web, as a wallet would publish it. */
function documentOf({ did, keyId, label }: Identity, store: KeyStore): object {
  const publicKeyJwk = store.list().find((key) => key.label === label)?.publicJwk;
  const method = { id: keyId, type: 'JsonWebKey', controller: did, publicKeyJwk };
  return { id: did, verificationMethod: [method], assertionMethod: [keyId] };
}

/** One way of a key in 128: a coordinate whose first byte is zero. */
const shapes = [
  ['any key', () => true],
  ['a key whose x begins with zero', (jwk: Record<string, string>) => jwk['x']?.startsWith('AA')],
  ['a key whose y begins with zero', (jwk: Record<string, string>) => jwk['y']?.startsWith('AA')],
] as const;

describe.each(shapes)('the agent, with %s', (_, fits) => {
  it.each(['web', 'key', 'jwk'] as const)('issues as did:%s, in our wire form', async (method) => {
    const store = memoryKeyStore({ fits: (jwk) => fits(jwk) === true });
    const documents = new Map<string, object>();
    const agent = await open(store, documents);
    const asked = { label: 'organisation', method };
    const identity = await agent.create({
      ...asked,
      ...(method === 'web' && { web: { did: web, fragment: 'key-1' } }),
    });
    expect(identity.did).toMatch(new RegExp(`^did:${method}:`));
    if (method === 'web') documents.set(web, documentOf(identity, store));

    const token = await agent.issue(identity, payload);
    const opened = openToken(token, 100_000);
    if (isRefusal(opened)) throw new Error(opened.reason);
    const [head = ''] = Buffer.from(token).toString('latin1').split('.');
    expect(Buffer.from(head, 'base64url').toString()).toBe(
      JSON.stringify({ alg: 'ES256', typ: 'vc+jwt', cty: 'vc', kid: identity.keyId }),
    );
    expect(opened.payloadText).toBe(payload);
    const [stored] = store.list();
    const own = keyOfOwnDid(identity.did);
    const key = own ?? { ...keyOfJwk(stored?.publicJwk ?? {}), did: web, keyId: identity.keyId };
    expect(verifyToken(opened, key as Parameters<typeof verifyToken>[1])).toBe(true);
    expect(await agent.verify(token, 0)).toMatchObject({ signature: 'good' });

    const bad = Buffer.from(token);
    bad[bad.length - 20] = bad[bad.length - 20] === 0x41 ? 0x42 : 0x41;
    expect(await agent.verify(bad, 0)).toMatchObject({ signature: 'bad' });
  });
});

describe('the agent', () => {
  it('presents credentials as their holder, enveloped byte for byte', async () => {
    const store = memoryKeyStore();
    const agent = await open(store);
    const identity = await agent.create({ label: 'holder', method: 'jwk' });
    const credential = await agent.issue(identity, payload);
    const id = 'urn:uuid:6f1d3a52-0b7e-4c57-9a55-2f0c9e5b7a11';
    const shown = { credentials: [credential], id, audience: 'did:web:cbp.example', nonce: 'n-1' };
    const token = await agent.present(identity, shown);
    const [head = '', body = ''] = Buffer.from(token).toString('latin1').split('.');
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    expect(header).toMatchObject({ typ: 'vp+jwt', cty: 'vp', kid: identity.keyId });
    expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toEqual({
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      id,
      type: ['VerifiablePresentation'],
      holder: identity.did,
      verifiableCredential: [
        {
          '@context': ['https://www.w3.org/ns/credentials/v2'],
          id: `data:application/vc+jwt,${Buffer.from(credential).toString('latin1')}`,
          type: ['EnvelopedVerifiableCredential'],
        },
      ],
      aud: 'did:web:cbp.example',
      nonce: 'n-1',
    });
    expect(await agent.verify(token, 0)).toMatchObject({ signature: 'good' });
  });

  it('says that it does not know where it finds no document, and judges a key by its dates', async () => {
    const store = memoryKeyStore();
    const documents = new Map<string, object>();
    const agent = await open(store, documents);
    const identity = await agent.create({
      ...{ label: 'a', method: 'web', web: { did: web, fragment: 'key-1' } },
    });
    const token = await agent.issue(identity, payload);
    expect(await agent.verify(token, 0)).toMatchObject({ signature: 'unknown' });
    const document = documentOf(identity, store) as { verificationMethod: object[] };
    const [method] = document.verificationMethod;
    const ended = { ...method, revoked: '2026-01-01T00:00:00Z' };
    documents.set(web, { ...document, verificationMethod: [ended] });
    const at = Date.parse('2026-01-01T00:00:00Z');
    expect(await agent.verify(token, at - 1)).toMatchObject({ signature: 'good' });
    expect(await agent.verify(token, at)).toMatchObject({ signature: 'unknown' });
  });

  it('takes up a key that was left in the store, and makes no second one', async () => {
    const store = memoryKeyStore();
    const first = await (await open(store)).create({ label: 'organisation', method: 'key' });
    const again = await (await open(store)).create({ label: 'organisation', method: 'key' });
    expect(again).toEqual(first);
    expect(store.list()).toHaveLength(1);
  });
});

describe('our key stores as its key management', () => {
  it('make and sign, and do nothing that would let a key out or in', async () => {
    const library = await loadAgentLibrary();
    const store = memoryKeyStore();
    const kms = createKeyStoreKms(library, store, () => 'one');
    const made = await kms.createKey({ type: 'Secp256r1' });
    expect(made).toEqual({
      ...{ kid: 'one', kms: 'bondline', type: 'Secp256r1' },
      publicKeyHex: expect.stringMatching(/^0[23][0-9a-f]{64}$/),
    });
    expect(await kms.listKeys()).toEqual([made]);
    const data = Buffer.from('data');
    const signed = await kms.sign({ keyRef: { kid: 'one' }, algorithm: 'ES256', data });
    expect(Buffer.from(signed, 'base64url')).toHaveLength(64);
    const refused = expect.objectContaining({ code: 'WALLET_AGENT_FAILED' });
    await expect(kms.sign({ keyRef: { kid: 'one' }, algorithm: 'EdDSA', data })).rejects.toEqual(
      refused,
    );
    await expect(kms.createKey({ type: 'Secp256k1' })).rejects.toEqual(refused);
    await expect(
      kms.importKey({ kms: 'bondline', type: 'Secp256r1', privateKeyHex: '01'.repeat(32) }),
    ).rejects.toEqual(refused);
    await expect(kms.deleteKey({ kid: 'one' })).rejects.toEqual(refused);
    await expect(
      kms.sharedSecret({
        myKeyRef: { kid: 'one' },
        theirKey: { publicKeyHex: '', type: 'X25519' },
      }),
    ).rejects.toEqual(refused);
    expect(store.list()).toHaveLength(1);
  });
});
