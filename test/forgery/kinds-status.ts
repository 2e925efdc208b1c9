/** Deceits with status: lists that are none, of others or for something else, and entries. */
import { gzipSync } from 'node:zlib';
import { encodeStatusList, statusBits } from '../../devices/credential/status-list.ts';
import type { Forgery } from './case.ts';
import { payloadOf, signed } from './case.ts';
import { batches, claim, proven, tokens } from './places.ts';
import { atMs, documents, forger, lists, papers, parties, statusList, stranger } from './world.ts';

const { northline: own, rival } = parties;
const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

const list = async (
  changes: Parameters<typeof statusList>[2],
  by = own,
  id: string = lists.revocation,
) => [id, await statusList(id, by, changes)] as const;

/** The bytes of `encodedList` as they are, whatever they are. */
const encoded = (bits: Uint8Array): string => `u${Buffer.from(bits).toString('base64url')}`;

const zeros = (length: number): Uint8Array => new Uint8Array(length);
/** 200 MiB of nothing, in 200 KiB. */
const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024), { level: 1 });

const LISTS: readonly [string, () => Promise<readonly [string, Uint8Array]>][] = [
  ['revoked in it', () => list({ set: [7] })],
  ['by another organisation', () => list({}, rival)],
  ['by a stranger', () => list({}, stranger)],
  ['for another purpose', () => list({ purpose: 'suspension' })],
  ['for no purpose', () => list({ purpose: '' })],
  ['that has ended', () => list({ validUntilMs: atMs - 1_800_000 })],
  [
    'that calls itself otherwise',
    async () => [lists.revocation, await statusList(lists.suspension, own)],
  ],
  ['too short', () => list({ encodedList: encoded(gzipSync(zeros(1_024))) })],
  ['of nothing', () => list({ encodedList: encoded(gzipSync(zeros(0))) })],
  ['a bomb', () => list({ encodedList: encoded(bomb) })],
  ['a bomb in a bomb', () => list({ encodedList: encoded(gzipSync(bomb)) })],
  ['not packed', () => list({ encodedList: encoded(zeros(16_384)) })],
  ['without its base', () => list({ encodedList: encodeStatusList(statusBits([])).slice(1) })],
  ['of another base', () => list({ encodedList: `z${encodeStatusList(statusBits([])).slice(1)}` })],
  ['padded', () => list({ encodedList: `${encodeStatusList(statusBits([]))}==` })],
  [
    'with something behind',
    () =>
      list({ encodedList: encoded(Buffer.concat([gzipSync(zeros(16_384)), Buffer.from('x')])) }),
  ],
  ['cut', () => list({ encodedList: encodeStatusList(statusBits([])).slice(0, -8) })],
  ['empty', () => list({ encodedList: '' })],
  ['a web page', async () => [lists.revocation, Buffer.from('<html></html>')]],
  ['an enrolment', async () => [lists.revocation, papers.meter.token]],
  ['a batch', async () => [lists.revocation, Buffer.from(batches.scale)]],
  [
    'without a signature',
    async () => {
      const [, payload = ''] = Buffer.from(await statusList(lists.revocation, own))
        .toString()
        .split('.');
      return [lists.revocation, Buffer.from(payload, 'base64url')];
    },
  ],
  ['signed by the forger', async () => [lists.revocation, await byForger(lists.revocation)]],
];

async function byForger(id: string): Promise<Uint8Array> {
  const made = await statusList(id, own);
  const [header = '', payload = ''] = Buffer.from(made).toString().split('.');
  const parts = [header, payload].map((part) => Buffer.from(part, 'base64url'));
  return bytes(await signed(parts[0] ?? '', parts[1] ?? '', forger.ES256));
}

const statusCodes = [
  'VC_STATUS_INVALID',
  'VC_REVOKED',
  'VC_ENROLMENT_INVALID',
  'VC_STATUS_MISSING',
];

/** The meter's batch and its enrolment, with each list in place of the one that they rest on. */
export async function* withLists(): AsyncGenerator<Forgery> {
  const places = { batch: batches.meter, enrolment: papers.meter.token };
  for (const [name, make] of LISTS) {
    const given = { documents: documents({ lists: new Map([await make()]) }) };
    for (const [place, token] of Object.entries(places)) {
      const made = typeof token === 'string' ? bytes(token) : token;
      yield {
        kind: `list ${name}`,
        place,
        bytes: made,
        codes: statusCodes,
        given,
        only: 'verifier',
      };
    }
  }
}

const STATUS: readonly [string, object][] = [
  ['an index out of range', { statusListIndex: '131072' }],
  ['an index beyond all', { statusListIndex: '99999999999' }],
  ['an index below zero', { statusListIndex: '-1' }],
  ['an index that is no number', { statusListIndex: 'seven' }],
  ['an index as a number', { statusListIndex: 7 }],
  ['an index with an exponent', { statusListIndex: '7e0' }],
  ['no index', { statusListIndex: undefined }],
  ['a purpose nobody knows', { statusPurpose: 'none' }],
  ['another list', { statusListCredential: lists.rival }],
  ['a list that is not there', { statusListCredential: 'https://northline.example/none' }],
  ['a list inside', { statusListCredential: 'data:application/vc+jwt,x' }],
  ['a file as list', { statusListCredential: 'file:///etc/passwd' }],
  ['another type', { type: 'StatusList2021Entry' }],
  ['no type', { type: undefined }],
  ['entries of two bits', { statusSize: 2 }],
  ['entries of no bits', { statusSize: 0 }],
];

const entry = {
  type: 'BitstringStatusListEntry',
  statusPurpose: 'revocation',
  statusListIndex: '7',
  statusListCredential: lists.revocation,
};

/** Credentials that the organisation itself signed, whose status nobody can tell. */
export async function* withEntries(): AsyncGenerator<Forgery> {
  const header = JSON.stringify({ alg: 'ES256', typ: 'vc+jwt', kid: own.signer.keyId });
  for (const [name, changes] of STATUS) {
    const credentialStatus = JSON.parse(JSON.stringify([{ ...entry, ...changes }])) as object[];
    const credential = { ...claim(own.did), credentialStatus };
    const paper = { ...payloadOf(tokens[4] as never), credentialStatus };
    const made = await signed(header, JSON.stringify(credential), own.signer);
    const enrolled = await signed(header, JSON.stringify(paper), own.signer);
    const document = await proven(credential, [own.signer]);
    yield { kind: `status: ${name}`, place: 'credential vc+jwt', bytes: bytes(made) };
    yield { kind: `status: ${name}`, place: 'credential ecdsa-jcs-2019', bytes: bytes(document) };
    // What asks about a list that will be there, or about another's, waits for it at the ingester.
    const only = 'verifier';
    yield { kind: `status: ${name}`, place: 'enrolment', bytes: bytes(enrolled), only };
  }
}
