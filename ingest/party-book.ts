/**
 * What follows from what was admitted of parties before when a further credential is used: who may
 * issue what, whether a bond and the standing that is asked for hold at the time of its use. It is
 * asked in the recorder's lane, so that each judgement sees all entries before it, and looks up in
 * the journal what it needs. What does not hold now may hold later: such credentials are held.
 */

import type { Bond } from '../devices/credential/party/bond.ts';
import type { PartyStatement } from '../devices/credential/party/families.ts';
import {
  bondAt,
  type InForce,
  type Known,
  standingAt,
  type Use,
} from '../devices/credential/party/in-force.ts';
import { isOfCustoms, type Movement } from '../devices/credential/party/movement.ts';
import type { Standing } from '../devices/credential/party/standing.ts';
import type { ErrorCode } from '../devices/errors.ts';
import type { Admission } from './admit.ts';
import { partyPayload } from './apply-payload.ts';
import type { PartyIndex } from './journal-party.ts';
import { staleAs } from './party-admit.ts';
import type { Inbound } from './source.ts';
import type { JournalEntry } from './store.ts';
import { listedIn, type TrustBook } from './trust.ts';

/** Whose word counts on what, by DID; they must be trusted organisations besides. */
export interface Authorities {
  /** Who says which standing a party has with customs. */
  readonly customs: readonly string[];
  /** Who answers for bonds. */
  readonly sureties: readonly string[];
  /** Who certifies calibrations. */
  readonly laboratories: readonly string[];
}

export const noAuthorities: Authorities = { customs: [], sureties: [], laboratories: [] };

/** Which standing the parties to goods in bond must have; any one of the programmes is enough. */
export interface Requirements {
  /** Of who takes such goods over. */
  readonly possessor: readonly Standing['programme'][];
  /** Of who answers for them to customs. */
  readonly bondLiable: readonly Standing['programme'][];
}

const noRequirements: Requirements = { possessor: [], bondLiable: [] };

/** What the configuration says about parties. */
export interface PartyRules {
  /** Whose word counts on standing, bonds and calibrations; nobody's by default. */
  readonly authorities?: Authorities;
  /** Nothing by default. */
  readonly require?: Requirements;
}

/** Judges the use of party credentials by those before them. */
export interface PartyJudge {
  /**
   * The admission of a party credential as it is with all that is known: the digests of what its
   * use rests on are added, or it is held. Others come back as they are.
   */
  judge(message: Inbound, admission: Admission, trust: TrustBook): Used;
  /**
   * What the use by a custody step that is pending comes to: by the facts as of its receipt, and
   * by what status lists say of them at `statusMs`.
   */
  judgeAgain(step: JournalEntry, trust: TrustBook, statusMs: number): UsedAgain;
}

/** `waits` where nobody can say yet; else it holds, or never will. */
export type UsedAgain = 'holds' | 'waits' | Pick<Unfit, 'code' | 'reason'>;

/** An admission, and whether later party credentials may rest on it once it is stored. */
export interface Used {
  readonly admission: Admission;
  readonly isFact?: boolean;
}

const FACTS: readonly PartyStatement['kind'][] = ['standing', 'bond', 'movement'];

export function createPartyJudge(
  { authorities = noAuthorities, require = noRequirements }: PartyRules,
  index: PartyIndex,
): PartyJudge {
  return {
    judge({ bytes, receivedMs }, admission, trust) {
      const { header, digest, device } = admission;
      if (header?.kind !== 'party') return { admission };
      const statement = partyPayload({ position: trust.position, header, bytes });
      const at = { atMs: receivedMs, statusMs: receivedMs };
      const use = judgeUse(statement, { authorities, require, index, trust, ...at });
      if ('documents' in use) {
        const documents = [...(header.documents ?? []), ...use.documents];
        const isFact = FACTS.includes(statement.kind);
        const standing = use.stale ? staleAs(statement.kind) : header.standing;
        const used = { ...header, documents, ...(standing && { standing }) };
        return { admission: { ...admission, header: used }, isFact };
      }
      const { code, reason } = use;
      const held = { outcome: 'held', digest, bytesKept: 0, readings: 0, code, reason } as const;
      return { admission: { ...held, ...(device !== undefined && { device }) } };
    },
    judgeAgain(step, trust, statusMs) {
      const { documents = [], receivedMs: atMs } = step.header;
      const statement = partyPayload(step);
      // What it rested on says whether its goods were in bond then; by now they may have left it.
      const rested = documents.map((digest) => index.partyCredential(digest));
      const wasBonded = rested.some((one) => one && partyPayload(one).kind === 'bond');
      if (statement.kind !== 'custody' || !wasBonded) return 'holds';
      const given = { authorities, require, index, trust, atMs, statusMs };
      const use = bonded(statement.to.id, { programmes: require.possessor }, given);
      if ('documents' in use) return use.stale ? 'waits' : 'holds';
      return use.isFinal ? { code: use.code, reason: use.reason } : 'waits';
    },
  };
}

