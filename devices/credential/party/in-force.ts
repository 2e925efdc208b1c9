/**
 * Whether what others said of a party or a device holds at the time of its use: standing with
 * customs, a bond, a calibration. Pure: the facts, the status lists and the time are given.
 */
import type { StatusEntry } from '../enrolment.ts';
import type { Bond, BondType } from './bond.ts';
import type { Calibration } from './calibration.ts';
import type { PartyHead } from './family.ts';
import type { Standing } from './standing.ts';

/** A statement that was admitted, and the digest of its credential. */
export interface Known<T> {
  readonly statement: T;
  readonly digest: string;
}

/** When something is used, and what the status lists say then. */
export interface Use {
  readonly atMs: number;
  /** What a list of `issuer` says of an entry; `undefined` when no valid list does. */
  readonly statusOf: (entry: StatusEntry, issuer: string) => EntryStatus | undefined;
}

/** What a status list says of one entry. */
export interface EntryStatus {
  readonly isSet: boolean;
  /** The list is too old to be believed: what it does not say may be so all the same. */
  readonly isStale: boolean;
}

/** What was found: the statement that holds, or why none does. */
export type InForce<T> =
  /** `stale`: as far as is known, by a list that is too old to be believed. */
  | ({ readonly holds: true; readonly stale: boolean } & Known<T>)
  | {
      readonly holds: false;
      readonly why:
        | 'absent'
        | 'not-yet'
        | 'expired'
        | 'revoked'
        | 'suspended'
        | 'unknown'
        | 'unfit';
    };

/** Which of a party's standings holds (`known`: newest last), in one programme or in any. */
export function standingAt(
  known: readonly Known<Standing>[],
  wanted: { readonly programmes?: readonly Standing['programme'][] },
  use: Use,
): InForce<Standing> {
  const { programmes } = wanted;
  const fits = ({ programme }: Standing) =>
    programmes === undefined || programmes.includes(programme);
  return firstInForce(known, fits, use);
}

/**
 * Which of a principal's bonds holds (`known`: newest last): of one of the types, for at least the
 * amount where one is needed.
 */
export function bondAt(
  known: readonly Known<Bond>[],
  wanted: {
    readonly types?: readonly BondType[];
    readonly least?: { readonly amount: string; readonly currency: string };
  },
  use: Use,
): InForce<Bond> {
  const { types, least } = wanted;
  const fits = ({ bondType, amount, currency }: Bond): boolean =>
    (types === undefined || types.includes(bondType)) &&
    (least === undefined ||
      (currency === least.currency && compareDecimals(amount, least.amount) >= 0));
  return firstInForce(known, fits, use);
}

/**
 * The calibration of a device at the time of a reading: the certificate that its enrolment pins
 * (`undefined` where that is not here), if it is about that device and was valid then.
 */
export function calibrationAt(
  pinned: Known<Calibration> | undefined,
  device: string,
  use: Use,
): InForce<Calibration> {
  return firstInForce(pinned === undefined ? [] : [pinned], (one) => one.device === device, use);
}

/** The newest that holds, rather by lists that can be believed; else why the newest does not. */
function firstInForce<T extends PartyHead>(
  known: readonly Known<T>[],
  fits: (statement: T) => boolean,
  use: Use,
): InForce<T> {
  let reason: InForce<T> = { holds: false, why: 'absent' };
  for (const one of known) {
    const found = fits(one.statement) ? judge(one.statement, use) : 'unfit';
    if (typeof found === 'string') {
      if (!reason.holds) reason = { holds: false, why: found };
    } else if (!reason.holds || reason.stale || !found.stale) {
      reason = { holds: true, ...found, ...one };
    }
  }
  return reason;
}

function judge({ validFromMs, validUntilMs, status, issuer }: PartyHead, use: Use) {
  const { atMs } = use;
  if (atMs < validFromMs) return 'not-yet';
  if (validUntilMs !== undefined && atMs > validUntilMs) return 'expired';
  let stale = false;
  for (const entry of status) {
    const found = use.statusOf(entry, issuer.id);
    if (found === undefined) return 'unknown';
    if (found.isSet) return entry.purpose === 'revocation' ? 'revoked' : 'suspended';
    stale ||= found.isStale;
  }
  return { stale };
}

/** Below 0, 0 or above 0, as two decimal texts without exponents compare. */
export function compareDecimals(a: string, b: string): number {
  const digits = Math.max(fractionOf(a).length, fractionOf(b).length);
  const difference = scaled(a, digits) - scaled(b, digits);
  if (difference === 0n) return 0;
  return difference < 0n ? -1 : 1;
}

function fractionOf(text: string): string {
  return text.split('.')[1] ?? '';
}

function scaled(text: string, digits: number): bigint {
  const [whole = '0'] = text.split('.');
  return BigInt(whole + fractionOf(text).padEnd(digits, '0'));
}
