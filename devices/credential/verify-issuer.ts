/**
 * Who signed a credential, and whether it holds at a time: key, proof, claims, validity, status.
 * The same for every kind of credential.
 */

import { assertionKeyOf } from '../identity/did-document.ts';
import { publicKeyOfDid } from '../identity/did-key.ts';
import { isAlgorithmOf, type PublicKey } from '../identity/public-key.ts';
import { limits } from '../limits.ts';
import { parseTime } from '../runtime.ts';
import type { Documents } from './documents.ts';
import { type OpenedToken, openCompact, verifySignature } from './jws.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { readStatusList, type StatusList, statusAt } from './status-list.ts';
import { credentialsContext } from './vocabulary.ts';

/** What is at hand, and the time at which is judged. */
export interface VerifyContext {
  readonly documents: Documents;
  readonly atMs: number;
}

/** Names of media types compare without regard to case (RFC 7515 §4.1.9). */
const CREDENTIAL_TYPES = [undefined, 'vc+jwt', 'application/vc+jwt'];
const CONTENT_TYPES = [undefined, 'vc', 'application/vc'];

/** The credential's issuer: the text, or the `id` of the object. */
export function issuerOf(payload: Readonly<Record<string, unknown>>): string | undefined {
  const { issuer } = payload as { issuer?: unknown };
  if (typeof issuer === 'string') return issuer;
  const { id } = (issuer ?? {}) as { id?: unknown };
  return typeof id === 'string' ? id : undefined;
}

/**
 * Checks all that does not depend on the kind: media type, VCDM 2.0 core, issuer, key, signature
 * and validity at `atMs`. The order goes from cheap to dear, and from the sender's mistakes to
 * what only documents can tell.
 */
export function checkCredential(opened: OpenedToken, context: VerifyContext): Refusal | undefined {
  const { typ, cty } = opened.header;
  if (!CREDENTIAL_TYPES.includes(typ?.toLowerCase())) {
    return refuse('VC_TYPE', `typ is ${typ?.slice(0, 60)}, not vc+jwt`);
  }
  if (!CONTENT_TYPES.includes(cty?.toLowerCase())) {
    return refuse('VC_TYPE', `cty is ${cty?.slice(0, 60)}, not vc`);
  }
  const malformed = checkCore(opened.payload) ?? checkClaims(opened.payload);
  if (malformed) return malformed;
  const key = issuerKey(opened, context);
  if (isRefusal(key)) return key;
  const { alg } = opened.header;
  if (!isAlgorithmOf(alg, key.algorithm)) {
    return refuse('VC_ALGORITHM', `alg is ${alg}, the key is for ${key.algorithm}`);
  }
  if (!verifySignature(opened, key)) {
    return refuse('VC_SIGNATURE', `the signature does not verify with ${key.keyId}`);
  }
  return checkPeriod(opened.payload, context.atMs);
}

/** VCDM 2.0 §4: what every credential has. */
function checkCore(payload: Readonly<Record<string, unknown>>): Refusal | undefined {
  const core = payload as Partial<Record<'@context' | 'type' | 'credentialSubject', unknown>>;
  const contexts = core['@context'];
  if (!Array.isArray(contexts) || contexts[0] !== credentialsContext) {
    return refuse('VC_SCHEMA', `@context does not begin with ${credentialsContext}`);
  }
  if (![core.type].flat().includes('VerifiableCredential')) {
    return refuse('VC_SCHEMA', 'type does not name VerifiableCredential');
  }
  const subjects = [core.credentialSubject].flat();
  if (subjects.length === 0 || !subjects.every(isFilledObject)) {
    return refuse('VC_SCHEMA', 'credentialSubject is missing or empty');
  }
  // VC-JOSE-COSE §3.1.3: the claims of VCDM 1.1's JWT form must not be there.
  const old = ['vc', 'vp'].find((claim) => Object.hasOwn(payload, claim));
  return old ? refuse('VC_SCHEMA', `the claim ${old} belongs to VCDM 1.1`) : undefined;
}

function isFilledObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/** Registered claims, where there are any, say the same as the credential. */
function checkClaims(payload: Readonly<Record<string, unknown>>): Refusal | undefined {
  const { iss, jti, sub, id, credentialSubject } = payload as Record<string, unknown>;
  const issuer = issuerOf(payload);
  if (issuer === undefined) return refuse('VC_SCHEMA', 'issuer is missing');
  if (iss !== undefined && iss !== issuer) return refuse('VC_ISSUER', 'iss is not the issuer');
  if (jti !== undefined && id !== undefined && jti !== id) {
    return refuse('VC_CONTRADICTION', 'jti is not the id');
  }
  const subject = (credentialSubject as { id?: unknown } | undefined)?.id;
  if (sub !== undefined && subject !== undefined && sub !== subject) {
    return refuse('VC_CONTRADICTION', 'sub is not the id of the subject');
  }
  return undefined;
}

/** The key under which the issuer signed: its own in a `did:key`, or one of its document. */
function issuerKey(opened: OpenedToken, { documents, atMs }: VerifyContext): PublicKey | Refusal {
  const issuer = issuerOf(opened.payload) ?? '';
  const { kid } = opened.header;
  const hash = kid.indexOf('#');
  if (hash > 0 && kid.slice(0, hash) !== issuer) {
    return refuse('VC_ISSUER', `kid ${kid.slice(0, 200)} is not a key of ${issuer}`);
  }
  if (issuer.startsWith('did:key:')) {
    const key = keyOfDid(issuer);
    if (!key) return refuse('VC_KEY_INVALID', `${issuer.slice(0, 200)} is not a key we accept`);
    const own = kid === key.keyId || `${issuer}${kid}` === key.keyId;
    return own ? key : refuse('VC_ISSUER', `kid ${kid.slice(0, 200)} is not the key of ${issuer}`);
  }
  const document = documents.didDocument(issuer);
  if (document) return assertionKeyOf(document, kid, atMs);
  if (!/^(did:web:|https:)/.test(issuer)) {
    return refuse('VC_ISSUER_UNSUPPORTED', `${issuer.slice(0, 200)} cannot be resolved here`);
  }
  return refuse('VC_DOCUMENT_MISSING', `the DID document of ${issuer.slice(0, 200)} is needed`);
}

function keyOfDid(did: string): PublicKey | undefined {
  try {
    return publicKeyOfDid(did);
  } catch {
    return undefined;
  }
}

/** `validFrom`, `validUntil` and their older names against the time of context. */
function checkPeriod(
  payload: Readonly<Record<string, unknown>>,
  atMs: number,
): Refusal | undefined {
  const { validFrom, validUntil, nbf, exp } = payload as Record<string, unknown>;
  const begins = [timeOf(validFrom), secondsOf(nbf)];
  const ends = [timeOf(validUntil), secondsOf(exp)];
  if ([...begins, ...ends].includes(null)) {
    return refuse('VC_SCHEMA', 'validFrom, validUntil, nbf or exp is not a time');
  }
  // A signer's clock may be ahead of ours by as much as the skew that we tolerate.
  const late = begins.find(
    (begin) => typeof begin === 'number' && begin > atMs + limits.clockSkewMs,
  );
  if (late !== undefined)
    return refuse('VC_NOT_YET_VALID', `valid from ${text(validFrom, nbf)} on`);
  const ended = ends.find((end) => typeof end === 'number' && end < atMs);
  if (ended !== undefined) return refuse('VC_EXPIRED', `valid until ${text(validUntil, exp)}`);
  return undefined;
}

/** Milliseconds; `undefined` where there is none, `null` where it is not a time. */
function timeOf(value: unknown): number | undefined | null {
  if (value === undefined) return undefined;
  return (typeof value === 'string' ? parseTime(value) : undefined) ?? null;
}

