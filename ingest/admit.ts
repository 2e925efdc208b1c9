/**
 * Judges one credential: size, form, issuer, key, proof, enrolment, status, claims. Pure, so that
 * a worker thread, the simulation and a second judgement on the main thread give the same answer.
 * Whether it was stored before is the journal's to say.
 */
import type { BatchHead } from '../devices/credential/batch.ts';
import { readBatchHead } from '../devices/credential/batch-wire.ts';
import { checkKeyName, checkShown } from '../devices/credential/claims.ts';
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { type OpenedToken, openToken, verifyToken } from '../devices/credential/jws.ts';
import { isRefusal, type Refusal, refuse } from '../devices/credential/refusal.ts';
import { checkEnrolled } from '../devices/credential/verify-kind.ts';
import { credentialKindOf } from '../devices/credential/vocabulary.ts';
import { isPacked } from '../devices/credential/wire-pack.ts';
import { credentialDigest, fingerprintOfDid } from '../devices/envelope.ts';
import { type ErrorCode, errorCatalogue } from '../devices/errors.ts';
import { assertionKeyOf } from '../devices/identity/did-document.ts';
import { isDidKey, publicKeyOfDid } from '../devices/identity/did-key.ts';
import { isAlgorithmOf } from '../devices/identity/public-key.ts';
import { isSuspectDid } from '../devices/identity/suspect-key.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { NamedList } from './journal-index.ts';
import { judgeParty, openPartyDocument } from './party-admit.ts';
import type { Inbound } from './source.ts';
import type { BatchKey, EntryHeader } from './store.ts';
import { enrolmentsOf, standingOf, type TrustBook, type TrustedEnrolment } from './trust.ts';
import { calibrationNote } from './trust-calibration.ts';
import { ownKeyOf, reuseOf } from './trust-reuse.ts';

/** What is to be done with a credential. Plain data, since it crosses threads. */
export interface Admission {
  readonly outcome: 'accepted' | 'doubtful' | 'refused' | 'held';
  /** `credentialDigest` of the bytes. */
  readonly digest: string;
  /** `digestMultibase` of all bytes, where they were refused. */
  readonly bytesDigest?: string;
  /** What the journal is to store; absent when held. */
  readonly header?: EntryHeader;
  /** How many of the bytes the journal is to store. */
  readonly bytesKept: number;
  readonly code?: ErrorCode;
  readonly reason?: string;
  /** Device that the credential is about, as far as it says. */
  readonly device?: string;
  /** DID of the gateway that an enrolment names. */
  readonly enrolledGateway?: string;
  /** The status list for want of which a proven credential of a trusted organisation is held. */
  readonly missing?: NamedList;
  /** Readings in an accepted batch. */
  readonly readings: number;
}

/** A judgement before it is addressed: accepted with what the header adds, or a reason why not. */
type Verdict =
  | {
      readonly outcome: 'accepted';
      readonly header: Pick<
        EntryHeader,
        'kind' | 'batch' | 'documents' | 'standing' | 'calibration'
      >;
      readonly device: string;
      readonly enrolledGateway?: string;
      readonly readings: number;
    }
  | {
      /** Proven, but its key was revoked by then: the journal says whether it is chained before. */
      readonly outcome: 'doubtful';
      readonly code: ErrorCode;
      readonly reason: string;
      readonly batch: BatchKey;
      readonly since: number;
      readonly documents: readonly string[];
      readonly device: string;
      readonly readings: number;
    }
  | {
      readonly outcome: 'refused' | 'held';
      readonly code: ErrorCode;
      readonly reason: string;
      readonly device?: string;
      readonly missing?: NamedList;
    };

