/** What every credential claims about itself: issuer, and from when to when it holds. */
import { limits } from '../limits.ts';
import { type Refusal, refuse } from './refusal.ts';
import { type JsonObject, readDateTimeStamp } from './vcdm-values.ts';

/** The credential's issuer, or a presentation's holder: the text, or the `id` of the object. */
function partyOf(party: unknown): string | undefined {
  if (typeof party === 'string') return party;
  const { id } = (party ?? {}) as { id?: unknown };
  return typeof id === 'string' ? id : undefined;
}

/** The credential's issuer. */
export function issuerOf(payload: JsonObject): string | undefined {
  return partyOf(payload['issuer']);
}

/** The presentation's holder. */
export function holderOf(payload: JsonObject): string | undefined {
  return partyOf(payload['holder']);
}

/**
 * VC-JOSE-COSE §3.1.3: registered claims, where there are any, say the same as the credential, and
 * the claims of VCDM 1.1's JWT form are not there. Who signed may stand in the header too.
 */
export function checkRegisteredClaims(
  payload: JsonObject,
  header: { readonly iss?: string } = {},
): Refusal | undefined {
  const old = ['vc', 'vp'].find((claim) => Object.hasOwn(payload, claim));
  if (old) return refuse('VC_SCHEMA', `the claim ${old} belongs to VCDM 1.1`);
  const { iss, jti, sub, id, credentialSubject } = payload as Record<string, unknown>;
  const issuer = issuerOf(payload);
  const named = [iss, header.iss].filter((name) => name !== undefined);
  if (issuer !== undefined && named.some((name) => name !== issuer)) {
    return refuse('VC_ISSUER', 'iss is not the issuer');
  }
  if (jti !== undefined && id !== undefined && jti !== id) {
    return refuse('VC_CONTRADICTION', 'jti is not the id');
  }
  const subject = (credentialSubject as { id?: unknown } | undefined)?.id;
  if (sub !== undefined && subject !== undefined && sub !== subject) {
    return refuse('VC_CONTRADICTION', 'sub is not the id of the subject');
  }
  return undefined;
}

/**
 * VC-JOSE-COSE §4.2: where no `iss` says whose key it is, `kid` does, as an absolute URL. Half a
 * name would be looked up in whatever document the reader happens to think of.
 */
export function checkKeyName(
  { kid, iss }: { readonly kid: string; readonly iss?: string },
  payload: JsonObject,
): Refusal | undefined {
  const isNamed = iss !== undefined || payload['iss'] !== undefined;
  if (isNamed || /^(did|https):/.test(kid)) return undefined;
  return refuse('VC_HEADER', `kid ${kid.slice(0, 200)} is no absolute URL, and iss is absent`);
}

/** What is not shown could be a status, or an end that has passed (VC-JOSE-COSE §3.2.1). */
export function checkShown({ withheld = 0 }: { readonly withheld?: number }): Refusal | undefined {
  if (withheld === 0) return undefined;
  return refuse('VC_CLAIMS_HIDDEN', `${withheld} claims beside the subject are not disclosed`);
}

/** Times that bound a credential: its own properties, and the claims of a token around it. */
export interface Period {
  readonly validFrom?: unknown;
  readonly validUntil?: unknown;
  /** Seconds since 1970 (RFC 7519 §4.1). */
  readonly nbf?: unknown;
  readonly exp?: unknown;
  /** When the token was made; some write text, which is then left alone. */
  readonly iat?: unknown;
}

/** Whether a time lies in a period; a signer's clock may be ahead by the skew that we tolerate. */
export function checkPeriod(period: Period, atMs: number): Refusal | undefined {
  const { validFrom, validUntil, nbf, exp, iat } = period;
  const madeMs = typeof iat === 'number' ? ofSeconds(iat) : undefined;
  const begins = [millisecondsOf(validFrom), ofSeconds(nbf), madeMs];
  const ends = [millisecondsOf(validUntil), ofSeconds(exp)];
  if ([...begins, ...ends].includes(null)) {
    return refuse('VC_SCHEMA', 'validFrom, validUntil, nbf or exp is not a time');
  }
  if (begins.some((begin) => typeof begin === 'number' && begin > atMs + limits.clockSkewMs)) {
    return refuse('VC_NOT_YET_VALID', `valid from ${shown(validFrom, nbf ?? iat)} on`);
  }
  if (ends.some((end) => typeof end === 'number' && end < atMs)) {
    return refuse('VC_EXPIRED', `valid until ${shown(validUntil, exp)}`);
  }
  return undefined;
}

/**
 * Milliseconds since 1970 of an XSD dateTimeStamp; `undefined` where there is none, `null` where
 * it is not one. Finer fractions are cut off.
 */
export function millisecondsOf(value: unknown): number | undefined | null {
  if (value === undefined) return undefined;
  const stamp = readDateTimeStamp(value);
  if (!stamp) return null;
  return Number(stamp.seconds) * 1000 + Number(stamp.fraction.slice(0, 3).padEnd(3, '0'));
}

function ofSeconds(value: unknown): number | undefined | null {
  if (value === undefined) return undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value * 1000 : null;
}

function shown(date: unknown, seconds: unknown): string {
  return typeof date === 'string' ? date : `${String(seconds)} s after 1970`;
}
