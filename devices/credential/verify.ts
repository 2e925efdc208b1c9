/**
 * Judges anything that a file may hold (credentials, presentations, batches, arrays of them,
 * evidence) with nothing but the bytes, the documents at hand and a time: what `bondline-ingest
 * verify` prints, and what anyone can repeat offline.
 */
import { limits } from '../limits.ts';
import { holderOf, issuerOf } from './claims.ts';
import { isEnveloped, openEnveloped } from './enveloped.ts';
import { type OpenedToken, openCompact } from './jws.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { looksLikeCose, looksLikeJson, openDocument, parseBytes, type Secured } from './secured.ts';
import { readingOf } from './vcdm-terms.ts';
import { isObject, type JsonObject, textsOf } from './vcdm-values.ts';
import {
  type InnerReport,
  type InputForm,
  report,
  reportWith,
  type Sight,
  type VerdictReport,
} from './verdict.ts';
import type { VerifyContext } from './verify-context.ts';
import { checkSecured } from './verify-issuer.ts';
import { judgeKind } from './verify-kind.ts';
import {
  checkPresentation,
  isPresentation,
  type Presenter,
  presenterOf,
} from './verify-presentation.ts';
import { judgeSelfAsserted } from './verify-self-asserted.ts';

/** What one judgement carries from a part to the parts inside of it. */
interface Judging extends VerifyContext {
  /** Envelopes around what is judged. */
  readonly depth: number;
  /** Credentials that may still be judged, counted down over the whole file. */
  readonly budget: { left: number };
  /** Who presents what is judged; a part of a presentation with proofs has one. */
  readonly presenter: Presenter | undefined;
}

/**
 * Judges the bytes of a file. Whatever fails inside of this program, or in the documents that it
 * was given, leaves the verdict open and never makes it `valid`.
 */
export function verifyCredential(bytes: Uint8Array, context: VerifyContext): VerdictReport {
  const budget = { left: limits.credentialsInFileMax };
  const reading = readingOf(context);
  const judging = { ...context, depth: 0, budget, presenter: undefined, reading };
  return guarded(() => judgeBytes(bytes, judging));
}

function judgeBytes(bytes: Uint8Array, judging: Judging): VerdictReport {
  return looksLikeJson(bytes) ? judgeJson(bytes, judging) : judgeToken(bytes, judging);
}

/** A failure of ours says nothing about the credential, so the verdict stays open. */
function guarded(judge: () => VerdictReport): VerdictReport {
  try {
    return judge();
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return report(refuse('VC_INTERNAL', `judging failed: ${what.slice(0, 200)}`));
  }
}

function judgeJson(bytes: Uint8Array, judging: Judging): VerdictReport {
  if (bytes.length > limits.evidenceBytesMax) {
    const { evidenceBytesMax: most } = limits;
    return report(refuse('VC_TOO_LARGE', `${bytes.length} bytes, at most ${most} are accepted`));
  }
  const parsed = parseBytes(bytes);
  return isRefusal(parsed) ? report(parsed) : judgeValue(parsed.value, judging, bytes.length);
}

/** A JSON value, or one inside of another; `bytesCount` is known for a whole file alone. */
function judgeValue(value: unknown, judging: Judging, bytesCount?: number): VerdictReport {
  if (typeof value === 'string') return judgeBytes(Buffer.from(value, 'utf8'), judging);
  if (Array.isArray(value)) {
    const empty = value.length === 0 ? refuse('VC_EMPTY', 'the array is empty') : undefined;
    return judgeList(empty, value, '', { form: 'array' }, judging);
  }
  if (!isObject(value)) return report(refuse('VC_MALFORMED', 'neither a token nor an object'));
  if (Object.hasOwn(value, 'bondlineEvidence')) return judgeEvidence(value, judging);
  if (isEnveloped(value)) return judgeEnvelope(value, judging);
  const secured = openDocument(value);
  if (isRefusal(secured)) return judgeBare(value, secured, judging);
  const count = bytesCount ?? Buffer.byteLength(JSON.stringify(value));
  return judgeSecured(secured, count, judging);
}

