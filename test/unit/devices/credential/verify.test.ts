import { describe, expect, it } from 'vitest';
import type { Documents } from '../../../../devices/credential/documents.ts';
import type { Enrolment } from '../../../../devices/credential/enrolment.ts';
import { composeEnrolment } from '../../../../devices/credential/enrolment-wire.ts';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../../devices/credential/status-list.ts';
import type { VerdictReport } from '../../../../devices/credential/verdict.ts';
import { verifyCredential } from '../../../../devices/credential/verify.ts';
import { credentialDigest } from '../../../../devices/envelope.ts';
import { readDidDocument } from '../../../../devices/identity/did-document.ts';
import { limits } from '../../../../devices/limits.ts';
import { memoryOrganisation, memorySigner, type Organisation } from '../../../support/identity.ts';
import {
  BatchMaker,
  readingGroups,
  someDigest,
  someProfile,
} from '../../../support/signed-batch.ts';

const atMs = 1_763_766_000_000;
const mill = memoryOrganisation('did:web:mill.example', 'Mill');
const gateway = memorySigner().did;
const device = new BatchMaker(memorySigner(), gateway);
const goods = 'did:web:mill.example/heat/';
const groups = readingGroups({ fromMs: atMs, times: 2, points: 2, about: `${goods}26041` });

function listUrl(purpose: string): string {
  return `https://mill.example/status/${purpose}.jwt`;
}

function statusList(
  set: number[],
  purpose = 'revocation',
  changes: object = {},
  by = mill,
): Uint8Array {
  const payload = composeStatusList({
    id: listUrl(purpose),
    issuer: by.did,
    purpose,
    encodedList: encodeStatusList(statusBits(set)),
    validFromMs: atMs - 1000,
    ...changes,
  });
  return signTokenNow({ payload, signer: by.signer, typ: 'vc+jwt' });
}

function enrolment(changes: Partial<Enrolment> = {}, by = mill): Uint8Array {
  const payload = composeEnrolment({
    id: 'urn:uuid:3b0c2b9e-1f0a-4f0e-9a56-6a3a8d2f7c01',
    organisation: mill.did,
    organisationName: 'Mill',
    device: device.signer.did,
    gateway,
    label: 'line-1',
    profile: someProfile,
    facility: { id: 'did:web:mill.example/facility/a', name: 'A', latitude: 43, longitude: -79 },
    cadenceMs: 1000,
    heartbeatMs: 60_000,
    keyLocation: 'gateway-file',
    scope: { goods: [goods] },
    validFromMs: atMs - 1000,
    status: ['revocation', 'suspension'].map((purpose) => ({
      purpose: purpose as 'revocation' | 'suspension',
      list: listUrl(purpose),
      index: 7,
    })),
    ...changes,
  });
  return signTokenNow({ payload, signer: by.signer, typ: 'vc+jwt' });
}

interface AtHand {
  readonly organisations?: readonly Organisation[];
  readonly enrolments?: readonly Uint8Array[];
  readonly lists?: Readonly<Record<string, Uint8Array>>;
}

const goodLists = {
  [listUrl('revocation')]: statusList([]),
  [listUrl('suspension')]: statusList([], 'suspension'),
};

function documents(at: AtHand = {}): Documents {
  const { organisations = [mill], enrolments = [enrolment()], lists = goodLists } = at;
  const read = organisations.map(({ document }) => {
    const made = readDidDocument(document);
    if ('code' in made) throw new Error(made.reason);
    return made;
  });
  return {
    didDocument: (did) => read.find(({ id }) => id === did),
    statusList: (url) => lists[url],
    enrolments: (_, digest) =>
      enrolments.filter((token) => digest === undefined || credentialDigest(token) === digest),
  };
}

function verify(bytes: Uint8Array, at: AtHand = {}, timeMs = atMs): VerdictReport {
  return verifyCredential(bytes, { documents: documents(at), atMs: timeMs });
}

