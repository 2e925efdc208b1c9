/** What there is to judge besides the proof: batches, enrolments and status lists each in turn. */
import { limits } from '../limits.ts';
import { formatTime } from '../runtime.ts';
import type { BatchHead } from './batch.ts';
import { readBatchHead } from './batch-wire.ts';
import { checkStatus } from './check-status.ts';
import type { Enrolment } from './enrolment.ts';
import { readEnrolment } from './enrolment-wire.ts';
import { checkSigners } from './party/document.ts';
import { familyFor, readParty } from './party/families.ts';
import { worstOf } from './proof/check-proofs.ts';
import { isRefusal, isUndecided, type Refusal, refuse } from './refusal.ts';
import { openSecured } from './secured.ts';
import { readPublishedList } from './status-list.ts';
import { checkResources } from './vcdm-resources.ts';
import { checkMeaning } from './vcdm-terms.ts';
import type { JsonObject } from './vcdm-values.ts';
import type { VerifyContext } from './verify-context.ts';
import { checkSecured } from './verify-issuer.ts';
import { credentialKindOf } from './vocabulary.ts';

/** A credential, how many bytes carry it, and what its form and proofs were refused for, if so. */
export interface Judged {
  readonly payload: JsonObject;
  /** The payload with its proofs, where they stand inside. */
  readonly document?: JsonObject;
  readonly bytesCount: number;
  /** Parts that are not shown (`vc+sd-jwt`). */
  readonly hidden: number;
  readonly refusal: Refusal | undefined;
}

/**
 * A sentence about what was proven, or why not. What is wrong by the bytes alone comes first, then
 * the proof, the enrolment behind a batch, and the status.
 */
export function judgeKind(judged: Judged, context: VerifyContext): string | Refusal {
  const { payload, bytesCount, refusal } = judged;
  // That the issuer is not known here must not hide that a list says "revoked".
  const unfit = (): Refusal | undefined =>
    worstOf([refusal, checkStatus(payload, context), checkResources(payload, context.digestsOf)]);
  switch (credentialKindOf(payload)) {
    case 'batch': {
      if (bytesCount > limits.batchBytesMax) {
        return refuse('VC_TOO_LARGE', `${bytesCount} bytes, a batch has ${limits.batchBytesMax}`);
      }
      const batch = readBatchHead(payload);
      if (isRefusal(batch)) return batch;
      return refusal ?? judgeBatch(batch, judged.hidden, context);
    }
    case 'enrolment': {
      const enrolment = readEnrolment(payload);
      if (isRefusal(enrolment)) return enrolment;
      return unfit() ?? describeEnrolment(enrolment);
    }
    case 'statusList': {
      const list = readPublishedList(payload);
      if (isRefusal(list)) return refuse('VC_SCHEMA', list.reason);
      return unfit() ?? `status list ${list.id ?? 'without a name'}`;
    }
    default:
      return checkMeaning(payload, context, unfit()) ?? judgeParty(judged, context);
  }
}

/**
 * A credential of ours about parties is only good when all have signed who have to, in their order;
 * one of the same type by others has no such rule.
 */
function judgeParty({ payload, document }: Judged, context: VerifyContext): string | Refusal {
  const statement = readParty(payload);
  if (statement === undefined || isRefusal(statement)) return 'signed by its issuer';
  const signers = familyFor(statement).signers(statement);
  if (document) {
    const names = `${statement.kind}, signed by ${signers.join(', then ')}`;
    return checkSigners(document, signers, context) ?? names;
  }
  return signers.length === 1
    ? `${statement.kind}, signed by its issuer`
    : refuse('VC_PROOF_CHAIN', `${signers.join(' and ')} have to sign, each with a proof`);
}

/** A proven batch still needs an enrolment: a `did:key` alone says nothing about whose it is. */
function judgeBatch(batch: BatchHead, hidden: number, context: VerifyContext): string | Refusal {
  const tokens = context.documents.enrolments(batch.device, batch.enrolment?.digest);
  let worst: Refusal | undefined;
  for (const token of tokens) {
    const outcome = judgeEnrolled(batch, token, context);
    if (typeof outcome === 'string') return hidden === 0 ? outcome : `${outcome}; parts are hidden`;
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
  const opened = openSecured(token, limits.credentialBytesMax);
  if (isRefusal(opened)) return refuse('VC_ENROLMENT_INVALID', opened.reason);
  const enrolment = readEnrolment(opened.payload);
  if (isRefusal(enrolment)) return refuse('VC_ENROLMENT_INVALID', enrolment.reason);
  const refusal = checkSecured(opened, context);
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
