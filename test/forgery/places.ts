/** Every secured artefact of ours in every form, genuine, and the places into which each is put. */
import { randomUUID } from 'node:crypto';
import {
  type CertificateRequest,
  certificateRequestPayload,
  openCertificateRequest,
} from '../../devices/credential/certificate-request.ts';
import { composeEnrolRequest, openEnrolRequest } from '../../devices/credential/enrol-request.ts';
import { openToken, signToken } from '../../devices/credential/jws.ts';
import { familyFor, type PartyStatement } from '../../devices/credential/party/families.ts';
import { addProof } from '../../devices/credential/proof/add-proof.ts';
import { composeReceipt, openReceipt } from '../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { showOnly, signBatchSelectively } from '../../devices/credential/sd-jwt-issue.ts';
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';
import { fingerprintOfDid } from '../../devices/envelope.ts';
import { limits } from '../../devices/limits.ts';
import { formatTime, systemRandom } from '../../devices/runtime.ts';
import { bazaarIssuer } from '../support/digitalbazaar.ts';
import {
  aeo,
  bond,
  calibration,
  correction,
  ctpat,
  custodyStep,
  foodInspection,
  goodsEvent,
  millTestReport,
  newId,
  ticket,
} from '../support/party.ts';
import { envelope, v2 } from '../support/presented.ts';
import { hasShared } from '../support/shared.ts';
import { BatchMaker, readingGroups, someDigest, someProfile } from '../support/signed-batch.ts';
import type { DocumentPlace, Keys, TokenPlace } from './case.ts';
import {
  atMs,
  devices,
  enrolment,
  gateways,
  keys,
  type Party,
  papers,
  parties,
  statusList,
} from './world.ts';

const { northline: own, lakeside } = parties;
const goods = ['did:web:northline.example/batch/1', 'did:web:northline.example/batch/2'];
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** A batch of four elements about two goods, under an enrolment. */
export async function batch(
  device: Keys,
  paper: { readonly id: string; readonly digest: string },
  draft: object = {},
): Promise<string> {
  const maker = new BatchMaker(device, gateways.own.did);
  const groups = goods.flatMap((about, at) =>
    readingGroups({ fromMs: atMs - 9_000 + at * 2_000, times: 2, points: 2, about }),
  );
  const { id, digest } = paper;
  return text(await maker.next(atMs - 1_000, { groups, enrolment: { id, digest }, ...draft }));
}

export const batches = {
  meter: await batch(devices.meter, papers.meter),
  scale: await batch(devices.scale, papers.scale),
  disclosing: await batch(devices.disclosing, papers.disclosing),
};

async function disclosing(decoys: boolean): Promise<[string, string]> {
  const opened = openToken(Buffer.from(batches.disclosing), limits.batchBytesMax);
  if (isRefusal(opened)) throw new Error(opened.reason);
  const { payloadText: payload } = opened;
  const bytes = await signBatchSelectively({
    payload,
    signer: devices.disclosing,
    random: systemRandom,
    decoys,
  });
  return cut(text(bytes));
}

/** The token, and the disclosures behind it. */
function cut(whole: string): [string, string] {
  const at = whole.indexOf('~');
  return [whole.slice(0, at), whole.slice(at)];
}

const [whole, partial] = [await disclosing(false), await disclosing(true)];
const isShown = (value: unknown): boolean => JSON.stringify(value).includes(goods[0] ?? '');
const shown = cut(text(showOnly(Buffer.from(partial.join('')), isShown)));

const credential = {
  typ: 'vc+jwt',
  tail: '',
  isClosed: true,
  bytesMax: limits.credentialBytesMax,
} as const;
const ofBatch = { ...credential, bytesMax: limits.batchBytesMax } as const;
const disclosed = { ...ofBatch, typ: 'vc+sd-jwt' } as const;

/** Statements of the families that one party signs, by who signs them. */
const statements: readonly [PartyStatement, Party][] = [
  [ticket(), own],
  [goodsEvent(), own],
  [correction(), own],
  [millTestReport(), parties.mill],
  [foodInspection(), parties.laboratory],
  [ctpat(), parties.customs],
  [aeo({ status: [] }), parties.customs],
  [bond(), parties.surety],
  [calibration({ device: devices.meter.did }), parties.laboratory],
];