async function batch(changes: Parameters<BatchMaker['next']>[1] = {}): Promise<Uint8Array> {
  return device.next(atMs, { groups, ...changes });
}

function generic(changes: object = {}, by = mill.signer): Uint8Array {
  const payload = {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    type: ['VerifiableCredential'],
    issuer: mill.did,
    credentialSubject: { id: 'urn:x:1' },
    ...changes,
  };
  return signTokenNow({ payload: JSON.stringify(payload), signer: by, typ: 'vc+jwt' });
}

describe('a batch', () => {
  it('is valid with enrolment, DID document and status lists at hand, and says by whom', async () => {
    const report = verify(await batch());
    expect(report).toMatchObject({
      verdict: 'valid',
      code: 'VC_VALID',
      issuer: device.signer.did,
      keyId: device.signer.keyId,
    });
    expect(report.reason).toMatch(/enrolled by Mill; key in gateway-file/);
  });

  it('is valid under the very enrolment that it names', async () => {
    const named = { id: 'urn:uuid:3b0c2b9e-1f0a-4f0e-9a56-6a3a8d2f7c01', digest: '' };
    const token = enrolment();
    const good = await batch({ enrolment: { ...named, digest: credentialDigest(token) } });
    expect(verify(good, { enrolments: [token] }).verdict).toBe('valid');
    const other = await batch({ enrolment: { ...named, digest: someDigest } });
    expect(verify(other, { enrolments: [token] }).code).toBe('VC_ENROLMENT_MISSING');
  });

  it.each<[string, AtHand, string]>([
    ['enrolment', { enrolments: [] }, 'VC_ENROLMENT_MISSING'],
    ['DID document of the organisation', { organisations: [] }, 'VC_DOCUMENT_MISSING'],
    ['status list', { lists: {} }, 'VC_STATUS_MISSING'],
  ])('cannot be judged without the %s', async (_, at, code) => {
    expect(verify(await batch(), at)).toMatchObject({ verdict: 'undecided', code });
  });

  it.each<[string, () => AtHand, string]>([
    [
      'another device',
      () => ({ enrolments: [enrolment({ device: gateway })] }),
      'VC_ENROLMENT_MISMATCH',
    ],
    [
      'another gateway',
      () => ({ enrolments: [enrolment({ gateway: device.signer.did })] }),
      'VC_ENROLMENT_MISMATCH',
    ],
    [
      'another profile',
      () => ({
        enrolments: [
          enrolment({
            profile: { name: 'x', digest: someDigest.replace(/.$/, 'A').replace(/^uEi./, 'uEiC') },
          }),
        ],
      }),
      'VC_ENROLMENT_MISMATCH',
    ],
    [
      'other goods',
      () => ({ enrolments: [enrolment({ scope: { goods: ['did:web:mill.example/coil/'] } })] }),
      'VC_SCOPE',
    ],
    [
      'an earlier time',
      () => ({ enrolments: [enrolment({ validUntilMs: atMs - 1 })] }),
      'VC_ENROLMENT_INVALID',
    ],
    [
      'a forger',
      () => ({ enrolments: [enrolment({}, memoryOrganisation(mill.did, 'Forger'))] }),
      'VC_ENROLMENT_INVALID',
    ],
    [
      'a revoked key',
      () => ({ lists: { ...goodLists, [listUrl('revocation')]: statusList([7]) } }),
      'VC_REVOKED',
    ],
    [
      'a suspended key',
      () => ({ lists: { ...goodLists, [listUrl('suspension')]: statusList([7], 'suspension') } }),
      'VC_SUSPENDED',
    ],
  ])('is not valid under an enrolment for %s', async (_, at, code) => {
    expect(verify(await batch(), at())).toMatchObject({ verdict: 'invalid', code });
  });

  it('is revoked though the other list is missing', async () => {
    const lists = { [listUrl('suspension')]: statusList([7], 'suspension') };
    expect(verify(await batch(), { lists }).code).toBe('VC_SUSPENDED');
  });

  it('needs one enrolment that fits, not all', async () => {
    const stale = enrolment({ validUntilMs: atMs - 1 });
    expect(verify(await batch(), { enrolments: [stale, enrolment()] }).verdict).toBe('valid');
    // One that cannot be judged leaves it open, unless another one decides.
    const elsewhere = memoryOrganisation('did:web:elsewhere.example', 'Elsewhere');
    const foreign = enrolment({ organisation: elsewhere.did }, elsewhere);
    expect(verify(await batch(), { enrolments: [foreign] }).verdict).toBe('undecided');
    const both = verify(await batch(), { enrolments: [foreign, stale] });
    expect(both).toMatchObject({ verdict: 'invalid', code: 'VC_ENROLMENT_INVALID' });
  });

  it('becomes invalid when a byte changes, whatever is missing', async () => {
    const bytes = Uint8Array.from(await batch());
    bytes[bytes.length - 20] = bytes[bytes.length - 20] === 0x41 ? 0x42 : 0x41;
    expect(verify(bytes, { enrolments: [] })).toMatchObject({ code: 'VC_SIGNATURE' });
  });

  it('is refused above the size of a batch', async () => {
    const about = `${goods}${'x'.repeat(300)}`;
    const many = readingGroups({ fromMs: atMs, times: 128, points: 2, about });
    const bytes = await batch({ groups: many });
    expect(bytes.length).toBeGreaterThan(limits.batchBytesMax);
    expect(verify(bytes)).toMatchObject({ verdict: 'invalid', code: 'VC_TOO_LARGE' });
  });

  it('of the future is not valid yet, but a clock may be a little ahead', async () => {
    const bytes = await batch({ closedMs: atMs + limits.clockSkewMs });
    expect(verify(bytes).verdict).toBe('valid');
    expect(verify(bytes, {}, atMs - 1)).toMatchObject({
      verdict: 'invalid',
      code: 'VC_NOT_YET_VALID',
    });
  });
});

