/** Who is who: organisations, gateways and devices with papers, and those who want to be them. */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { Documents } from '../../devices/credential/documents.ts';
import type { Enrolment } from '../../devices/credential/enrolment.ts';
import { composeEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { signToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../devices/credential/status-list.ts';
import { credentialDigest } from '../../devices/envelope.ts';
import { type DidDocument, readDidDocument } from '../../devices/identity/did-document.ts';
import { didOfPublicJwk, keyIdOfDid } from '../../devices/identity/did-key.ts';
import { signatureOfDer } from '../../devices/identity/ecdsa-signature.ts';
import { noDocuments } from '../../devices/io/documents.ts';
import {
  customs,
  laboratory,
  lakeside,
  mill,
  northline,
  partyMs,
  surety,
} from '../support/party.ts';
import { someProfile } from '../support/signed-batch.ts';
import type { Keys } from './case.ts';

/** When everything is judged. */
export const atMs = partyMs;

type Algorithm = 'ES256' | 'EdDSA';

/** A fresh key; named after itself unless a name is given. */
export function keys(algorithm: Algorithm, name?: { did: string; keyId: string }): Keys {
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519');
  const { privateKey, publicKey } = pair;
  const did = name?.did ?? didOfPublicJwk(jwkOf(publicKey));
  const keyId = name?.keyId ?? keyIdOfDid(did);
  const sealed = (data: Uint8Array) =>
    algorithm === 'ES256'
      ? signatureOfDer(sign('sha256', data, privateKey), 32)
      : sign(null, data, privateKey);
  return { did, keyId, algorithm, publicKey, sign: sealed };
}

export const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' }) as Record<string, string>;

/** An organisation with its key and its DID document. */
export interface Party {
  readonly did: string;
  readonly name: string;
  readonly signer: Keys;
  readonly document: Readonly<Record<string, unknown>>;
}

export function party(one: { id: string; name: string }, algorithm: Algorithm = 'ES256'): Party {
  const { id: did, name } = one;
  const signer = keys(algorithm, { did, keyId: `${did}#key-1` });
  return { did, name, signer, document: documentOf(signer) };
}

/** A document with this one key, for claims and for presentations. */
export function documentOf({ did, keyId, publicKey }: Keys, changes: object = {}) {
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
    id: did,
    verificationMethod: [methodOf({ did, keyId, publicKey })],
    assertionMethod: [keyId],
    authentication: [keyId],
    ...changes,
  };
}

export function methodOf({ did, keyId, publicKey }: Pick<Keys, 'did' | 'keyId' | 'publicKey'>) {
  return { id: keyId, type: 'JsonWebKey', controller: did, publicKeyJwk: jwkOf(publicKey) };
}

const rivalName = { id: 'did:web:rival.example', name: 'Rival Pipelines' };

/** Organisations that the ingester trusts. Lakeside and the mill sign with Ed25519. */
export const parties = {
  northline: party(northline),
  lakeside: party(lakeside, 'EdDSA'),
  customs: party(customs),
  surety: party(surety),
  laboratory: party(laboratory, 'EdDSA'),
  mill: party(mill, 'EdDSA'),
  rival: party(rivalName),
} as const;

export type PartyName = keyof typeof parties;

/** Nobody trusts it, and its document is not at hand. */
export const stranger = party({ id: 'did:web:stranger.example', name: 'Stranger' });

/** The forger's own keys, one for each algorithm, which nobody enrolled. */
export const forger = { ES256: keys('ES256'), EdDSA: keys('EdDSA') } as const;

export const gateways = { own: keys('ES256'), rival: keys('ES256') } as const;

export const devices = {
  meter: keys('ES256'),
  scale: keys('EdDSA'),
  disclosing: keys('ES256'),
  revoked: keys('ES256'),
  suspended: keys('ES256'),
  /** Enrolled by the rival, at the rival's gateway. */
  rival: keys('ES256'),
  /** Its enrolment is what is forged. */
  fresh: keys('ES256'),
} as const;

export const lists = {
  revocation: 'https://northline.example/status/revocation.jwt',
  suspension: 'https://northline.example/status/suspension.jwt',
  rival: 'https://rival.example/status/revocation.jwt',
} as const;

/** Index whose bit is set in the lists; that of good devices is 7. */
const SET = 9;

export async function statusList(
  id: string,
  by: Party,
  changes: { purpose?: string; set?: number[]; validUntilMs?: number; encodedList?: string } = {},
): Promise<Uint8Array> {
  const { purpose = 'revocation', set = [SET], ...more } = changes;
  const encodedList = encodeStatusList(statusBits(set));
  const validFromMs = atMs - 3_600_000;
  const list = { id, issuer: by.did, purpose, encodedList, validFromMs, ...more };
  return signToken({ payload: composeStatusList(list), signer: by.signer, typ: 'vc+jwt' });
}

export async function enrolment(
  device: { readonly did: string },
  by: Party,
  changes: Partial<Enrolment> = {},
): Promise<{ readonly id: string; readonly digest: string; readonly token: Uint8Array }> {
  const id = `urn:uuid:${randomUUID()}`;
  const payload = composeEnrolment({
    id,
    organisation: by.did,
    organisationName: by.name,
    device: device.did,
    gateway: gateways.own.did,
    label: 'fc-1',
    profile: someProfile,
    facility: { id: `${by.did}/facility/one`, name: 'One', latitude: 48.9, longitude: -97.5 },
    cadenceMs: 1_000,
    heartbeatMs: 60_000,
    keyLocation: 'gateway-file',
    scope: { goods: [`${by.did}/batch/`] },
    validFromMs: atMs - 3_600_000,
    validUntilMs: atMs + 86_400_000,
    status: [],
    ...changes,
  });
  const token = await signToken({ payload, signer: by.signer, typ: 'vc+jwt' });
  return { id, digest: credentialDigest(token), token };
}

const { northline: own, rival } = parties;
const entry = (purpose: 'revocation' | 'suspension', index: number) => ({
  purpose,
  list: lists[purpose],
  index,
});

/** Papers that the ingester and the verifier have. */
export const papers = {
  meter: await enrolment(devices.meter, own, { status: [entry('revocation', 7)] }),
  scale: await enrolment(devices.scale, own, { status: [entry('suspension', 7)] }),
  disclosing: await enrolment(devices.disclosing, own),
  revoked: await enrolment(devices.revoked, own, { status: [entry('revocation', SET)] }),
  suspended: await enrolment(devices.suspended, own, { status: [entry('suspension', SET)] }),
  rival: await enrolment(devices.rival, rival, {
    gateway: gateways.rival.did,
    status: [{ purpose: 'revocation', list: lists.rival, index: 7 }],
  }),
} as const;

export const publishedLists: ReadonlyMap<string, Uint8Array> = new Map([
  [lists.revocation, await statusList(lists.revocation, own)],
  [lists.suspension, await statusList(lists.suspension, own, { purpose: 'suspension' })],
  [lists.rival, await statusList(lists.rival, rival)],
]);

export function read(document: unknown): DidDocument {
  const made = readDidDocument(document);
  if (isRefusal(made)) throw new Error(made.reason);
  return made;
}

const pinned = new Map(Object.values(parties).map(({ did, document }) => [did, read(document)]));

/** The genuine documents; some may be replaced. */
export function documents(
  changes: {
    readonly dids?: ReadonlyMap<string, DidDocument>;
    readonly lists?: ReadonlyMap<string, Uint8Array>;
    readonly enrolments?: readonly Uint8Array[];
  } = {},
): Documents {
  const enrolled = changes.enrolments ?? Object.values(papers).map(({ token }) => token);
  return {
    ...noDocuments,
    didDocument: (did) => changes.dids?.get(did) ?? pinned.get(did),
    statusList: (url) => changes.lists?.get(url) ?? publishedLists.get(url),
    enrolments: (device, digest) =>
      enrolled.filter((token) => {
        const [, payload = ''] = Buffer.from(token).toString('latin1').split('.');
        const text = Buffer.from(payload, 'base64url').toString('utf8');
        return (
          text.includes(`"${device}"`) && [undefined, credentialDigest(token)].includes(digest)
        );
      }),
  };
}
