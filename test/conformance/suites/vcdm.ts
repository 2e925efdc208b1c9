/**
 * w3c/vc-data-model-2.0-test-suite: what a name ends with is what becomes of the input. Most inputs
 * lack an issuer and none is signed, so the runner does what an issuer would: it puts its own DID
 * where one is wanted, signs with a fresh key, and has the public verifier judge the signed form.
 * The inputs that are to fail are not repaired, and must fail for their form.
 */

import { signToken } from '../../../devices/credential/jws.ts';
import { addProof } from '../../../devices/credential/proof/add-proof.ts';
import { checkDataModel } from '../../../devices/credential/vcdm.ts';
import {
  isObject,
  isUrl,
  type JsonObject,
  textsOf,
} from '../../../devices/credential/vcdm-values.ts';
import type { VerdictReport } from '../../../devices/credential/verdict.ts';
import type { Signer } from '../../../devices/identity/signer.ts';
import { memorySigner } from '../../support/identity.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { judge, told } from '../judge.ts';
import { stemOf, type Vectors } from '../vectors.ts';

export const vcdmSuite: Suite = {
  name: 'VCDM 2.0',
  folder: 'w3c-vcdm2-test-suite',
  cases: (vectors) => vectors.files(/\.json$/).flatMap((file) => caseOf(vectors, file)),
};

/** What the name of an input says; `undefined` for files that are no inputs. */
function wantedOf(stem: string): 'ok' | 'fail' | undefined {
  if (stem.endsWith('-ok')) return 'ok';
  // The suite gives the self-asserted credentials of someone else no ending; §4.13 forbids them.
  return /-fail(-or-inject)?$|self-asserted.*-(mismatch|no-holder)$/.test(stem)
    ? 'fail'
    : undefined;
}

function caseOf(vectors: Vectors, file: string): Case[] {
  const stem = stemOf(file);
  const wanted = wantedOf(stem);
  if (wanted === undefined) return [];
  return [
    theCase(file.replace(/\.json$/, ''), async () => {
      const input = vectors.json<JsonObject>(file);
      const isOk = wanted === 'ok';
      const how = { isOk, isSelfAsserted: stem.includes('self-asserted') };
      const all = stem.startsWith('presentation')
        ? await presentEachWay(input, how)
        : [await issue(input, isOk)];
      for (const bytes of all) {
        const report = await judge(vectors, bytes, { atMs: timeOf(input) });
        if (isOk) checkAccepted(report);
        else checkRefused(report);
      }
    }),
  ];
}

/**
 * The form holds when the verdict is valid. A status that nobody can look up leaves it open after
 * everything else was checked.
 */
function checkAccepted(report: VerdictReport): void {
  const isProven = report.verdict === 'valid' || report.code.startsWith('VC_STATUS_');
  expect(isProven, told(report));
}

/** Codes that speak of the form; a refusal for another reason would prove nothing. */
const FORM = ['VC_SCHEMA', 'VC_ENVELOPE', 'VC_MALFORMED', 'VC_UNSECURED', 'VC_HOLDER', 'VC_ISSUER'];

function checkRefused(report: VerdictReport): void {
  expect(report.verdict === 'invalid' && FORM.includes(report.code), told(report));
}

/** Within the validity of the input, where it has one. */
function timeOf(input: JsonObject): number {
  const [until, from] = [input['validUntil'], input['validFrom']].map((time) =>
    typeof time === 'string' ? Date.parse(time) : Number.NaN,
  );
  return [until, from].find((time) => time !== undefined && !Number.isNaN(time)) ?? Date.now();
}

/**
 * The input with our DID where an issuer is wanted. What is broken stays broken: an object without
 * a name is only completed where the input is to be in order.
 */
function withIssuer(input: JsonObject, did: string, isOk = true): JsonObject {
  const { issuer } = input as { issuer?: unknown };
  if (issuer === undefined || isUrl(issuer)) return { ...input, issuer: did };
  if (!isObject(issuer)) return input;
  const { id } = issuer as { id?: unknown };
  return (id === undefined && isOk) || isUrl(id)
    ? { ...input, issuer: { ...issuer, id: did } }
    : input;
}

async function issue(input: JsonObject, isOk = true): Promise<Uint8Array> {
  const signer = memorySigner();
  const payload = JSON.stringify(withIssuer(input, signer.did, isOk));
  return signToken({ payload, signer, typ: 'vc+jwt' });
}