/** A credential without proof, which is good in one place only. */
function judgeBare(value: JsonObject, unsecured: Refusal, judging: Judging): VerdictReport {
  const { presenter } = judging;
  if (!presenter) return report(unsecured, sightOf(value, 'unknown', []));
  const sight = sightOf(value, 'data-integrity', presenter.keyIds);
  return report(judgeSelfAsserted(value, presenter, judging), sight);
}

/** The parts of something, and what is said about it besides. */
function judgeList(
  own: string | Refusal | undefined,
  parts: readonly unknown[],
  name: string,
  sight: Sight,
  judging: Judging,
  presenter?: Presenter,
): VerdictReport {
  const inner: InnerReport[] = [];
  for (const [index, part] of parts.entries()) {
    const place = `${name}[${index}]`;
    const within = { ...judging, depth: judging.depth + 1, presenter };
    inner.push({ place, ...guarded(() => judgePart(part, within)) });
  }
  return reportWith(own ?? counted(inner.length), inner, sight);
}

function counted(count: number): string {
  return count === 1 ? 'one credential, judged by itself' : `${count} credentials, each judged`;
}

function judgePart(part: unknown, judging: Judging): VerdictReport {
  const { budget, depth } = judging;
  if (depth > limits.envelopesMax) {
    return report(refuse('VC_ENVELOPE', `more than ${limits.envelopesMax} wrappings`));
  }
  budget.left -= 1;
  if (budget.left < 0) {
    const most = limits.credentialsInFileMax;
    return report(refuse('VC_TOO_LARGE', `more than ${most} credentials in one file`));
  }
  return judgeValue(part, judging);
}

/** The documents of an evidence file are claims like all else in it: they are only named. */
function judgeEvidence(evidence: JsonObject, judging: Judging): VerdictReport {
  const { bondlineEvidence, credentials, documents } = evidence as Record<string, unknown>;
  const entries: readonly unknown[] = Array.isArray(documents) ? documents : [];
  const offered = entries.map((one) => {
    const id = isObject(one) ? one['id'] : undefined;
    return typeof id === 'string' ? id : 'no document';
  });
  const sight = { form: 'evidence', offered } as const;
  if (bondlineEvidence !== 1) {
    return report(refuse('VC_FORM_UNSUPPORTED', 'evidence of another edition'), sight);
  }
  if (!Array.isArray(credentials) || credentials.length === 0) {
    return report(refuse('VC_EMPTY', 'the evidence holds no credential'), sight);
  }
  return judgeList(undefined, credentials, 'credentials', sight, judging);
}

/** By the media type of what an envelope holds; the same forms as outside. */
const ENVELOPED: readonly InputForm[] = ['vc+jwt', 'vc+sd-jwt', 'vp+jwt', 'vp+sd-jwt'];

function judgeEnvelope(object: JsonObject, judging: Judging): VerdictReport {
  const sight = { form: 'envelope', types: textsOf(object['type']) ?? [] } as const;
  const envelope = openEnveloped(object);
  if (isRefusal(envelope)) return report(envelope, sight);
  const { media, bytes } = envelope;
  const wanted = ENVELOPED.find((one) => one === media);
  if (wanted === undefined) {
    return report(refuse('VC_FORM_UNSUPPORTED', `secured as application/${media}`), sight);
  }
  if (looksLikeJson(bytes)) return report(refuse('VC_ENVELOPE', `no ${media} inside`), sight);
  const found = judgeToken(bytes, judging);
  // A token that could not be read has no form; its own reason says more.
  if (found.form === wanted || found.form === 'unknown') return found;
  return report(refuse('VC_ENVELOPE', `application/${media} holds a ${found.form}`), sight);
}

