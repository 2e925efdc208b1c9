/** The one type of verdict: valid, not valid or undecided, with a stable code and what to do. */
import { type CredentialCode, credentialErrors } from '../errors/credential.ts';
import { isUndecided, type Refusal, refuse } from './refusal.ts';

/** How an input is secured, or what it holds. */
export type InputForm =
  | 'vc+jwt'
  | 'vp+jwt'
  | 'vc+sd-jwt'
  | 'vp+sd-jwt'
  | 'data-integrity'
  | 'envelope'
  | 'array'
  | 'evidence'
  | 'unknown';

/** What is said about one input. */
export interface VerdictReport {
  readonly verdict: 'valid' | 'invalid' | 'undecided';
  readonly code: CredentialCode;
  /** What was found, one sentence. */
  readonly reason: string;
  /** What to do about it. */
  readonly hint: string;
  readonly form: InputForm;
  /** Types, id and issuer (or holder) as the bytes say; proven only if the verdict is `valid`. */
  readonly types: readonly string[];
  readonly id: string | null;
  readonly issuer: string | null;
  /** The first key that signed, and all of them, in the order of the proofs. */
  readonly keyId: string | null;
  readonly keyIds: readonly string[];
  /** What stands inside, each with its place, e.g. `verifiableCredential[0]`. */
  readonly inner?: readonly InnerReport[];
  /** DIDs whose documents an evidence file offers; they are shown, and never relied on. */
  readonly offered?: readonly string[];
}

/** The verdict on a part, and where it stands. */
export interface InnerReport extends VerdictReport {
  readonly place: string;
}

/** What the bytes say about themselves. */
export type Sight = Partial<
  Pick<VerdictReport, 'form' | 'types' | 'id' | 'issuer' | 'keyIds' | 'offered'>
>;

/** A report: `outcome` is a sentence about what was proven, or why not. */
export function report(outcome: string | Refusal, sight: Sight = {}): VerdictReport {
  const { code, reason } = typeof outcome === 'string' ? refuse('VC_VALID', outcome) : outcome;
  const { form = 'unknown', types = [], id = null, issuer = null, keyIds = [], offered } = sight;
  const keyId = keyIds[0] ?? null;
  const verdict = code === 'VC_VALID' ? 'valid' : isUndecided(code) ? 'undecided' : 'invalid';
  const said = { verdict, code, reason, hint: credentialErrors[code].hint } as const;
  return { ...said, form, types, id, issuer, keyId, keyIds, ...(offered && { offered }) };
}

/** What weighs most: one part that is not valid makes the whole not valid. */
const WEIGHT = { valid: 0, undecided: 1, invalid: 2 } as const;

/** A report on something with parts: the worst of its own outcome and those of the parts. */
export function reportWith(
  outcome: string | Refusal,
  inner: readonly InnerReport[],
  sight: Sight,
): VerdictReport {
  const own = report(outcome, sight);
  const worst = [own, ...inner].reduce((a, b) => (WEIGHT[b.verdict] > WEIGHT[a.verdict] ? b : a));
  if (worst === own) return { ...own, inner };
  const { verdict, code, hint, reason } = worst;
  const place = 'place' in worst ? `${String(worst.place)}: ` : '';
  return { ...own, verdict, code, hint, reason: `${place}${reason}`, inner };
}
