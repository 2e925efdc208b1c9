/**
 * Who presents, and whether the presentation is made for this reader (VC-JOSE-COSE §3.2, VC Data
 * Integrity §2.1). What is presented is judged piece by piece, elsewhere.
 */
import type { PublicKey } from '../identity/public-key.ts';
import { keyOfSubject } from '../identity/resolve-key.ts';
import { checkKeyName, checkPeriod, checkShown, holderOf } from './claims.ts';
import type { OpenedToken } from './jws.ts';
import { checkTraceablePresentation, traceablePresentation } from './presentation-profile.ts';
import { judgeProofs, worstOf } from './proof/check-proofs.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { Secured, SecuredDocument } from './secured.ts';
import { checkDataModel } from './vcdm.ts';
import { checkMeaning } from './vcdm-terms.ts';
import { isObject, type JsonObject, textsOf } from './vcdm-values.ts';
import type { VerifyContext } from './verify-context.ts';
import { checkCovered, checkMedia, checkTokenSignature } from './verify-issuer.ts';

/** Whether a payload says that it is a presentation. */
export function isPresentation(payload: JsonObject): boolean {
  return textsOf(payload['type'])?.includes('VerifiablePresentation') ?? false;
}

/** Checks form, holder, keys, proofs, period, audience and profile of a presentation. */
export function checkPresentation(secured: Secured, context: VerifyContext): Refusal | undefined {
  const { payload } = secured;
  const refusal =
    secured.form === 'token'
      ? checkToken(secured.opened, context)
      : checkDocument(secured, context);
  const isTraceable = textsOf(payload['type'])?.includes(traceablePresentation) ?? false;
  const unfit = isTraceable ? checkTraceablePresentation(payload) : undefined;
  return checkMeaning(withoutParts(payload), context, worstOf([refusal, unfit]));
}

/** Who holds a presentation that has proofs, and what its parts without proofs rest on. */
export interface Presenter {
  /** The holder, where the presentation names one. */
  readonly did: string | undefined;
  readonly keyIds: readonly string[];
  /** Whether its proofs are made over RDF, in which the same can be spelled otherwise. */
  readonly isOverRdf: boolean;
  /** What the presentation was refused for, or left open. */
  readonly refusal: Refusal | undefined;
}

/**
 * What the holder of a presentation says itself needs no proof but that of the presentation (VCDM
 * 2.0 §4.13). In a token it does: VC-JOSE-COSE §3.1.2 has every credential secured.
 */
export function presenterOf(
  secured: Secured,
  keyIds: readonly string[],
  refusal: Refusal | undefined,
): Presenter | undefined {
  if (secured.form === 'token') return undefined;
  const proofs: readonly unknown[] = [secured.document['proof']].flat();
  const isOverRdf = proofs.some(
    (one) => isObject(one) && /-rdfc-/.test(String(one['cryptosuite'])),
  );
  return { did: holderOf(secured.payload), keyIds, isOverRdf, refusal };
}

/** What is presented is judged piece by piece, with contexts of its own. */
function withoutParts(presentation: JsonObject): JsonObject {
  const { verifiableCredential: _, ...rest } = presentation;
  return rest;
}

function checkToken(opened: OpenedToken, context: VerifyContext): Refusal | undefined {
  const { payload } = opened;
  const { legacyTypes: legacy = false, atMs } = context;
  const malformed =
    checkMedia(opened, { content: 'vp', legacy }) ??
    checkDataModel(payload, 'presentation') ??
    checkNoOldClaims(payload) ??
    checkKeyName(opened.header, payload);
  if (malformed) return malformed;
  const key = holderKey(opened, context);
  const { nbf, exp, iat } = payload as { nbf?: unknown; exp?: unknown; iat?: unknown };
  return worstOf([
    isRefusal(key) ? key : checkTokenSignature(opened, key),
    checkPeriod({ nbf, exp, iat }, atMs),
    checkAddressed(payload, context),
    checkShown(opened),
  ]);
}

/** VC-JOSE-COSE §3.2.3: the claims of VCDM 1.1's JWT form must not be there. */
function checkNoOldClaims(payload: JsonObject): Refusal | undefined {
  const old = ['vp', 'vc'].find((claim) => Object.hasOwn(payload, claim));
  return old ? refuse('VC_SCHEMA', `the claim ${old} belongs to VCDM 1.1`) : undefined;
}

/**
 * The key under which the holder signed: for presentations, or one that is for claims too
 * (VC-JOSE-COSE §3.3.2). Without a holder, whoever the key id names presents.
 */
function holderKey(opened: OpenedToken, context: VerifyContext): PublicKey | Refusal {
  const { header, payload } = opened;
  const { iss } = payload as { iss?: unknown };
  const holder = holderOf(payload) ?? iss ?? header.iss;
  const issuers = [iss, header.iss].filter((name) => name !== undefined);
  if (issuers.some((name) => name !== holder)) return refuse('VC_HOLDER', 'iss is not the holder');
  const [named] = header.kid.split('#');
  const did = typeof holder === 'string' ? holder : named;
  if (did === undefined || did === '') {
    return refuse('VC_HOLDER', 'neither holder, iss nor kid says who presents');
  }
  const wanted = { did, keyId: header.kid, atMs: context.atMs };
  const key = keyOfSubject(context.documents, { ...wanted, relationship: 'authentication' });
  if (!isRefusal(key)) return key;
  if (key.code === 'VC_ISSUER') {
    return refuse(
      'VC_HOLDER',
      `kid ${header.kid.slice(0, 200)} is not a key of ${did.slice(0, 200)}`,
    );
  }
  if (key.code !== 'VC_KEY_UNKNOWN') return key;
  return keyOfSubject(context.documents, { ...wanted, relationship: 'assertionMethod' });
}

/** RFC 7519 §4.1.3, and `nonce`: only where the reader expects something. */
function checkAddressed(payload: JsonObject, context: VerifyContext): Refusal | undefined {
  const { aud, nonce } = payload as { aud?: unknown; nonce?: unknown };
  if (context.audience !== undefined && ![aud].flat().includes(context.audience)) {
    return refuse('VC_AUDIENCE', `aud does not name ${context.audience}`);
  }
  if (context.nonce !== undefined && nonce !== context.nonce) {
    return refuse('VC_NONCE', 'nonce is not the one that was asked for');
  }
  return undefined;
}

function checkDocument(secured: SecuredDocument, context: VerifyContext): Refusal | undefined {
  const { document, payload } = secured;
  const malformed = checkDataModel(document, 'presentation');
  if (malformed) return malformed;
  const { audience, nonce } = context;
  const judged = judgeProofs(document, context, {
    purposes: ['authentication', 'assertionMethod'],
    ...(audience !== undefined && { domain: audience }),
    ...(nonce !== undefined && { challenge: nonce }),
  });
  if (isRefusal(judged)) return judged;
  const holder = holderOf(payload);
  const isOwn = holder === undefined || judged.some(({ did }) => did === holder);
  return worstOf([
    ...judged.map(({ refusal }) => refusal),
    isOwn
      ? undefined
      : refuse('VC_HOLDER', `no proof is made with a key of ${holder.slice(0, 200)}`),
    checkCovered(document, judged),
  ]);
}