describe('a status list', () => {
  it.each<[string, Uint8Array]>([
    ['expired', statusList([], 'revocation', { validUntilMs: atMs - 1 })],
    ['signed by another', statusList([], 'revocation', {}, memoryOrganisation(mill.did, 'Forger'))],
    ['for another purpose', statusList([], 'revocation', { purpose: 'message' })],
    ['published elsewhere', statusList([], 'revocation', { id: 'https://mill.example/other' })],
    ['not a token', Buffer.from('x')],
  ])('that is %s leaves the status open, even if its bit is not set', (_, list) => {
    const lists = { ...goodLists, [listUrl('revocation')]: list };
    expect(verify(enrolment(), { lists })).toMatchObject({
      verdict: 'undecided',
      code: 'VC_STATUS_INVALID',
    });
  });

  it('of another issuer says nothing of our enrolments', () => {
    const other = memoryOrganisation('did:web:other.example', 'Other');
    const foreign = statusList([7], 'revocation', {}, other);
    const lists = { ...goodLists, [listUrl('revocation')]: foreign };
    expect(verify(enrolment(), { lists, organisations: [mill, other] }).code).toBe(
      'VC_STATUS_INVALID',
    );
  });

  it('is judged as a credential of its own', () => {
    expect(verify(statusList([]))).toMatchObject({ verdict: 'valid', issuer: mill.did });
  });
});

