/**
 * Judges any credential or batch with nothing but the bytes, the documents at hand and a time:
 * what `bondline-ingest verify` prints, and what anyone can repeat offline.
 */
import { type CredentialCode, credentialErrors } from '../errors/credential.ts';
import { limits } from '../limits.ts';
import { formatTime } from '../runtime.ts';
import type { BatchHead } from './batch.ts';
import { readBatchHead } from './batch-wire.ts';
import type { Enrolment } from './enrolment.ts';
import { readEnrolment } from './enrolment-wire.ts';
import { type OpenedToken, openCompact } from './jws.ts';
import { isRefusal, isUndecided, type Refusal, refuse } from './refusal.ts';
import { readStatusList } from './status-list.ts';
import { checkCredential, checkStatus, issuerOf, type VerifyContext } from './verify-issuer.ts';
import { credentialKindOf } from './vocabulary.ts';

/** What is said about one input. */
export interface VerdictReport {
  readonly verdict: 'valid' | 'invalid' | 'undecided';
  readonly code: CredentialCode;
  /** What was found, one sentence. */
  readonly reason: string;
  /** What to do about it. */
  readonly hint: string;
  /** As far as the bytes could be read; proven only if the verdict is `valid`. */
  readonly issuer: string | null;
  readonly keyId: string | null;
}

/**
 * Judges a credential. Proof and form come first, then the enrolment behind a batch, then status;
 * what is invalid by its own bytes is invalid whatever documents are missing.
 */
export function verifyCredential(bytes: Uint8Array, context: VerifyContext): VerdictReport {
  const opened = openCompact(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) return report(betterNamed(opened, bytes), null, null);
  const issuer = issuerOf(opened.payload) ?? null;
  const outcome = judge(opened, bytes.length, context);
  if (typeof outcome !== 'string') return report(outcome, issuer, opened.header.kid);
  return report(refuse('VC_VALID', outcome), issuer, opened.header.kid);
}

/** A sentence about what was proven, or why not. */
function judge(opened: OpenedToken, bytesCount: number, context: VerifyContext): string | Refusal {
  const refusal = checkCredential(opened, context);
  switch (credentialKindOf(opened.payload)) {
    case 'batch': {
      if (bytesCount > limits.batchBytesMax) {
        return refuse('VC_TOO_LARGE', `${bytesCount} bytes, a batch has ${limits.batchBytesMax}`);
      }
      const batch = readBatchHead(opened.payload);
      if (isRefusal(batch)) return batch;
      return refusal ?? judgeBatch(batch, context);
    }
    case 'enrolment': {
      const enrolment = readEnrolment(opened.payload);
      if (isRefusal(enrolment)) return enrolment;
      return refusal ?? checkStatus(opened.payload, context) ?? describeEnrolment(enrolment);
    }
    case 'statusList': {
      const list = readStatusList(opened.payload);
      if (isRefusal(list)) return refuse('VC_SCHEMA', list.reason);
      return refusal ?? checkStatus(opened.payload, context) ?? `status list ${list.id}`;
    }
    default:
      return refusal ?? checkStatus(opened.payload, context) ?? 'signed by its issuer';
  }
}

/** A proven batch still needs an enrolment: a `did:key` alone says nothing about whose it is. */
function judgeBatch(batch: BatchHead, context: VerifyContext): string | Refusal {
  const tokens = context.documents.enrolments(batch.device, batch.enrolment?.digest);
  let worst: Refusal | undefined;
  for (const token of tokens) {
    const outcome = judgeEnrolled(batch, token, context);
    if (typeof outcome === 'string') return outcome;
    // A reason that decides is worth more than one that leaves it open.
    if (!worst || (isUndecided(worst.code) && !isUndecided(outcome.code))) worst = outcome;
  }
  return worst ?? refuse('VC_ENROLMENT_MISSING', `no enrolment of ${batch.device} is at hand`);
}

function judgeEnrolled(
  batch: BatchHead,
  token: Uint8Array,
  context: VerifyContext,
): string | Refusal {
  const opened = openCompact(token, limits.credentialBytesMax);
  if (isRefusal(opened)) return refuse('VC_ENROLMENT_INVALID', opened.reason);
  const enrolment = readEnrolment(opened.payload);
  if (isRefusal(enrolment)) return refuse('VC_ENROLMENT_INVALID', enrolment.reason);
  const refusal = checkCredential(opened, context);
  if (refusal && isUndecided(refusal.code)) return refusal;
  if (refusal) return refuse('VC_ENROLMENT_INVALID', `${enrolment.id}: ${refusal.reason}`);
  const unfit = checkEnrolled(batch, enrolment) ?? checkStatus(opened.payload, context);
  return unfit ?? describeBatch(batch, enrolment);
}

/** What of a batch an enrolment speaks about. */
type EnrolledBatch = Pick<BatchHead, 'device' | 'gateway' | 'profile' | 'enrolment' | 'goods'>;

/**
 * Whether an enrolment covers a batch: it names this device, gateway and profile, and all goods
 * that the batch reports on lie in its scope.
 */
export function checkEnrolled(batch: EnrolledBatch, enrolment: Enrolment): Refusal | undefined {
  const mismatch = (what: string): Refusal =>
    refuse('VC_ENROLMENT_MISMATCH', `${enrolment.id} is for another ${what}`);
  if (batch.device !== enrolment.device) return mismatch('device');
  if (batch.gateway !== enrolment.gateway) return mismatch('gateway');
  if (batch.profile.digest !== enrolment.profile.digest) return mismatch('profile');
  if (batch.enrolment && batch.enrolment.id !== enrolment.id) return mismatch('id');
  for (const about of batch.goods) {
    if (!enrolment.scope.goods.some((goods) => about.startsWith(goods))) {
      return refuse('VC_SCOPE', `${about} is outside the scope of ${enrolment.id}`);
    }
  }
  return undefined;
}

function describeBatch(batch: BatchHead, enrolment: Enrolment): string {
  const place = `batch ${batch.sequence} of epoch ${batch.epoch.counter}`;
  return (
    `${place} of ${enrolment.label} (${batch.readings} readings, closed ${formatTime(batch.closedMs)}),` +
    ` enrolled by ${enrolment.organisationName}; key in ${enrolment.keyLocation}`
  );
}

function describeEnrolment(enrolment: Enrolment): string {
  const { label, device, organisationName, keyLocation } = enrolment;
  return `${organisationName} enrolled ${label} (${device}); key in ${keyLocation}`;
}

/** What arrives instead of a compact JWS deserves its own name: people send these by mistake. */
function betterNamed(refusal: Refusal, bytes: Uint8Array): Refusal {
  if (refusal.code !== 'VC_MALFORMED') return refusal;
  const start = Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart();
  if (start.startsWith('{')) {
    const text = Buffer.from(bytes).toString('utf8');
    return /"proof"\s*:/.test(text)
      ? refuse('VC_FORM_UNSUPPORTED', 'secured by an embedded proof (Data Integrity)')
      : refuse('VC_UNSECURED', 'JSON without a signature');
  }
  if (bytes.includes(TILDE)) return refuse('VC_FORM_UNSUPPORTED', 'secured as SD-JWT');
  return refusal;
}

const TILDE = 0x7e;

function report(
  { code, reason }: Refusal,
  issuer: string | null,
  keyId: string | null,
): VerdictReport {
  const verdict = code === 'VC_VALID' ? 'valid' : isUndecided(code) ? 'undecided' : 'invalid';
  return { verdict, code, reason, hint: credentialErrors[code].hint, issuer, keyId };
}