function secondsOf(value: unknown): number | undefined | null {
  if (value === undefined) return undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value * 1000 : null;
}

function text(date: unknown, seconds: unknown): string {
  return typeof date === 'string' ? date : `${String(seconds)} s after 1970`;
}

/**
 * Looks up the status of a credential (W3C Bitstring Status List §3.2): a refusal when it is
 * revoked or suspended, or when that cannot be told.
 */
export function checkStatus(
  payload: Readonly<Record<string, unknown>>,
  context: VerifyContext,
): Refusal | undefined {
  const { credentialStatus } = payload as { credentialStatus?: unknown };
  if (credentialStatus === undefined) return undefined;
  const issuer = issuerOf(payload) ?? '';
  let doubt: Refusal | undefined;
  for (const entry of [credentialStatus].flat()) {
    const found = checkStatusEntry(entry, issuer, context);
    // That one list is missing must not hide that another one says "revoked".
    if (found?.code === 'VC_REVOKED' || found?.code === 'VC_SUSPENDED') return found;
    doubt ??= found;
  }
  return doubt;
}

function checkStatusEntry(
  entry: unknown,
  issuer: string,
  context: VerifyContext,
): Refusal | undefined {
  const { type, statusPurpose, statusListIndex, statusListCredential } = (entry ?? {}) as Record<
    string,
    unknown
  >;
  if (type !== 'BitstringStatusListEntry') {
    return refuse('VC_STATUS_UNSUPPORTED', `status of type ${String(type).slice(0, 60)}`);
  }
  if (
    typeof statusPurpose !== 'string' ||
    typeof statusListCredential !== 'string' ||
    !/^\d{1,15}$/.test(String(statusListIndex))
  ) {
    return refuse('VC_SCHEMA', 'the status entry lacks purpose, list or index');
  }
  if (statusPurpose !== 'revocation' && statusPurpose !== 'suspension') {
    return refuse('VC_STATUS_UNSUPPORTED', `status for ${statusPurpose.slice(0, 60)}`);
  }
  const list = findStatusList(statusListCredential, issuer, context);
  if (isRefusal(list)) return list;
  if (![list.purpose].flat().includes(statusPurpose)) {
    return refuse('VC_STATUS_INVALID', `${list.id} is not for ${statusPurpose}`);
  }
  const bit = statusAt(list.encodedList, Number(statusListIndex));
  if (bit === undefined) {
    return refuse('VC_STATUS_INVALID', `${list.id} has no index ${String(statusListIndex)}`);
  }
  if (!bit) return undefined;
  const code = statusPurpose === 'revocation' ? 'VC_REVOKED' : 'VC_SUSPENDED';
  return refuse(code, `bit ${String(statusListIndex)} of ${list.id} is set`);
}

/** The list at a URL: at hand, valid itself, and by the issuer of the credential it speaks of. */
function findStatusList(url: string, issuer: string, context: VerifyContext): StatusList | Refusal {
  const token = context.documents.statusList(url);
  if (!token) return refuse('VC_STATUS_MISSING', `the status list ${url.slice(0, 200)} is needed`);
  const opened = openCompact(token, limits.credentialBytesMax);
  if (isRefusal(opened)) return refuse('VC_STATUS_INVALID', `${url}: ${opened.reason}`);
  const refusal = checkCredential(opened, context);
  if (refusal) return refuse('VC_STATUS_INVALID', `${url}: ${refusal.reason}`);
  const list = readStatusList(opened.payload);
  if (isRefusal(list)) return list;
  if (list.id !== url) return refuse('VC_STATUS_INVALID', `${url} calls itself ${list.id}`);
  if (list.issuer !== issuer) {
    return refuse('VC_STATUS_INVALID', `${url} is by ${list.issuer}, not by ${issuer}`);
  }
  return list;
}