describe('any credential', () => {
  it('is valid when its issuer signed it', () => {
    expect(verify(generic())).toMatchObject({ verdict: 'valid', keyId: `${mill.did}#key-1` });
    expect(verify(generic({ issuer: { id: mill.did, name: 'Mill' } })).verdict).toBe('valid');
  });

  it('becomes valid and ceases to be at its times', () => {
    const bytes = generic({ validFrom: time(0), validUntil: time(1000) });
    const verdictAt = (timeMs: number): string => verify(bytes, {}, timeMs).code;
    expect(verdictAt(atMs - limits.clockSkewMs - 1)).toBe('VC_NOT_YET_VALID');
    expect(verdictAt(atMs)).toBe('VC_VALID');
    expect(verdictAt(atMs + 1000)).toBe('VC_VALID');
    expect(verdictAt(atMs + 1001)).toBe('VC_EXPIRED');
  });

  it.each<[string, object, string]>([
    ['issuer', { issuer: undefined }, 'VC_SCHEMA'],
    ['subject', { credentialSubject: undefined }, 'VC_SCHEMA'],
    ['content in its subject', { credentialSubject: {} }, 'VC_SCHEMA'],
    ['type', { type: ['Other'] }, 'VC_SCHEMA'],
    ['first context', { '@context': ['https://www.w3.org/2018/credentials/v1'] }, 'VC_SCHEMA'],
  ])('is refused without %s', (_, changes, code) => {
    expect(verify(generic(changes))).toMatchObject({ verdict: 'invalid', code });
  });

  it.each<[string, object, string]>([
    ['a vc claim', { vc: {} }, 'VC_SCHEMA'],
    ['another iss', { iss: 'did:web:other.example' }, 'VC_ISSUER'],
    ['another jti', { id: 'urn:x:2', jti: 'urn:x:3' }, 'VC_CONTRADICTION'],
    ['another sub', { sub: 'urn:x:3' }, 'VC_CONTRADICTION'],
    ['a past exp', { exp: atMs / 1000 - 1 }, 'VC_EXPIRED'],
    ['a begin that is no time', { validFrom: 'yesterday' }, 'VC_SCHEMA'],
    ['a begin without a zone', { validFrom: '2026-01-01T00:00:00' }, 'VC_SCHEMA'],
    ['an issuer whose key did not sign', { issuer: 'did:web:other.example' }, 'VC_ISSUER'],
  ])('is refused with %s', (_, changes, code) => {
    expect(verify(generic(changes))).toMatchObject({ verdict: 'invalid', code });
  });

  it.each<[string, object, string]>([
    [
      'a status of another type',
      { credentialStatus: { type: 'https://status.example/#Other' } },
      'VC_STATUS_UNSUPPORTED',
    ],
    [
      'a list that is not at hand',
      {
        credentialStatus: {
          type: 'BitstringStatusListEntry',
          statusPurpose: 'revocation',
          statusListIndex: '1',
          statusListCredential: 'https://x.example/1',
        },
      },
      'VC_STATUS_MISSING',
    ],
  ])('cannot be judged with %s', (_, changes, code) => {
    expect(verify(generic(changes))).toMatchObject({ verdict: 'undecided', code });
  });

  it('by an organisation that is not known cannot be judged', () => {
    expect(verify(generic(), { organisations: [] }).code).toBe('VC_DOCUMENT_MISSING');
    const far = { ...mill.signer, keyId: 'did:ion:abc#k' };
    const report = verify(generic({ issuer: 'did:ion:abc' }, far));
    expect(report).toMatchObject({ verdict: 'undecided', code: 'VC_ISSUER_UNSUPPORTED' });
  });

  it('that is not a token at all is named for what it is', () => {
    const of = (text: string): string => verify(Buffer.from(text)).code;
    expect(of('{"type":["VerifiableCredential"]}')).toBe('VC_UNSECURED');
    expect(of('{"proof":{}}')).toBe('VC_SCHEMA');
    expect(of('{"type":["VerifiableCredential"]} ,')).toBe('VC_JSON');
    expect(of('e30.e30.AAAA~')).toBe('VC_ALGORITHM');
    expect(of('hello')).toBe('VC_MALFORMED');
    expect(of('')).toBe('VC_MALFORMED');
  });

  function time(afterMs: number): string {
    return new Date(atMs + afterMs).toISOString();
  }
});