/** What a use rests on: digests of the credentials that hold, or why it has to wait. */
type UseVerdict =
  /** `stale`: one of them by a list that is too old to be believed. */
  { readonly documents: readonly string[]; readonly stale?: boolean } | Unfit;

interface Unfit {
  readonly code: ErrorCode;
  readonly reason: string;
  /** No status list will change it for what was used then. */
  readonly isFinal?: boolean;
}

interface Given extends Required<PartyRules> {
  readonly index: PartyIndex;
  readonly trust: TrustBook;
  /** When it is used, and as of when status lists are asked. */
  readonly atMs: number;
  readonly statusMs: number;
}

/** Judges the use of a proven statement at `atMs`. */
function judgeUse(statement: PartyStatement, given: Given): UseVerdict {
  const { index, authorities, require } = given;
  switch (statement.kind) {
    case 'standing':
      return authorised(authorities.customs, statement.issuer.id, 'a customs authority');
    case 'bond':
      return authorised(authorities.sureties, statement.issuer.id, 'a surety');
    case 'calibration':
      return authorised(authorities.laboratories, statement.issuer.id, 'a laboratory');
    case 'movement':
      return judgeMovement(statement, given);
    case 'custody':
      // Goods in bond go only to someone who answers for them to customs (19 CFR 113.63).
      return statement.right !== 'ownership' && index.isInBond(statement.goods)
        ? bonded(statement.to.id, { programmes: require.possessor }, given)
        : { documents: standingOf(statement.to.id, given) };
    default:
      return { documents: [] };
  }
}

function judgeMovement({ act, issuer, liable, value }: Movement, given: Given): UseVerdict {
  const { authorities, require } = given;
  if (isOfCustoms(act)) return authorised(authorities.customs, issuer.id, 'a customs authority');
  const least = value && { least: value };
  return bonded(liable.id, { programmes: require.bondLiable, ...least }, given);
}

function authorised(known: readonly string[], did: string, what: string): UseVerdict {
  if (known.includes(did)) return { documents: [] };
  return { code: 'IN_AUTHORITY_UNKNOWN', reason: `${did} is not named here as ${what}` };
}

/** A custodian bond, and the standing that is asked for, of who answers for goods in bond. */
function bonded(
  did: string,
  wanted: {
    readonly programmes: readonly Standing['programme'][];
    readonly least?: { readonly amount: string; readonly currency: string };
  },
  given: Given,
): UseVerdict {
  const bonds = factsOf<Bond>('bond', did, given);
  const { programmes, least } = wanted;
  const found = bondAt(bonds, { types: ['custodian'], ...(least && { least }) }, useOf(given));
  if (!found.holds) {
    const reason = `${did} has no custodian bond that holds now: ${found.why}`;
    return { code: 'IN_BOND_MISSING', reason, isFinal: isFinal(found.why) };
  }
  const { digest, stale } = found;
  if (programmes.length === 0) return { documents: [digest, ...standingOf(did, given)], stale };
  const standing = standingNow(did, given, programmes);
  if (standing.holds) {
    return { documents: [digest, standing.digest], stale: stale || standing.stale };
  }
  const reason = `${did} has no standing of ${programmes.join(' or ')} now: ${standing.why}`;
  return { code: 'IN_STANDING_MISSING', reason, isFinal: isFinal(standing.why) };
}

/** A suspension ends, and a list comes back; what was over or revoked by then stays so. */
function isFinal(why: Extract<InForce<Bond>, { readonly holds: false }>['why']): boolean {
  return why !== 'suspended' && why !== 'unknown';
}

/**
 * The standing that a party has with customs now. Where none is asked for none is needed, so it
 * delays nothing that it may be revoked.
 */
function standingOf(did: string, given: Given): readonly string[] {
  const found = standingNow(did, given);
  return found.holds ? [found.digest] : [];
}

function standingNow(
  did: string,
  given: Given,
  programmes?: readonly Standing['programme'][],
): InForce<Standing> {
  const known = factsOf<Standing>('standing', did, given);
  return standingAt(known, { ...(programmes && { programmes }) }, useOf(given));
}

/** What the journal has of a party, newest last. */
function factsOf<T extends Standing | Bond>(
  kind: T['kind'],
  did: string,
  { index }: Given,
): Known<T>[] {
  return index.partyFacts(kind, did).map((entry) => {
    return { statement: partyPayload(entry) as T, digest: entry.header.digest };
  });
}

function useOf({ trust, atMs, statusMs }: Given): Use {
  return {
    atMs,
    statusOf: (entry, issuer) => listedIn(trust, entry, { did: issuer, atMs: statusMs }),
  };
}