async function partyToken([statement, { signer }]: (typeof statements)[number]) {
  const payload = familyFor(statement).compose(statement);
  const token = text(await signToken({ payload, signer, typ: 'vc+jwt' }));
  const kind = 'programme' in statement ? statement.programme : statement.kind;
  return { ...credential, name: `${kind} vc+jwt`, token, signer, isClosed: false };
}

const freshPaper = await enrolment(devices.fresh, own);
const freshList = await statusList('https://northline.example/status/2.jwt', own);

/** Credentials as tokens. */
export const tokens: readonly TokenPlace[] = [
  { ...ofBatch, name: 'batch vc+jwt ES256', token: batches.meter, signer: devices.meter },
  { ...ofBatch, name: 'batch vc+jwt EdDSA', token: batches.scale, signer: devices.scale },
  place('batch vc+sd-jwt', whole),
  { ...place('batch vc+sd-jwt in part', shown), isPart: true },
  { ...credential, name: 'enrolment', token: text(freshPaper.token), signer: own.signer },
  {
    ...credential,
    name: 'status list',
    token: text(freshList),
    signer: own.signer,
    isClosed: false,
  },
  ...(await Promise.all(statements.map(partyToken))),
];

function place(name: string, [token, tail]: [string, string]): TokenPlace {
  return { ...disclosed, name, token, tail, signer: devices.disclosing };
}

/** The code of a refusal; what is no refusal was taken. */
const codeOf = (opened: object): string | undefined =>
  isRefusal(opened) ? opened.code : undefined;

const ingester = keys('ES256');
const asked = { requestedMs: atMs, label: 'fc-9', profile: someProfile } as const;
const rhythm = { cadenceMs: 1_000, heartbeatMs: 60_000, keyLocation: 'gateway-file' } as const;
const signers = { device: devices.fresh, gateway: gateways.own };

const certificateRequest: CertificateRequest = {
  gateway: gateways.own.did,
  ingester: ingester.did,
  key: 'MIIB',
  nonce: Buffer.alloc(16, 7).toString('base64url'),
  requestedMs: atMs,
  enrolments: [text(papers.meter.token)],
};

/** What is signed between the parts of the system, each with the door that it is for. */
export const messages: readonly TokenPlace[] = [
  {
    ...credential,
    name: 'receipt',
    typ: 'bondline-receipt+jwt',
    bytesMax: limits.receiptBytesMax,
    signer: ingester,
    open: (bytes) => codeOf(openReceipt(bytes, ingester.did)),
    token: text(
      await signToken({
        payload: composeReceipt({
          issuer: ingester.did,
          gateway: fingerprintOfDid(gateways.own.did),
          issuedMs: atMs,
          results: [{ digest: someDigest, outcome: 'accepted', position: 7, leaf: '0'.repeat(64) }],
        }),
        signer: ingester,
        typ: 'bondline-receipt+jwt',
      }),
    ),
  },
  {
    ...credential,
    name: 'enrol request',
    typ: 'bondline-enrol-request+jwt',
    signer: devices.fresh,
    open: (bytes) => codeOf(openEnrolRequest(bytes)),
    token: text(await composeEnrolRequest({ ...asked, ...rhythm }, signers)),
  },
  {
    ...credential,
    name: 'certificate request',
    typ: 'bondline-certificate-request+jwt',
    bytesMax: limits.certificateRequestBytesMax,
    signer: gateways.own,
    open: (bytes) => codeOf(openCertificateRequest(bytes)),
    token: text(
      await signToken({
        payload: certificateRequestPayload(certificateRequest),
        signer: gateways.own,
        typ: 'bondline-certificate-request+jwt',
      }),
    ),
  },
];

/** The places into which a token is put. The forger's documents come with the evidence. */
const carriers: Readonly<Record<string, (token: string, typ: string) => Promise<Uint8Array>>> = {
  array: async (token) => json([batches.meter, token]),
  evidence: async (token) => json({ bondlineEvidence: 1, documents: [], credentials: [token] }),
  envelope: async (token, typ) => json(envelope(token, typ)),
  'vp+jwt': async (token, typ) => present(token, typ),
  'presentation with a proof': async (token, typ) => json(await provenPresentation(token, typ)),
};

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

function presentationOf(token: string, typ: string): JsonObject {
  return {
    '@context': [v2],
    type: ['VerifiablePresentation'],
    holder: own.did,
    verifiableCredential: [envelope(token, typ)],
  };
}

/** A genuine presentation by the organisation, whatever it presents. */
export function present(token: string, typ = 'vc+jwt'): Promise<Uint8Array> {
  const payload = JSON.stringify(presentationOf(token, typ));
  return signToken({ payload, signer: own.signer, typ: 'vp+jwt' });
}

