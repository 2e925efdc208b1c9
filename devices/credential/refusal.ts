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
