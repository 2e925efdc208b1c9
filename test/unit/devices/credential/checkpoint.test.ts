import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  composeCheckpoint,
  composeNotice,
  composeStatement,
  isNoticeMessage,
  openCheckpoint,
  openNotice,
  openStatement,
  statementIn,
  wrapStatement,
} from '../../../../devices/credential/checkpoint.ts';
import { signTokenNow, type TokenType } from '../../../../devices/credential/jws.ts';
import { openReceipt } from '../../../../devices/credential/receipt-wire.ts';
import { limits } from '../../../../devices/limits.ts';
import { steadySigner } from '../../../fuzz/steady.ts';
import { memoryEd25519, memorySigner } from '../../../support/identity.ts';

const ingester = memorySigner();
const gateway = memorySigner();
const checkpointTyp = 'bondline-checkpoint+jwt';
const statementTyp = 'bondline-witness+jwt';
const root = hash('sha256', 'root', 'hex');

const checkpoint: Checkpoint = {
  issuer: ingester.did,
  size: 4_711,
  root,
  issuedMs: 1_763_766_000_000,
};

function signed(payload: string, typ: TokenType = checkpointTyp, signer = ingester): Uint8Array {
  return signTokenNow({ payload, signer, typ });
}

const token = signed(composeCheckpoint(checkpoint));
const keptMs = 1_763_766_001_000;
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const statementOn = (on: Uint8Array, by = gateway) =>
  signed(composeStatement({ gateway: by.did, token: on, keptMs }), statementTyp, by);