function judgeToken(bytes: Uint8Array, judging: Judging): VerdictReport {
  const most = presents(bytes) ? limits.presentationBytesMax : limits.credentialBytesMax;
  const opened = openCompact(bytes, most);
  if (isRefusal(opened)) {
    const isForeign = opened.code === 'VC_MALFORMED' && looksLikeCose(bytes);
    return report(isForeign ? refuse('VC_FORM_UNSUPPORTED', 'secured with COSE') : opened);
  }
  return judgeSecured({ form: 'token', payload: opened.payload, opened }, bytes.length, judging);
}

/** Whether a token's header names a presentation; a glance, only to know how large it may be. */
function presents(bytes: Uint8Array): boolean {
  const dot = bytes.indexOf(0x2e);
  if (dot < 0 || dot > limits.didLengthMax * 2) return false;
  const head = Buffer.from(Buffer.from(bytes.subarray(0, dot)).toString('latin1'), 'base64url');
  return /"(application\/)?vp\+/i.test(head.toString('latin1'));
}

function judgeSecured(secured: Secured, bytesCount: number, judging: Judging): VerdictReport {
  const { payload } = secured;
  if (isPresentation(payload) && textsOf(payload['type'])?.includes('VerifiableCredential')) {
    const both = 'a payload cannot be a credential and a presentation';
    return report(refuse('VC_SCHEMA', both), sightOf(payload, 'unknown', keyIdsOf(secured)));
  }
  if (isPresentationOf(secured)) {
    const keyIds = keyIdsOf(secured);
    const sight = sightOf(payload, formIn(secured, 'vp'), keyIds);
    const refusal = checkPresentation(secured, judging);
    const presented = [payload['verifiableCredential'] ?? []].flat();
    const by = `presented by ${holderOf(payload) ?? 'the one who signed'}`;
    const own = refusal ?? (presented.length === 0 ? `${by}, without credentials` : by);
    const presenter = presenterOf(secured, keyIds, refusal);
    return judgeList(own, presented, 'verifiableCredential', sight, judging, presenter);
  }
  const sight = sightOf(payload, formIn(secured, 'vc'), keyIdsOf(secured));
  const refusal = checkSecured(secured, judging);
  const document = secured.form === 'document' ? { document: secured.document } : {};
  const judged = { payload, ...document, bytesCount, refusal, hidden: hiddenIn(secured) };
  return report(judgeKind(judged, judging), sight);
}

/** A token is what its `typ` says; where that says neither, and in JSON, the payload decides. */
function isPresentationOf(secured: Secured): boolean {
  if (secured.form === 'document') return isPresentation(secured.payload);
  const { typ = '' } = secured.opened.header;
  const kind = /^(?:application\/)?(v[cp])\+/i.exec(typ)?.[1]?.toLowerCase();
  return kind === undefined ? isPresentation(secured.payload) : kind === 'vp';
}

/** Digests without disclosure: parts that are there and not shown, and decoys. */
function hiddenIn(secured: Secured): number {
  return secured.form === 'token' ? (secured.opened.hidden ?? 0) : 0;
}

function formIn(secured: Secured, kind: 'vc' | 'vp'): InputForm {
  if (secured.form === 'document') return 'data-integrity';
  return secured.opened.hidden === undefined ? `${kind}+jwt` : `${kind}+sd-jwt`;
}

function sightOf(payload: JsonObject, form: InputForm, keyIds: readonly string[]): Sight {
  const { id, type } = payload as { id?: unknown; type?: unknown };
  return {
    form,
    types: textsOf(type) ?? [],
    id: typeof id === 'string' ? id : null,
    issuer: issuerOf(payload) ?? holderOf(payload) ?? null,
    keyIds,
  };
}

/** The keys that claim to have signed, so that one that is missing shows. */
function keyIdsOf(secured: Secured): readonly string[] {
  if (secured.form === 'token') {
    const { kid } = (secured.opened satisfies OpenedToken).header;
    return kid === '' ? [] : [kid];
  }
  const proofs = [secured.document['proof']].flat();
  return proofs.flatMap((proof) => {
    const method = isObject(proof) ? proof['verificationMethod'] : undefined;
    return typeof method === 'string' ? [method] : [];
  });
}
