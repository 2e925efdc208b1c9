import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type OpenedToken,
  openToken,
  signToken,
  signTokenNow,
  type TokenType,
  verifyToken,
} from '../../../../devices/credential/jws.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import { credentialDigest } from '../../../../devices/envelope.ts';
import {
  didOfPublicJwk,
  keyIdOfDid,
  publicKeyOfDid,
} from '../../../../devices/identity/did-key.ts';
import type { Signer } from '../../../../devices/identity/signer.ts';
import { limits } from '../../../../devices/limits.ts';
import { memorySigner } from '../../../support/identity.ts';

const signer = memorySigner();
const key = publicKeyOfDid(signer.did);
const payload = '{"a":1}';
const token = signTokenNow({ payload, signer, typ: 'vc+jwt' });
const [header = '', body = '', signature = ''] = textOf(token).split('.');

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function open(text: string, typ?: TokenType): OpenedToken | { code: string; reason: string } {
  return openToken(Buffer.from(text, 'latin1'), limits.credentialBytesMax, typ);
}

function codeOf(text: string): string {
  const opened = open(text);
  return 'code' in opened ? opened.code : 'opened';
}

/** A token with this header, properly signed, so that only the header can be at fault. */
function signedWith(members: object | string): string {
  const text = typeof members === 'string' ? members : JSON.stringify(members);
  const input = `${base64url(text)}.${body}`;
  const made = signer.sign(Buffer.from(input)) as Uint8Array;
  return `${input}.${Buffer.from(made).toString('base64url')}`;
}

const good = { alg: 'ES256', typ: 'vc+jwt', kid: signer.keyId };

