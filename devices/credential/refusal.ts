/** An expected refusal: what a reader returns, not throws, for bytes that are not in order. */
import type { CredentialCode } from '../errors/credential.ts';

/** Why a credential is not accepted. The code is stable; the reason is for people. */
export interface Refusal {
  readonly code: CredentialCode;
  /** One sentence without a full stop, naming what was found. */
  readonly reason: string;
}

/** Makes a refusal. */
export function refuse(code: CredentialCode, reason: string): Refusal {
  return { code, reason };
}

/** Whether a reader refused; nothing else that readers return has a `code` and a `reason`. */
export function isRefusal(value: object): value is Refusal {
  return 'code' in value && 'reason' in value;
}

/** Reasons that say more about what is at hand than about the credential. */
const UNDECIDED: ReadonlySet<CredentialCode> = new Set<CredentialCode>([
  'VC_CLAIMS_HIDDEN',
  'VC_CONTEXT_MISSING',
  'VC_CONTEXT_UNKNOWN',
  'VC_CONTEXT_UNSIGNED',
  'VC_DOCUMENT_INVALID',
  'VC_DOCUMENT_MISSING',
  'VC_ENROLMENT_MISSING',
  'VC_FORM_UNSUPPORTED',
  'VC_INTERNAL',
  'VC_ISSUER_UNSUPPORTED',
  'VC_KEY_UNNAMED',
  'VC_RDF_UNAVAILABLE',
  'VC_RDF_WORK',
  'VC_STATUS_INVALID',
  'VC_STATUS_MISSING',
  'VC_STATUS_UNSUPPORTED',
]);

/** Whether a refusal leaves open if the credential is genuine. */
export function isUndecided(code: CredentialCode): boolean {
  return UNDECIDED.has(code);
}