/** Judges a message by what is trusted now, as of its `receivedMs`. */
export function admit(message: Inbound, trust: TrustBook, tenant: string): Admission {
  const opened = isPacked(message.bytes)
    ? refuse('VC_PACKED', 'no token of a batch is in the packed form')
    : openToken(message.bytes, limits.credentialBytesMax);
  const document = isRefusal(opened) ? openPartyDocument(message.bytes) : undefined;
  const digest = isRefusal(opened)
    ? (document?.digest ?? credentialDigest(message.bytes))
    : opened.digest;
  const verdict = isRefusal(opened)
    ? judgeDocument(document?.secured ?? opened, message, trust)
    : judge(opened, message, trust);
  const { length } = message.bytes;
  const common = {
    version: 1,
    tenant,
    receivedMs: message.receivedMs,
    digest,
    gateway: message.gateway,
  } as const;
  if (verdict.outcome === 'accepted') {
    const { kind, batch, calibration, documents, standing } = verdict.header;
    const header: EntryHeader = {
      ...common,
      kind,
      ...(batch && { batch }),
      ...(standing && { standing }),
      ...(calibration && { calibration }),
      ...(documents && { documents }),
    };
    const { header: _header, ...judged } = verdict;
    return { ...judged, digest, header, bytesKept: length };
  }
  if (verdict.outcome === 'doubtful') {
    const { since, batch, documents, ...said } = verdict;
    const { code, reason } = said;
    const header = { ...common, kind: 'doubtful', code, reason, batch, since, documents } as const;
    return { ...said, digest, header, bytesKept: length };
  }
  const { outcome, code, reason, device, missing } = verdict;
  const named = { code, reason, ...(device !== undefined && { device }), readings: 0 };
  if (outcome === 'held') {
    return { outcome, digest, bytesKept: 0, ...named, ...(missing && { missing }) };
  }
  const bytesKept = length <= limits.credentialBytesMax ? length : limits.refusalBytesMax;
  return {
    outcome,
    digest,
    bytesDigest: digestMultibase(message.bytes),
    header: { ...common, kind: 'refusal', code, reason },
    bytesKept,
    ...named,
  };
}

function judge(opened: OpenedToken, message: Inbound, trust: TrustBook): Verdict {
  switch (credentialKindOf(opened.payload)) {
    case 'batch':
      return judgeBatch(opened, message, trust);
    case 'enrolment':
      return judgeEnrolment(opened, message, trust);
    default: {
      const secured = { form: 'token', payload: opened.payload, opened } as const;
      return judgeDocument(secured, message, trust);
    }
  }
}

/** What organisations sign of goods and of each other comes as a token or as JSON with proofs. */
function judgeDocument(
  secured: Parameters<typeof judgeParty>[0] | Refusal,
  { receivedMs }: Inbound,
  trust: TrustBook,
): Verdict {
  if (isRefusal(secured)) return no('refused', secured.code, secured.reason);
  const { subject, ...verdict } = judgeParty(secured, receivedMs, trust);
  if (verdict.outcome !== 'accepted') {
    const { missing, outcome, code, reason } = verdict;
    const device = subject === undefined ? {} : { device: subject };
    return { outcome, code, reason, ...device, ...(missing && { missing }) };
  }
  return { ...verdict, device: subject ?? '', readings: 0 };
}

/**
 * The proof comes first: a `did:key` is its own key, so it needs no enrolment, and nobody can put
 * another's device on the list of those that wait.
 */