interface Presenting {
  readonly isOk: boolean;
  /** The holder presents what it says itself: it signs that too, or what is to fail stays bare. */
  readonly isSelfAsserted: boolean;
  /** What the holder says itself has no proof of its own. */
  readonly isBare?: boolean;
}

/**
 * As a token around the presentation, and as a proof inside of it. With the latter what the holder
 * says itself needs no proof of its own (§4.13); in a token it does (VC-JOSE-COSE §3.1.2).
 */
async function presentEachWay(input: JsonObject, how: Presenting): Promise<Uint8Array[]> {
  const token = await present(input, how, tokenAround);
  if (textsOf(input['type'])?.includes('EnvelopedVerifiablePresentation')) return [token];
  const proven = await present(input, how, proofInside);
  if (!how.isSelfAsserted) return [token, proven];
  return [token, proven, await present(input, { ...how, isBare: true }, proofInside)];
}

type Securing = (payload: JsonObject, signer: Signer) => Promise<Uint8Array>;

const tokenAround: Securing = (payload, signer) =>
  signToken({ payload: JSON.stringify(payload), signer, typ: 'vp+jwt' });

const proofInside: Securing = async (payload, signer) => {
  const created = new Date(timeOf(payload)).toISOString();
  const proven = await addProof(payload, signer, { purpose: 'authentication', created });
  return Buffer.from(JSON.stringify(proven), 'utf8');
};

async function present(input: JsonObject, how: Presenting, signed: Securing): Promise<Uint8Array> {
  const signer = memorySigner();
  if (textsOf(input['type'])?.includes('EnvelopedVerifiablePresentation')) {
    const inner = await signed(
      { '@context': CREDENTIAL['@context'], ...EMPTY, holder: signer.did },
      signer,
    );
    return Buffer.from(
      JSON.stringify(how.isOk ? withToken(input, 'vp+jwt', inner) : input),
      'utf8',
    );
  }
  if (how.isOk) {
    const mistake = checkDataModel(completed(input), 'presentation');
    expect(mistake === undefined, `before signing: ${mistake?.reason}`);
  }
  const presented = input['verifiableCredential'];
  const parts = await Promise.all(
    [presented ?? []].flat().map((part) => (isObject(part) ? secure(part, signer, how) : part)),
  );
  return signed(
    {
      ...withHolder(input, signer.did, how),
      ...(presented !== undefined && { verifiableCredential: parts }),
    },
    signer,
  );
}

/** The presentation with an issuer in every credential that lacks one. */
function completed(input: JsonObject): JsonObject {
  const presented = input['verifiableCredential'];
  if (presented === undefined) return input;
  const parts = [presented]
    .flat()
    .map((part) => (isObject(part) ? withIssuer(part, 'did:example:issuer') : part));
  return { ...input, verifiableCredential: parts };
}

const EMPTY = { type: ['VerifiablePresentation'] };

/** The holder is who signs; one that presents what others assert by its name stays as it is. */
function withHolder(
  input: JsonObject,
  did: string,
  { isOk, isSelfAsserted }: Presenting,
): JsonObject {
  const { holder } = input as { holder?: unknown };
  if (isUrl(holder)) return { ...input, holder: did };
  if (isObject(holder) && isUrl(holder['id'])) return { ...input, holder: { ...holder, id: did } };
  return isOk && isSelfAsserted && holder === undefined ? { ...input, holder: did } : input;
}

/** A part as its issuer would have secured it: a token in an envelope, a proof in an object. */
async function secure(part: JsonObject, holder: Signer, how: Presenting): Promise<JsonObject> {
  const issuer = how.isSelfAsserted ? holder : memorySigner();
  if (textsOf(part['type'])?.includes('EnvelopedVerifiableCredential')) {
    const isData = typeof part['id'] === 'string' && part['id'].startsWith('data:');
    return isData ? withToken(part, 'vc+jwt', await issue(CREDENTIAL)) : part;
  }
  if (how.isSelfAsserted && !how.isOk) return part;
  if (typeof part['proof'] === 'object') return part;
  if (how.isBare) return withIssuer(part, issuer.did);
  const created = new Date(timeOf(part)).toISOString();
  return addProof(withIssuer(part, issuer.did), issuer, { purpose: 'assertionMethod', created });
}

const CREDENTIAL = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiableCredential'],
  credentialSubject: { id: 'did:example:subject' },
};

function withToken(envelope: JsonObject, media: string, token: Uint8Array): JsonObject {
  return { ...envelope, id: `data:application/${media},${Buffer.from(token).toString('latin1')}` };
}
