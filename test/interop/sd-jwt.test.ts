/** Selective disclosure with a peer that was not written here: the OpenWallet Foundation's. */
import { createHash, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { SDJwtInstance } from '@sd-jwt/core';
import { describe, expect, it } from 'vitest';
import { readBatchHead } from '../../devices/credential/batch-wire.ts';
import { openToken, verifyToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { showOnly, signBatchSelectively } from '../../devices/credential/sd-jwt-issue.ts';
import { didOfPublicJwk, keyIdOfDid, publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { systemRandom } from '../../devices/runtime.ts';
import { memorySigner } from '../support/identity.ts';
import { BatchMaker, readingGroups } from '../support/signed-batch.ts';

const fromMs = 1_767_225_600_000;
const about = 'did:web:north.example/batch/1';

const hasher = {
  hasher: async (data: string | ArrayBuffer) =>
    createHash('sha256')
      .update(typeof data === 'string' ? data : Buffer.from(data))
      .digest(),
  hashAlg: 'sha-256' as const,
  saltGenerator: async (length: number) => randomBytes(length).toString('base64url'),
};

async function payloadOfBatch(signer = memorySigner()) {
  const groups = readingGroups({ fromMs, times: 4, points: 2, about });
  const maker = new BatchMaker(signer, memorySigner().did);
  const token = await maker.next(fromMs + 9_000, { groups });
  const opened = openToken(token, token.length);
  if (isRefusal(opened)) throw new Error(opened.reason);
  return { signer, payload: opened.payloadText };
}

describe('selective disclosure', () => {
  it('what we issue the peer verifies, whole and in part', async () => {
    const { payload, signer } = await payloadOfBatch();
    const options = { payload, signer, random: systemRandom, decoys: false };
    const bytes = await signBatchSelectively(options);
    const { key } = publicKeyOfDid(signer.did);
    const peer = new SDJwtInstance({
      ...hasher,
      verifier: async (data: string, signature: string) =>
        verify(
          'sha256',
          Buffer.from(data),
          { key, dsaEncoding: 'ieee-p1363' },
          Buffer.from(signature, 'base64url'),
        ),
    });
    const whole = await peer.verify(Buffer.from(bytes).toString('latin1'));
    expect(whole.payload).toEqual(JSON.parse(payload));
    const shown = showOnly(bytes, (value) => value === about);
    const part = await peer.verify(Buffer.from(shown).toString('latin1'));
    expect(part.payload).toMatchObject({
      credentialSubject: { epcList: [about], sensorElementList: [] },
    });
  });

  it('what the peer issues we verify, whole and in part', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const did = didOfPublicJwk(pair.publicKey.export({ format: 'jwk' }) as Record<string, string>);
    const { payload } = await payloadOfBatch({ ...memorySigner(), did });
    const peer = new SDJwtInstance({
      ...hasher,
      signer: async (data: string) =>
        sign('sha256', Buffer.from(data), {
          key: pair.privateKey,
          dsaEncoding: 'ieee-p1363',
        }).toString('base64url'),
      signAlg: 'ES256',
    });
    const frame = { credentialSubject: { sensorElementList: { _sd: [0, 1, 2, 3] } } };
    const header = { typ: 'vc+sd-jwt', cty: 'vc', kid: keyIdOfDid(did) };
    const claims = JSON.parse(payload) as Record<string, unknown>;
    const token = await peer.issue(claims, frame as never, { header });
    const opened = openToken(Buffer.from(token), 1e6);
    if (isRefusal(opened)) throw new Error(opened.reason);
    expect(verifyToken(opened, publicKeyOfDid(did))).toBe(true);
    expect(opened).toMatchObject({ hidden: 0, payload: JSON.parse(payload) as object });
    const only = { credentialSubject: { sensorElementList: { 1: true } } };
    const shown = openToken(Buffer.from(await peer.present(token, only as never)), 1e6);
    if (isRefusal(shown)) throw new Error(shown.reason);
    expect(shown.hidden).toBe(3);
    expect(readBatchHead(shown.payload)).toMatchObject({ readings: 2, goods: [about] });
  });
});