function judgeBatch(opened: OpenedToken, message: Inbound, trust: TrustBook): Verdict {
  const { length } = message.bytes;
  if (length > limits.batchBytesMax) {
    return no('refused', 'VC_TOO_LARGE', `${length} bytes, a batch has ${limits.batchBytesMax}`);
  }
  const { issuer } = opened.payload;
  if (typeof issuer !== 'string' || !isDidKey(issuer)) {
    return no('refused', 'VC_ISSUER_UNSUPPORTED', 'the issuer of a batch is a did:key');
  }
  const proof = checkProof(opened, publicKeyOfDid(issuer));
  if (proof) return proof;
  if (opened.hidden) {
    // What came whole may be shown in part later, never the other way round.
    const reason = `${opened.hidden} parts of it are left out`;
    return no('refused', 'VC_DISCLOSURE', reason, issuer);
  }
  const batch = readBatchHead(opened.payload);
  if (isRefusal(batch)) return no('refused', batch.code, batch.reason, issuer);
  const dated = checkDate(batch, message);
  if (dated) return dated;
  // A command that adds trust while no ingester runs does not know its keys.
  const own = ownKeyOf(trust, batch);
  if (own !== undefined) return no('refused', 'IN_KEY_REUSED', own, issuer);
  const candidates = candidatesOf(trust, batch);
  if (candidates.length === 0) {
    const named = batch.enrolment === undefined ? '' : ` as ${batch.enrolment.id}`;
    return no('held', 'IN_NOT_ENROLLED', `${issuer} is not enrolled${named}`, issuer);
  }
  let best: Verdict | undefined;
  for (const one of candidates) {
    const verdict = judgeClaims(batch, one, message, trust);
    if (verdict.outcome === 'accepted') return verdict;
    // One enrolment that may still come into force keeps the batch waiting; the doubt of one that
    // was revoked is kept rather than what another one says against it.
    if (best === undefined || rank(verdict) > rank(best)) best = verdict;
  }
  return best as Verdict;
}

function rank({ outcome }: Verdict): number {
  return ['refused', 'doubtful', 'held', 'accepted'].indexOf(outcome);
}

/**
 * The enrolments that a batch may stand on: the one that it names, or all of its device, newest
 * first, since a batch that was closed before its device was enrolled names none.
 */
function candidatesOf(trust: TrustBook, batch: BatchHead): readonly TrustedEnrolment[] {
  const all = enrolmentsOf(trust, batch.device);
  const named = batch.enrolment?.digest;
  return named === undefined ? all : all.filter(({ digest }) => digest === named);
}

function checkProof(
  opened: OpenedToken,
  key: Parameters<typeof verifyToken>[1],
): Verdict | undefined {
  const { alg, kid } = opened.header;
  if (kid !== key.keyId) {
    return no(
      'refused',
      'VC_ISSUER',
      `kid is ${kid.slice(0, 200)}, the issuer's key is ${key.keyId}`,
    );
  }
  if (!isAlgorithmOf(alg, key.algorithm)) {
    return no('refused', 'VC_ALGORITHM', `alg is ${alg}, the key is for ${key.algorithm}`);
  }
  if (verifyToken(opened, key)) return undefined;
  return no('refused', 'VC_SIGNATURE', `the signature does not verify with ${key.keyId}`);
}

function checkDate(batch: BatchHead, { receivedMs }: Inbound): Verdict | undefined {
  const aheadMs = batch.closedMs - receivedMs;
  if (aheadMs <= limits.clockSkewMs) return undefined;
  const reason = `closed ${Math.round(aheadMs / 1000)} s after its receipt`;
  // It may be our own clock that is wrong: what is good is not lost by that.
  const outcome = aheadMs <= limits.batchAheadMsMax ? 'held' : 'refused';
  return no(outcome, 'IN_FUTURE', reason, batch.device);
}