describe('a checkpoint', () => {
  it('comes back, from the pinned ingester or from whoever signed it', () => {
    expect(openCheckpoint(token, ingester.did)).toEqual(checkpoint);
    expect(openCheckpoint(token)).toEqual(checkpoint);
  });

  it('of an empty journal and of the largest are two', () => {
    for (const size of [0, Number.MAX_SAFE_INTEGER]) {
      const one = { ...checkpoint, size };
      expect(openCheckpoint(signed(composeCheckpoint(one)), ingester.did)).toEqual(one);
    }
  });

  it('comes back with an Ed25519 key too', () => {
    const other = memoryEd25519();
    const one = { ...checkpoint, issuer: other.did };
    const bytes = signed(composeCheckpoint(one), checkpointTyp, other);
    expect(openCheckpoint(bytes, other.did)).toEqual(one);
  });

  it('is refused from anyone else, also under the name of the ingester', () => {
    const other = memorySigner();
    const own = signed(composeCheckpoint({ ...checkpoint, issuer: other.did }), undefined, other);
    expect(openCheckpoint(own, ingester.did)).toMatchObject({ code: 'VC_ISSUER' });
    const claimed = signed(composeCheckpoint(checkpoint), undefined, other);
    expect(openCheckpoint(claimed)).toMatchObject({ code: 'VC_SIGNATURE' });
    const named = { ...other, keyId: ingester.keyId };
    const forged = signed(composeCheckpoint(checkpoint), undefined, named);
    expect(openCheckpoint(forged, ingester.did)).toMatchObject({ code: 'VC_SIGNATURE' });
  });

  it('is no receipt and no statement, nor is one of those a checkpoint', () => {
    const receipt = signed(composeCheckpoint(checkpoint), 'bondline-receipt+jwt');
    expect(openCheckpoint(receipt)).toMatchObject({ code: 'VC_TYPE' });
    const statement = signed(composeCheckpoint(checkpoint), statementTyp);
    expect(openCheckpoint(statement)).toMatchObject({ code: 'VC_TYPE' });
    expect(openCheckpoint(statementOn(token))).toMatchObject({ code: 'VC_TOO_LARGE' });
    expect(openReceipt(token, ingester.did)).toMatchObject({ code: 'VC_TYPE' });
    expect(openStatement(token)).toMatchObject({ code: 'VC_TYPE' });
  });

  it.each([
    ['an unknown member', { note: 'x' }],
    ['no issuer', { issuer: undefined }],
    ['an issuer that is no key', { issuer: 'did:web:border.example' }],
    ['no size', { size: undefined }],
    ['a negative size', { size: -1 }],
    ['a size that is no whole number', { size: 1.5 }],
    ['a size as text', { size: '1' }],
    ['a size that a double does not hold', { size: 2 ** 53 }],
    ['no root', { root: undefined }],
    ['a root in capitals', { root: root.toUpperCase() }],
    ['a root that is too short', { root: root.slice(2) }],
    ['a root that is too long', { root: `${root}00` }],
    ['no time', { issuedMs: undefined }],
    ['a time that is no number', { issuedMs: '2026-11-21' }],
    ['a time without a date', { issuedMs: 8.64e15 + 1 }],
  ])('is refused with %s', (_, changes) => {
    const payload = JSON.stringify({ ...checkpoint, ...changes });
    expect(openCheckpoint(signed(payload))).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it('that is JSON like a refusal of ours is not taken for one', () => {
    const payload = JSON.stringify({ ...checkpoint, code: 'VC_VALID', reason: 'all is well' });
    expect(openCheckpoint(signed(payload))).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it('may be as large as allowed and no larger', () => {
    const bytes = Buffer.alloc(limits.checkpointTokenBytesMax + 1, 'a');
    expect(openCheckpoint(bytes)).toMatchObject({ code: 'VC_TOO_LARGE' });
    expect(openCheckpoint(bytes.subarray(1))).toMatchObject({ code: 'VC_MALFORMED' });
  });
});

describe('a statement', () => {
  it('comes back with the checkpoint that it is on', () => {
    const wanted = { gateway: gateway.did, keptMs, checkpoint, token: Buffer.from(token) };
    expect(openStatement(statementOn(token), ingester.did)).toEqual(wanted);
    expect(openStatement(statementOn(token))).toEqual(wanted);
  });

  it('is refused from anyone but the gateway that it names', () => {
    const claimed = composeStatement({ gateway: gateway.did, token, keptMs });
    const bytes = signed(claimed, statementTyp, memorySigner());
    expect(openStatement(bytes)).toMatchObject({ code: 'VC_SIGNATURE' });
    const wrong = signed(claimed, checkpointTyp, gateway);
    expect(openStatement(wrong)).toMatchObject({ code: 'VC_TYPE' });
  });

  it('is refused with what is inside: forged, of another ingester, or no checkpoint', () => {
    const forged = signed(composeCheckpoint(checkpoint), undefined, memorySigner());
    expect(openStatement(statementOn(forged))).toMatchObject({ code: 'VC_SIGNATURE' });
    const cut = Buffer.from(token);
    cut.write(cut.toString('latin1', cut.length - 30, cut.length - 20), cut.length - 20);
    expect(openStatement(statementOn(cut))).toMatchObject({ code: 'VC_SIGNATURE' });
    const other = memorySigner().did;
    expect(openStatement(statementOn(token), other)).toMatchObject({ code: 'VC_ISSUER' });
    expect(openStatement(statementOn(Buffer.from('x')))).toMatchObject({ code: 'VC_MALFORMED' });
    const within = statementOn(token);
    expect(openStatement(statementOn(within))).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it.each([
    ['an unknown member', { note: 'x' }],
    ['no gateway', { gateway: undefined }],
    ['a gateway that is no key', { gateway: 'z6Mk' }],
    ['no checkpoint', { checkpoint: undefined }],
    ['a checkpoint that is none', { checkpoint }],
    ['a checkpoint with white space', { checkpoint: `${textOf(token)}\n` }],
    ['no time', { keptMs: undefined }],
    ['a negative time', { keptMs: -1 }],
    ['a time without a date', { keptMs: 8.64e15 + 1 }],
  ])('is refused with %s', (_, changes) => {
    const good = { gateway: gateway.did, checkpoint: textOf(token), keptMs };
    const payload = JSON.stringify({ ...good, ...changes });
    const refusal = { code: 'VC_SCHEMA' };
    expect(openStatement(signed(payload, statementTyp, gateway))).toMatchObject(refusal);
  });

  it('on the largest checkpoint of ours is within its bound', () => {
    const size = Number.MAX_SAFE_INTEGER;
    const large = signed(composeCheckpoint({ ...checkpoint, size, issuedMs: 8.64e15 }));
    expect(large.length).toBeLessThan(limits.checkpointTokenBytesMax);
    const filled = Buffer.alloc(limits.checkpointTokenBytesMax, 'a');
    const payload = composeStatement({ gateway: gateway.did, token: filled, keptMs: 8.64e15 });
    const around = signed(payload, statementTyp, gateway);
    expect(around.length).toBeLessThanOrEqual(limits.statementBytesMax);
    const bytes = Buffer.alloc(limits.statementBytesMax + 1, 'a');
    expect(openStatement(bytes)).toMatchObject({ code: 'VC_TOO_LARGE' });
  });

  it('travels behind a byte that nothing else begins with', () => {
    const wrapped = wrapStatement(token);
    expect(Buffer.from(wrapped).toString('latin1')).toBe(`\u0002${textOf(token)}`);
    expect(statementIn(wrapped)).toEqual(Buffer.from(token));
    for (const other of [token, Buffer.of(1, 2), Buffer.from('{'), Buffer.alloc(0)]) {
      expect(statementIn(other)).toBeUndefined();
    }
  });
});

describe('a notice', () => {
  const proof = [hash('sha256', 'a', 'buffer'), hash('sha256', 'b', 'buffer')];

  it('comes back with its proof, without one, and with one of nothing', () => {
    for (const notice of [
      { token: Buffer.from(token), from: 7, proof },
      { token: Buffer.from(token), proof: [] },
      { token: Buffer.from(token), from: checkpoint.size, proof: [] },
    ]) {
      const bytes = composeNotice(notice);
      expect(isNoticeMessage(bytes)).toBe(true);
      expect(openNotice(bytes)).toEqual(notice);
    }
    expect(isNoticeMessage(token)).toBe(false);
    expect(isNoticeMessage(new Uint8Array())).toBe(false);
  });

  it('with the largest checkpoint and the longest proof is within its bound', () => {
    const many = Array.from({ length: limits.checkpointProofMax }, () => proof[0] as Buffer);
    const largest = Buffer.alloc(limits.checkpointTokenBytesMax, 'a');
    const notice = { token: largest, from: Number.MAX_SAFE_INTEGER, proof: many };
    expect(openNotice(composeNotice(notice))).toEqual(notice);
  });

  it('is refused beyond its bounds', () => {
    const many = Array.from({ length: limits.checkpointProofMax + 1 }, () => proof[0] as Buffer);
    const long = composeNotice({ token, from: 7, proof: many });
    expect(openNotice(long)).toMatchObject({ code: 'VC_SCHEMA' });
    const bytes = Buffer.alloc(limits.checkpointBytesMax + 1, ' ');
    expect(openNotice(bytes)).toMatchObject({ code: 'VC_TOO_LARGE' });
    const large = Buffer.alloc(limits.checkpointTokenBytesMax + 1, 'a');
    const notice = composeNotice({ token: large, proof: [] });
    expect(openNotice(notice)).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it.each([
    ['an unknown member', { note: 'x' }],
    ['no checkpoint', { checkpoint: undefined }],
    ['a checkpoint that is no token', { checkpoint: 'a b' }],
    ['a proof of nothing', { from: undefined }],
    ['a beginning that is not proven', { proof: undefined }],
    ['a beginning that is no number', { from: '7' }],
    ['a negative beginning', { from: -1 }],
    ['a hash that is too short', { proof: [root.slice(1)] }],
    ['a hash that is too long', { proof: [`${root}0`] }],
    ['a hash in capitals', { proof: [root.toUpperCase()] }],
  ])('is refused with %s', (_, changes) => {
    const good = { checkpoint: textOf(token), from: 7, proof: [root] };
    const bytes = Buffer.from(JSON.stringify({ ...good, ...changes }));
    expect(openNotice(bytes)).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it.each([
    ['members twice', '{"checkpoint":"a","checkpoint":"b"}'],
    ['more behind it', '{"checkpoint":"a"}{}'],
    ['half of it', '{"checkpoint":'],
    ['nothing', ''],
  ])('is refused with %s', (_, text) => {
    expect(openNotice(Buffer.from(text))).toMatchObject({ code: 'VC_JSON' });
  });
});

describe('the bytes on the wire', () => {
  // Ed25519 signs the same with the same bytes.
  const [issuer, witness] = [steadySigner(1), steadySigner(2)];
  const one = { issuer: issuer.did, size: 3, root, issuedMs: 1_795_262_410_000 };
  const bytes = signed(composeCheckpoint(one), checkpointTyp, issuer);

  it('are those of these examples', () => {
    const [head, payload] = textOf(bytes).split('.');
    expect(Buffer.from(head ?? '', 'base64url').toString()).toBe(
      `{"alg":"EdDSA","typ":"bondline-checkpoint+jwt","kid":"${issuer.keyId}"}`,
    );
    expect(Buffer.from(payload ?? '', 'base64url').toString()).toBe(
      `{"issuer":"${issuer.did}","size":3,"root":"${root}","issuedMs":1795262410000}`,
    );
    expect(textOf(composeNotice({ token: bytes, from: 2, proof: [Buffer.alloc(32, 0xab)] }))).toBe(
      `{"checkpoint":"${textOf(bytes)}","from":2,"proof":["${'ab'.repeat(32)}"]}`,
    );
    expect(textOf(composeNotice({ token: bytes, proof: [] }))).toBe(
      `{"checkpoint":"${textOf(bytes)}"}`,
    );
    expect(composeStatement({ gateway: witness.did, token: bytes, keptMs: 7 })).toBe(
      `{"gateway":"${witness.did}","checkpoint":"${textOf(bytes)}","keptMs":7}`,
    );
    expect(hash('sha256', bytes)).toBe(
      'c510baafd9b2262093b7d27ab96b020452ce735854499e267bbb84c6c325f5ca',
    );
  });
});
