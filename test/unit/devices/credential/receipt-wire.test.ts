import { describe, expect, it } from 'vitest';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import type { Receipt } from '../../../../devices/credential/receipt.ts';
import { composeReceipt, openReceipt } from '../../../../devices/credential/receipt-wire.ts';
import { fingerprintOfDid } from '../../../../devices/envelope.ts';
import { limits } from '../../../../devices/limits.ts';
import { memorySigner } from '../../../support/identity.ts';
import { someDigest } from '../../../support/signed-batch.ts';

const ingester = memorySigner();
const typ = 'bondline-receipt+jwt';

const receipt: Receipt = {
  issuer: ingester.did,
  gateway: fingerprintOfDid(memorySigner().did),
  issuedMs: 1_763_766_000_000,
  results: [
    { digest: someDigest, outcome: 'accepted', position: 0, leaf: 'a'.repeat(64) },
    {
      digest: someDigest,
      outcome: 'refused',
      code: 'VC_SIGNATURE',
      position: 1,
      leaf: 'b'.repeat(64),
    },
    { digest: someDigest, outcome: 'held', code: 'IN_NOT_ENROLLED' },
  ],
};

function signed(payload: string, by = ingester): Uint8Array {
  return signTokenNow({ payload, signer: by, typ });
}

describe('a receipt', () => {
  it('comes back from the pinned ingester', () => {
    expect(openReceipt(signed(composeReceipt(receipt)), ingester.did)).toEqual(receipt);
  });

  it('is refused from anyone else, also under the name of the ingester', () => {
    const other = memorySigner();
    const bytes = signed(composeReceipt(receipt), other);
    expect(openReceipt(bytes, ingester.did)).toMatchObject({ code: 'VC_ISSUER' });
    const named = signed(composeReceipt(receipt), { ...other, keyId: ingester.keyId });
    expect(openReceipt(named, ingester.did)).toMatchObject({ code: 'VC_SIGNATURE' });
    const foreign = signed(composeReceipt({ ...receipt, issuer: other.did }));
    expect(openReceipt(foreign, ingester.did)).toMatchObject({ code: 'VC_ISSUER' });
  });

  it('is not a credential, nor a credential a receipt', () => {
    const payload = composeReceipt(receipt);
    const credential = signTokenNow({ payload, signer: ingester, typ: 'vc+jwt' });
    expect(openReceipt(credential, ingester.did)).toMatchObject({ code: 'VC_TYPE' });
  });

  it.each([
    ['no results', { results: [] }],
    ['an unknown outcome', { results: [{ digest: someDigest, outcome: 'perhaps' }] }],
    ['an unknown member', { note: 'x' }],
    ['a leaf that is no hash', { results: [{ digest: someDigest, outcome: 'held', leaf: 'zz' }] }],
  ])('is refused with %s', (_, changes) => {
    const payload = JSON.stringify({ ...receipt, ...changes });
    expect(openReceipt(signed(payload), ingester.did)).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it('may be as large as allowed and no larger', () => {
    const bytes = new Uint8Array(limits.receiptBytesMax + 1).fill(0x61);
    expect(openReceipt(bytes, ingester.did)).toMatchObject({ code: 'VC_TOO_LARGE' });
  });
});