/** Compares what a proven batch says with an enrolment of its device. */
function judgeClaims(
  batch: BatchHead,
  one: TrustedEnrolment,
  message: Inbound,
  trust: TrustBook,
): Verdict {
  const { enrolment } = one;
  const { device } = batch;
  const unfit = checkEnrolled(batch, enrolment);
  if (unfit !== undefined) {
    // A batch that names no enrolment may wait for one that fits: it may only be late.
    const waits = batch.enrolment === undefined && unfit.code === 'VC_ENROLMENT_MISMATCH';
    return no(waits ? 'held' : 'refused', unfit.code, unfit.reason, device);
  }
  const standing = standingOf(trust, one, message.receivedMs);
  if (standing.state === 'held') return no('held', standing.code, standing.reason, device);
  // What a device signed before it was enrolled counts once it is: it was held until now.
  if (message.receivedMs < enrolment.validFromMs) {
    return no('held', 'IN_NOT_IN_FORCE', `enrolment ${enrolment.id} begins later`, device);
  }
  if (enrolment.validUntilMs !== undefined && batch.closedMs > enrolment.validUntilMs) {
    return no('refused', 'VC_EXPIRED', `enrolment ${enrolment.id} had ended`, device);
  }
  // Who carries a credential proves nothing about it, so this is no reason to refuse it for good.
  if (fingerprintOfDid(batch.gateway) !== message.gateway) {
    const reason = `came by the uplink of ${message.gateway}, not of ${batch.gateway}`;
    return no('held', 'IN_UPLINK', reason, device);
  }
  const { readings } = batch;
  const calibration = calibrationNote(trust, one, message.receivedMs);
  if (standing.state === 'revoked') {
    const { state: _state, ...why } = standing;
    const key = keyOf(batch);
    return { outcome: 'doubtful', code: 'VC_REVOKED', ...why, batch: key, device, readings };
  }
  return {
    outcome: 'accepted',
    header: {
      kind: 'batch',
      batch: keyOf(batch),
      ...(standing.stale && { standing: 'stale' as const }),
      ...(calibration && { calibration }),
      documents: standing.documents,
    },
    device,
    readings,
  };
}

function keyOf(batch: BatchHead): BatchKey {
  const { device, epoch, sequence, previous } = batch;
  return {
    device,
    epochCounter: epoch.counter,
    epochNonce: epoch.nonce,
    sequence,
    ...(previous && { previous: previous.digest }),
  };
}

function judgeEnrolment(opened: OpenedToken, message: Inbound, trust: TrustBook): Verdict {
  const enrolment = readEnrolment(opened.payload);
  if (isRefusal(enrolment)) return no('refused', enrolment.code, enrolment.reason);
  const { organisation: did, device } = enrolment;
  const organisation = trust.organisations.get(did);
  if (organisation === undefined) {
    return no('held', 'IN_ORGANISATION_UNKNOWN', `${did} is not trusted`, device);
  }
  const unfit = checkKeyName(opened.header, opened.payload) ?? checkShown(opened);
  if (unfit) return no('refused', unfit.code, unfit.reason, device);
  const key = assertionKeyOf(organisation.document, opened.header.kid, message.receivedMs);
  if (isRefusal(key)) {
    const outcome = errorCatalogue[key.code].retryable ? 'held' : 'refused';
    return no(outcome, key.code, key.reason, device);
  }
  const proof = checkProof(opened, key);
  if (proof) return proof;
  if (enrolment.validUntilMs !== undefined && enrolment.validUntilMs < message.receivedMs) {
    return no('refused', 'VC_EXPIRED', `enrolment ${enrolment.id} has ended`, device);
  }
  const keyless = [device, enrolment.gateway].find((one) => !isDidKey(one));
  if (keyless !== undefined) {
    return no('refused', 'VC_KEY_INVALID', `${keyless} is not a key that we accept`, device);
  }
  const suspect = [device, enrolment.gateway].find(isSuspectDid);
  if (suspect !== undefined) {
    return no('refused', 'VC_KEY_SUSPECT', `anyone may know the key of ${suspect}`, device);
  }
  const reuse = reuseOf(trust, enrolment, message.receivedMs);
  if (reuse !== undefined) return no('refused', 'IN_KEY_REUSED', reuse, device);
  const header = { kind: 'enrolment', documents: [organisation.digest] } as const;
  const { gateway: enrolledGateway } = enrolment;
  return { outcome: 'accepted', header, device, enrolledGateway, readings: 0 };
}

function no(
  outcome: 'refused' | 'held',
  code: ErrorCode,
  reason: string,
  device?: string,
): Verdict {
  return { outcome, code, reason, ...(device !== undefined && { device }) };
}
