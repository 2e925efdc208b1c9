/** Deceits with the DID document of an organisation, under which nothing of it may hold. */
import { ticket } from '../support/party.ts';
import type { Forgery } from './case.ts';
import { batches, plain, proven, tokens } from './places.ts';
import { documentOf, documents, forger, methodOf, papers, parties, read } from './world.ts';

const { northline: own, rival } = parties;
const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

const method = methodOf(own.signer);
const forged = methodOf({ ...own.signer, publicKey: forger.ES256.publicKey });
const withMethod = (changes: object) =>
  documentOf(own.signer, { verificationMethod: [{ ...method, ...changes }] });

/** Documents of the organisation under which nothing of it may hold. */
const DIDS: readonly [string, readonly string[], object][] = [
  ['the key of another controller', ['VC_KEY_CONTROLLER'], withMethod({ controller: rival.did })],
  ['the key revoked', ['VC_KEY_REVOKED'], withMethod({ revoked: '2026-01-01T00:00:00Z' })],
  ['the key expired', ['VC_KEY_EXPIRED'], withMethod({ expires: '2026-01-01T00:00:00Z' })],
  ['the key only to present', ['VC_KEY_UNKNOWN'], documentOf(own.signer, { assertionMethod: [] })],
  [
    'the key for nothing',
    ['VC_KEY_UNKNOWN'],
    documentOf(own.signer, { assertionMethod: undefined, authentication: undefined }),
  ],
  ['the key under another name', ['VC_KEY_UNKNOWN'], withMethod({ id: `${own.did}#key-9` })],
  ['the secret published', ['VC_KEY_INVALID'], withMethod({ privateKeyJwk: {} })],
  [
    'the secret inside of the key',
    ['VC_KEY_INVALID'],
    withMethod({ publicKeyJwk: { ...method.publicKeyJwk, d: 'AAAA' } }),
  ],
  ['another type of key', ['VC_KEY_INVALID'], withMethod({ type: 'RsaVerificationKey2018' })],
  [
    'a point beside the curve',
    ['VC_KEY_INVALID'],
    withMethod({
      publicKeyJwk: { ...method.publicKeyJwk, y: Buffer.alloc(32, 1).toString('base64url') },
    }),
  ],
  [
    'the point of all zeros',
    ['VC_KEY_INVALID'],
    withMethod({
      publicKeyJwk: {
        ...method.publicKeyJwk,
        x: Buffer.alloc(32).toString('base64url'),
        y: Buffer.alloc(32).toString('base64url'),
      },
    }),
  ],
  [
    'an Ed25519 key of small order',
    ['VC_KEY_INVALID', 'VC_ALGORITHM'],
    withMethod({
      publicKeyJwk: {
        kty: 'OKP',
        crv: 'Ed25519',
        x: Buffer.from([1, ...new Array<number>(31).fill(0)]).toString('base64url'),
      },
    }),
  ],
  [
    'a key for encryption',
    ['VC_KEY_INVALID'],
    withMethod({ publicKeyJwk: { ...method.publicKeyJwk, use: 'enc' } }),
  ],
  [
    'two forms of one key',
    ['VC_KEY_INVALID'],
    withMethod({ publicKeyMultibase: 'zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv' }),
  ],
  ["the forger's key", ['VC_SIGNATURE'], documentOf(own.signer, { verificationMethod: [forged] })],
];

/** Documents that are none; whoever offers them has offered nothing. */
const BAD_DIDS: readonly [string, object][] = [
  ['two methods of one name', documentOf(own.signer, { verificationMethod: [forged, method] })],
  ['a method listed and embedded', documentOf(own.signer, { assertionMethod: [forged] })],
  ['a symmetric key', withMethod({ publicKeyJwk: { kty: 'oct', k: 'AAAA' } })],
  ['an end that is no time', withMethod({ expires: 'never' })],
  ['the DID of another', documentOf({ ...own.signer, did: rival.did })],
  ['no DID', documentOf(own.signer, { id: undefined })],
];

export const didDocuments = { bad: BAD_DIDS, unfit: DIDS } as const;

export async function* withDids(): AsyncGenerator<Forgery> {
  const document = await proven(plain(ticket()), [own.signer]);
  const token = tokens.find(({ name }) => name === 'ticket vc+jwt');
  const places: Readonly<Record<string, Uint8Array>> = {
    enrolment: papers.disclosing.token,
    ticket: bytes(token?.token),
    'ticket with a proof': bytes(document),
  };
  for (const [name, codes, changed] of DIDS) {
    const given = { documents: documents({ dids: new Map([[own.did, read(changed)]]) }) };
    for (const [place, made] of Object.entries(places)) {
      yield { kind: `DID document: ${name}`, place, bytes: made, codes, given, only: 'verifier' };
    }
    const bound = [...codes, 'VC_ENROLMENT_INVALID'];
    const of = bytes(batches.disclosing);
    yield {
      kind: `DID document: ${name}`,
      place: 'batch',
      bytes: of,
      codes: bound,
      given,
      only: 'verifier',
    };
  }
}
