/**
 * Who signed a credential, and whether it holds at a time: form, key, proof and validity, in
 * either way of securing it. The same for every kind of credential.
 */

import { isAlgorithmOf } from '../identity/public-key.ts';
import { keyOfSubject } from '../identity/resolve-key.ts';
import {
  checkKeyName,
  checkPeriod,
  checkRegisteredClaims,
  checkShown,
  issuerOf,
} from './claims.ts';
import { type OpenedToken, verifySignature } from './jws.ts';
import { type JudgedProof, judgeProofs, worstOf } from './proof/check-proofs.ts';
import { uncoveredContexts } from './proof/proof-input.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { Secured, SecuredDocument } from './secured.ts';
import { checkDataModel } from './vcdm.ts';
import type { JsonObject } from './vcdm-values.ts';
import type { VerifyContext } from './verify-context.ts';

/**
 * Checks all that does not depend on the kind: media type, VCDM 2.0, issuer, keys, proofs and
 * validity at `atMs`. What is wrong by the bytes alone counts before what a document could tell.
 */
export function checkSecured(secured: Secured, context: VerifyContext): Refusal | undefined {
  return secured.form === 'token'
    ? checkToken(secured.opened, context)
    : checkDocument(secured, context);
}

/** The media types of a token and of what is in it (VC-JOSE-COSE §3.1.1). */
export interface TokenMedia {
  /** `vc` or `vp`. */
  readonly content: string;
  /** Also takes the names of drafts. */
  readonly legacy: boolean;
}

/** Whether `typ` and `cty` are those of a kind; both may be absent (standards: SHOULD). */
export function checkMedia({ header }: OpenedToken, media: TokenMedia): Refusal | undefined {
  const { content, legacy } = media;
  // Which of the two it is must agree with its form, which was looked at when it was opened.
  const types = [
    `${content}+jwt`,
    `${content}+sd-jwt`,
    ...(legacy ? [`${content}+ld+jwt`, `${content}-ld+jwt`, `${content}+ld+json+jwt`, 'jwt'] : []),
  ];
  if (!isMedia(header.typ, types)) {
    return refuse('VC_TYPE', `typ is ${header.typ?.slice(0, 60)}, not ${content}+jwt`);
  }
  const contents = [content, ...(legacy ? [`${content}+ld+json`] : [])];
  if (!isMedia(header.cty, contents)) {
    return refuse('VC_TYPE', `cty is ${header.cty?.slice(0, 60)}, not ${content}`);
  }
  return undefined;
}

/** RFC 7515 §4.1.9: without regard to case, and `application/` may be left out. */
function isMedia(value: string | undefined, names: readonly string[]): boolean {
  return value === undefined || names.includes(value.toLowerCase().replace(/^application\//, ''));
}

function checkToken(opened: OpenedToken, context: VerifyContext): Refusal | undefined {
  const { header, payload } = opened;
  const { documents, atMs, legacyTypes: legacy = false } = context;
  const malformed =
    checkMedia(opened, { content: 'vc', legacy }) ??
    checkDataModel(payload) ??
    checkRegisteredClaims(payload, header) ??
    checkKeyName(header, payload);
  if (malformed) return malformed;
  const did = issuerOf(payload) ?? '';
  const key = keyOfSubject(documents, {
    did,
    keyId: header.kid,
    relationship: 'assertionMethod',
    atMs,
  });
  const unproven = isRefusal(key) ? key : checkTokenSignature(opened, key);
  return worstOf([
    unproven,
    checkInner(payload, context),
    checkPeriod(payload, atMs),
    checkShown(opened),
  ]);
}

/** Whether the key signed a token, under an algorithm that is its own. */
export function checkTokenSignature(
  opened: OpenedToken,
  key: Parameters<typeof verifySignature>[1] & { readonly keyId: string },
): Refusal | undefined {
  const { alg } = opened.header;
  if (!isAlgorithmOf(alg, key.algorithm)) {
    return refuse('VC_ALGORITHM', `alg is ${alg}, the key is for ${key.algorithm}`);
  }
  if (verifySignature(opened, key)) return undefined;
  return refuse('VC_SIGNATURE', `the signature does not verify with ${key.keyId.slice(0, 200)}`);
}

/** Proofs inside of a token must hold too: nobody may rely on a signature that is none. */
function checkInner(payload: JsonObject, context: VerifyContext): Refusal | undefined {
  if (!Object.hasOwn(payload, 'proof')) return undefined;
  const judged = judgeProofs(payload, context, { purposes: ['assertionMethod'] });
  return isRefusal(judged) ? judged : worstOf(judged.map(({ refusal }) => refusal));
}

function checkDocument(secured: SecuredDocument, context: VerifyContext): Refusal | undefined {
  const { document, payload } = secured;
  const malformed = checkDataModel(document);
  if (malformed) return malformed;
  const judged = judgeProofs(document, context, { purposes: ['assertionMethod'] });
  if (isRefusal(judged)) return judged;
  const { validFrom, validUntil } = payload as { validFrom?: unknown; validUntil?: unknown };
  return worstOf([
    ...judged.map(({ refusal }) => refusal),
    checkSigner(judged, issuerOf(payload)),
    checkCovered(document, judged),
    checkPeriod({ validFrom, validUntil }, context.atMs),
  ]);
}

/** A set of proofs may hold those of others, but one is the issuer's own. */
function checkSigner(judged: readonly JudgedProof[], did = ''): Refusal | undefined {
  if (judged.some((one) => one.did === did)) return undefined;
  return refuse('VC_ISSUER', `no proof is made with a key of ${did.slice(0, 200)}`);
}

/**
 * vc-di-eddsa §3.3.2 lets a document have more contexts than its proof covers: the proof holds, for
 * the document without them. That we do not judge what is left is our policy (decision 0014): they
 * could give the signed members another meaning, and nobody signed them.
 */
export function checkCovered(
  document: JsonObject,
  judged: readonly JudgedProof[],
): Refusal | undefined {
  const open = judged.find(({ proof }) => uncoveredContexts(document, proof) > 0);
  return open && refuse('VC_CONTEXT_UNSIGNED', 'a context was added that the proof does not cover');
}
