/** Compact signatures with jose: what it signs we verify, what we sign it verifies. */
import { generateKeyPairSync } from 'node:crypto';
import { CompactSign, compactVerify, importJWK, type JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { openCompact } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { verifyCredential } from '../../devices/credential/verify.ts';
import { didOfPublicJwk, keyIdOfDid, publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { jwkOfKey } from '../../devices/identity/public-key.ts';
import { noDocuments } from '../../devices/io/documents.ts';
import { memoryEd25519, memorySigner } from '../support/identity.ts';
import { BatchMaker, readingGroups } from '../support/signed-batch.ts';

const atMs = 1_767_225_600_000;

const keys = [
  ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['EdDSA', () => generateKeyPairSync('ed25519')],
  ['Ed25519', () => generateKeyPairSync('ed25519')],
] as const;

describe('jose', () => {
  it.each(keys)('signs with %s what we verify', async (alg, make) => {
    const { privateKey, publicKey } = make();
    const did = didOfPublicJwk(publicKey.export({ format: 'jwk' }) as Record<string, string>);
    const header = { alg, typ: 'vc+jwt', cty: 'vc', kid: keyIdOfDid(did) };
    const payload = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      id: 'urn:uuid:9a1f6b1e-7f3c-4b52-8d0b-1c2d3e4f5a03',
      type: ['VerifiableCredential'],
      issuer: did,
      credentialSubject: { id: 'did:example:subject' },
    };
    const token = await new CompactSign(Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader(header)
      .sign(privateKey);
    const context = { documents: noDocuments, atMs };
    expect(verifyCredential(Buffer.from(token), context)).toMatchObject({ verdict: 'valid' });
    const [head = '', body = '', tail = ''] = token.split('.');
    const other = `${tail.startsWith('A') ? 'B' : 'A'}${tail.slice(1)}`;
    const forged = Buffer.from([head, body, other].join('.'));
    expect(verifyCredential(forged, context)).toMatchObject({ verdict: 'invalid' });
  });

  it.each([
    ['ES256', memorySigner],
    ['EdDSA', memoryEd25519],
  ] as const)('verifies what we sign with %s', async (alg, makeSigner) => {
    const signer = makeSigner();
    const groups = readingGroups({ fromMs: atMs, times: 3, points: 3 });
    const token = await new BatchMaker(signer, memorySigner().did).next(atMs + 9_000, { groups });
    const key = await importJWK(jwkOfKey(publicKeyOfDid(signer.did).key) as unknown as JWK, alg);
    const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: [alg] });
    expect(protectedHeader).toEqual({ alg, typ: 'vc+jwt', cty: 'vc', kid: signer.keyId });
    const opened = openCompact(token, token.length);
    if (isRefusal(opened)) throw new Error(opened.reason);
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual(opened.payload);
    const forged = Buffer.from(token);
    forged[token.length - 3] = (forged[token.length - 3] ?? 0) ^ 1;
    await expect(compactVerify(forged, key)).rejects.toThrow();
  });
});
