/** Where the entry of a credential is found, and the list that it names. */
import { describe, expect, it } from 'vitest';
import { checkStatus } from '../../../../devices/credential/check-status.ts';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../../devices/credential/status-list.ts';
import { verifyCredential } from '../../../../devices/credential/verify.ts';
import { noDocuments } from '../../../../devices/io/documents.ts';
import { memorySigner } from '../../../support/identity.ts';

const url = 'https://mill.example/status/1';
const signer = memorySigner();
const atMs = Date.parse('2026-06-01T00:00:00Z');

/** A list in which only entry 7 is set. */
function list(changes: object = {}): Uint8Array {
  const composed = composeStatusList({
    id: url,
    issuer: signer.did,
    purpose: 'revocation',
    encodedList: encodeStatusList(statusBits([7])),
    validFromMs: atMs,
  });
  const payload = JSON.stringify({ ...JSON.parse(composed), ...changes });
  return signTokenNow({ payload, signer, typ: 'vc+jwt' });
}

function codeOf(status: object, published: Uint8Array = list()): string | undefined {
  const entry = {
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: '7',
    statusListCredential: url,
    ...status,
  };
  const documents = {
    ...noDocuments,
    statusList: (one: string) => (one === url ? published : undefined),
  };
  return checkStatus({ issuer: signer.did, credentialStatus: entry }, { documents, atMs })?.code;
}

describe('an entry', () => {
  it.each([
    ['one type', 'BitstringStatusListEntry'],
    ['a list of one', ['BitstringStatusListEntry']],
    ['a list with others', ['https://x.example/#Status', 'BitstringStatusListEntry']],
  ])('is judged under %s', (_, type) => {
    expect(codeOf({ type })).toBe('VC_REVOKED');
    expect(codeOf({ type, statusListIndex: '8' })).toBeUndefined();
  });

  it.each([
    ['another', 'https://x.example/#Status'],
    ['a list of others', ['https://x.example/#Status']],
    ['a list in a list', [['BitstringStatusListEntry']]],
    ['none', undefined],
  ])('of a type that is %s leaves the status open', (_, type) => {
    expect(codeOf({ type })).toBe('VC_STATUS_UNSUPPORTED');
  });
});

describe('a list without a name', () => {
  it('is the one at the address where it was found', () => {
    expect(codeOf({}, list({ id: undefined }))).toBe('VC_REVOKED');
    expect(codeOf({}, list({ id: `${url}x` }))).toBe('VC_STATUS_INVALID');
  });

  it('is valid itself', () => {
    const judged = verifyCredential(list({ id: undefined }), { documents: noDocuments, atMs });
    expect(judged).toMatchObject({ verdict: 'valid', reason: 'status list without a name' });
  });
});