describe('a compact JWS', () => {
  it('opens as it was signed, and verifies with the key alone', async () => {
    const opened = openToken(token, limits.batchBytesMax);
    if (isRefusal(opened)) throw new Error(opened.reason);
    expect(opened.header).toEqual({ ...good, cty: 'vc' });
    expect(opened.payload).toEqual({ a: 1 });
    expect(opened.payloadText).toBe(payload);
    expect(textOf(opened.signingInput)).toBe(`${header}.${body}`);
    expect(opened.digest).toBe(credentialDigest(token));
    expect(verifyToken(opened, key)).toBe(true);
    expect(verifyToken(opened, publicKeyOfDid(memorySigner().did))).toBe(false);
  });

  it('may be signed by a signer that takes its time', async () => {
    const slow: Signer = { ...signer, sign: async (data) => signer.sign(data) };
    const made = await signToken({ payload, signer: slow, typ: 'vc+jwt' });
    const opened = openToken(made, 1000);
    expect(!isRefusal(opened) && verifyToken(opened, key)).toBe(true);
    expect(() => signTokenNow({ payload, signer: slow, typ: 'vc+jwt' })).toThrow(/signToken/);
  });

  it('carries Ed25519 under both of its names', () => {
    const pair = generateKeyPairSync('ed25519');
    const did = didOfPublicJwk(pair.publicKey.export({ format: 'jwk' }));
    const edwards: Signer = {
      did,
      keyId: keyIdOfDid(did),
      algorithm: 'EdDSA',
      sign: (data) => sign(null, data, pair.privateKey),
    };
    const opened = openToken(signTokenNow({ payload, signer: edwards, typ: 'vc+jwt' }), 1000);
    if (isRefusal(opened)) throw new Error(opened.reason);
    const edKey = publicKeyOfDid(did);
    expect(verifyToken(opened, edKey)).toBe(true);
    const renamed = { ...opened, header: { ...opened.header, alg: 'Ed25519' as const } };
    expect(verifyToken(renamed, edKey)).toBe(true);
    expect(verifyToken({ ...opened, header: { ...opened.header, alg: 'ES256' } }, edKey)).toBe(
      false,
    );
  });

  it.each([
    ['ES384', 'P-384', 'sha384'],
    ['ES512', 'P-521', 'sha512'],
  ] as const)('of %s verifies with a key of its curve alone', (alg, namedCurve, hash) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const made = (data: Uint8Array): Buffer =>
      sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const input = `${base64url(JSON.stringify({ ...good, alg }))}.${body}`;
    const text = `${input}.${made(Buffer.from(input)).toString('base64url')}`;
    const opened = openToken(Buffer.from(text), limits.credentialBytesMax);
    if (isRefusal(opened)) throw new Error(opened.reason);
    const named = { did: signer.did, keyId: signer.keyId };
    const wide = { ...named, algorithm: alg, key: publicKey };
    expect(verifyToken(opened, wide)).toBe(true);
    expect(verifyToken({ ...opened, signature: made(Buffer.from('other')) }, wide)).toBe(false);
    expect(verifyToken(opened, { ...key, ...named })).toBe(false);
    expect(codeOf(`${input}.${signature}`)).toBe('VC_SIGNATURE_FORM');
  });

  it('fails to verify when any byte of it changes', () => {
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(token);
        changed[at] = (changed[at] ?? 0) ^ change;
        const opened = openToken(changed, 1000);
        expect(isRefusal(opened) || !verifyToken(opened, key)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('takes the algorithm from the key: a header that says otherwise does not verify', () => {
    const opened = open(signedWith({ ...good, alg: 'EdDSA' }));
    expect('code' in opened ? opened.code : verifyToken(opened, key)).toBe(false);
  });

  it.each([
    ['no dots', 'abc', 'VC_MALFORMED'],
    ['two parts', `${header}.${body}`, 'VC_MALFORMED'],
    ['four parts', `${header}.${body}.${signature}.`, 'VC_MALFORMED'],
    ['padding', `${header}.${body}=.${signature}`, 'VC_MALFORMED'],
    ['white space', `${header}.${body}\n.${signature}`, 'VC_MALFORMED'],
    ['a trailing line end', `${header}.${body}.${signature}\n`, 'VC_MALFORMED'],
    ['base64 instead of base64url', `${header}.${body}.+/${signature.slice(2)}`, 'VC_MALFORMED'],
    ['bits after the last byte', `${header}.e31.${signature}`, 'VC_MALFORMED'],
    ['an empty signature', `${header}.${body}.`, 'VC_SIGNATURE_FORM'],
    ['a signature too long', `${header}.${body}.${signature}AAAA`, 'VC_SIGNATURE_FORM'],
    ['an empty payload', `${header}..${signature}`, 'VC_JSON'],
    ['an array inside', `${header}.${base64url('[1]')}.${signature}`, 'VC_SCHEMA'],
    ['null inside', `${header}.${base64url('null')}.${signature}`, 'VC_SCHEMA'],
    ['duplicate members', `${header}.${base64url('{"a":1,"a":1}')}.${signature}`, 'VC_JSON'],
    [
      'bytes that are not UTF-8',
      `${header}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.${signature}`,
      'VC_JSON',
    ],
  ])('is refused with %s', (_, text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it.each([
    ['alg none', { ...good, alg: 'none' }, 'VC_ALGORITHM'],
    ['alg HS256', { ...good, alg: 'HS256' }, 'VC_ALGORITHM'],
    ['no alg', { typ: 'vc+jwt', kid: 'a' }, 'VC_ALGORITHM'],
    ['no kid', { alg: 'ES256', typ: 'vc+jwt' }, 'VC_HEADER'],
    ['a kid that is not text', { ...good, kid: 1 }, 'VC_HEADER'],
    ['crit', { ...good, crit: ['exp'] }, 'VC_HEADER'],
    ['b64', { ...good, b64: true }, 'VC_HEADER'],
    ['jwk', { ...good, jwk: {} }, 'VC_HEADER'],
    ['x5c', { ...good, x5c: [] }, 'VC_HEADER'],
    ['jku', { ...good, jku: 'https://evil.example' }, 'VC_HEADER'],
    ['a typ that is not text', { ...good, typ: 7 }, 'VC_HEADER'],
    ['no typ', { alg: 'ES256', kid: signer.keyId }, 'VC_TYPE'],
    ['another typ', { ...good, typ: 'vp+jwt' }, 'VC_TYPE'],
    ['two algs', `{"alg":"none","alg":"ES256","typ":"vc+jwt","kid":"${signer.keyId}"}`, 'VC_JSON'],
  ])('is refused with a header that has %s', (_, members, code) => {
    expect(codeOf(signedWith(members))).toBe(code);
  });

  it('does not verify under another name for the same key', () => {
    const opened = open(textOf(token));
    if ('code' in opened) throw new Error(opened.reason);
    expect(verifyToken(opened, key)).toBe(true);
    expect(verifyToken(opened, { ...key, keyId: 'did:web:mill.example#key-1' })).toBe(false);
  });

  it('ignores header members that it does not know', () => {
    const opened = open(signedWith({ ...good, zip: 'none', other: 1 }));
    expect('header' in opened && verifyToken(opened, key)).toBe(true);
  });

  it('keeps the kinds of token apart', () => {
    const receipt = signTokenNow({ payload, signer, typ: 'bondline-receipt+jwt' });
    expect(openToken(receipt, 1000)).toMatchObject({ code: 'VC_TYPE' });
    expect(openToken(receipt, 1000, 'bondline-receipt+jwt')).toMatchObject({ payload: { a: 1 } });
    expect(openToken(token, 1000, 'bondline-receipt+jwt')).toMatchObject({ code: 'VC_TYPE' });
  });

  it('may be as large as allowed and not a byte larger', () => {
    expect(isRefusal(openToken(token, token.length))).toBe(false);
    expect(openToken(token, token.length - 1)).toMatchObject({ code: 'VC_TOO_LARGE' });
  });

  it('refuses a DER signature of the same content', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const did = didOfPublicJwk(publicKey.export({ format: 'jwk' }));
    const input = `${base64url(JSON.stringify({ ...good, kid: keyIdOfDid(did) }))}.${body}`;
    const der = sign('sha256', Buffer.from(input), privateKey);
    expect(codeOf(`${input}.${der.toString('base64url')}`)).toBe('VC_SIGNATURE_FORM');
  });

  it('is named the same under a second signature made without the key', () => {
    // (r, n−s) verifies too: the digest must not depend on the signature.
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const bytes = Buffer.from(signature, 'base64url');
    const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    const other = (order - s).toString(16).padStart(64, '0');
    const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from(other, 'hex')]);
    const opened = open(`${header}.${body}.${twin.toString('base64url')}`);
    if ('code' in opened) throw new Error(opened.reason);
    expect(verifyToken(opened, key)).toBe(true);
    expect(opened.digest).toBe(credentialDigest(token));
  });
});