function provenPresentation(token: string, typ: string): Promise<JsonObject> {
  const created = formatTime(atMs - 60_000);
  return addProof(presentationOf(token, typ), own.signer, { purpose: 'authentication', created });
}

const carried = [
  'batch vc+jwt ES256',
  'batch vc+sd-jwt',
  'enrolment',
  'status list',
  'ticket vc+jwt',
];

/** Tokens inside of other things, for the verifier. */
export const inside: readonly TokenPlace[] = tokens
  .filter(({ name }) => carried.includes(name))
  .flatMap((one) =>
    Object.entries(carriers).map(([name, carry]) => ({
      ...one,
      name: `${one.name} in ${name}`,
      carry: (token: string) => carry(token, one.typ),
    })),
  );

/** The presentation's own signature, over a genuine credential. */
export const presentation: TokenPlace = {
  ...credential,
  name: 'vp+jwt',
  typ: 'vp+jwt',
  isClosed: false,
  bytesMax: limits.presentationBytesMax,
  signer: own.signer,
  token: text(await present(text(papers.meter.token))),
};

/** The statement with a proof of each signer, every one over the one before it. */
export async function proven(statement: JsonObject, by: readonly Keys[]): Promise<JsonObject> {
  let document = statement;
  let previousProof: string | undefined;
  for (const signer of by) {
    const id = `urn:uuid:${randomUUID()}`;
    document = await addProof(document, signer, {
      id,
      purpose: 'assertionMethod',
      created: formatTime(atMs - 60_000),
      expires: formatTime(atMs + 86_400_000),
      ...(previousProof !== undefined && { previousProof }),
    });
    previousProof = id;
  }
  return document;
}

export const plain = (statement: PartyStatement): JsonObject =>
  JSON.parse(familyFor(statement).compose(statement)) as JsonObject;

const listPayload = JSON.parse(
  Buffer.from(text(freshList).split('.')[1] ?? '', 'base64url').toString('utf8'),
) as JsonObject;

/** A credential of no kind of ours, as other people's software makes them. */
export const claim = (issuer: string): JsonObject => ({
  '@context': [v2, 'https://w3id.org/bondline/v1'],
  id: newId(),
  type: ['VerifiableCredential'],
  issuer,
  name: 'Certificate of a coil',
  validFrom: '2026-01-01T00:00:00Z',
  validUntil: '2027-01-01T00:00:00Z',
  credentialSubject: { id: 'urn:x:coil', name: 'C-26041-03', description: 'Hot rolled' },
});

const overJson = { over: 'json', isTaken: true } as const;
const alone = async (name: string, statement: PartyStatement, { signer }: Party) => ({
  ...overJson,
  name,
  document: await proven(plain(statement), [signer]),
  signers: [signer],
});

async function overRdf(suite: 'eddsa-rdfc-2022' | 'ecdsa-rdfc-2019'): Promise<DocumentPlace> {
  const issuer = await bazaarIssuer(suite, formatTime(atMs - 60_000));
  const document = (await issuer.issue(claim(issuer.did))) as JsonObject;
  return { name: `credential ${suite}`, document, signers: [], over: 'rdf', isTaken: false };
}

/** Credentials with proofs inside. */
export const provenDocuments: readonly DocumentPlace[] = [
  await alone('ticket ecdsa-jcs-2019', ticket({ id: newId() }), own),
  await alone('mill test report eddsa-jcs-2022', millTestReport({ id: newId() }), parties.mill),
  await alone('bond ecdsa-jcs-2019', bond({ id: newId(), number: '26B004712' }), parties.surety),
  {
    ...overJson,
    name: 'custody, two proofs',
    document: await proven(plain(custodyStep()), [own.signer, lakeside.signer]),
    signers: [own.signer, lakeside.signer],
  },
  {
    name: 'status list ecdsa-jcs-2019',
    document: await proven(listPayload, [own.signer]),
    signers: [own.signer],
    over: 'json',
    isTaken: true,
  },
  {
    name: 'presentation ecdsa-jcs-2019',
    document: await provenPresentation(text(papers.meter.token), 'vc+jwt'),
    signers: [own.signer],
    over: 'json',
    isTaken: false,
  },
  ...(hasShared ? [await overRdf('eddsa-rdfc-2022'), await overRdf('ecdsa-rdfc-2019')] : []),
];
