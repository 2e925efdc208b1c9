/**
 * What was admitted of parties and devices, and what follows from it when a further credential is
 * used: who may issue what, and whether a bond holds at the time of its use. It is folded from the
 * journal's party entries and asked in the recorder's lane, so that each judgement sees all entries
 * before it. What does not hold now may hold later: such credentials are held, never refused.
 */

import type { Bond } from '../devices/credential/party/bond.ts';
import type { Calibration } from '../devices/credential/party/calibration.ts';
import type { PartyStatement } from '../devices/credential/party/families.ts';
import {
  bondAt,
  type InForce,
  type Known,
  type PartyFacts,
  standingAt,
  type Use,
} from '../devices/credential/party/in-force.ts';
import type { Movement } from '../devices/credential/party/movement.ts';
import type { Standing } from '../devices/credential/party/standing.ts';
import type { ErrorCode } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import type { Admission } from './admit.ts';
import { partyPayload } from './apply-payload.ts';
import type { Inbound } from './source.ts';
import type { JournalEntry } from './store.ts';
import { bitOf, type TrustBook } from './trust.ts';

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

/** Facts of parties, and goods that travel in bond. */
interface PartyBook extends PartyFacts {
  readonly standings: Map<string, readonly Known<Standing>[]>;
  readonly bonds: Map<string, readonly Known<Bond>[]>;
  readonly calibrations: Map<string, Known<Calibration>>;
  /** By URI of goods: movements that were not ended, each as number and liable party. */
  readonly inBond: Map<string, ReadonlySet<string>>;
}

function emptyPartyBook(): PartyBook {
  return { standings: new Map(), bonds: new Map(), calibrations: new Map(), inBond: new Map() };
}

/** Judges the use of party credentials by those before them. */
export interface PartyJudge {
  /** Learns of a stored party entry. */
  learn(entry: JournalEntry): void;
  /**
   * The admission of a party credential as it is with all that is known: the digests of what its
   * use rests on are added, or it is held. Others come back as they are.
   */
  judge(message: Inbound, admission: Admission, trust: TrustBook): Admission;
}

export function createPartyJudge(authorities: Authorities): PartyJudge {
  const book = emptyPartyBook();
  return {
    learn: (entry) => foldPartyBook(book, entry),
    judge({ bytes, receivedMs }, admission, trust) {
      const { header, digest, device } = admission;
      if (header?.kind !== 'party') return admission;
      const statement = partyPayload({ position: trust.position, header, bytes });
      const use = judgeUse(statement, { book, trust, authorities, atMs: receivedMs });
      if ('documents' in use) {
        const documents = [...(header.documents ?? []), ...use.documents];
        return { ...admission, header: { ...header, documents } };
      }
      const held = { outcome: 'held', digest, bytesKept: 0, readings: 0, ...use } as const;
      return { ...held, ...(device !== undefined && { device }) };
    },
  };
}

/** Folds a party entry; those of other families change nothing. In journal order. */
function foldPartyBook(book: PartyBook, entry: JournalEntry): void {
  const statement = partyPayload(entry);
  const { digest } = entry.header;
  switch (statement.kind) {
    case 'standing':
      add(book.standings, statement.party.id, { statement, digest });
      return;
    case 'bond':
      add(book.bonds, statement.principal.id, { statement, digest });
      return;
    case 'calibration':
      book.calibrations.set(digest, { statement, digest });
      return;
    case 'movement':
      for (const uri of statement.goods) foldMovement(book, uri, statement);
      return;
    default:
      return;
  }
}

/** Only who answers for a movement ends it, by its number. */
function foldMovement(book: PartyBook, uri: string, { act, number, liable }: Movement): void {
  const open = new Set(book.inBond.get(uri));
  const key = `${number} ${liable.id}`;
  if (act === 'export') open.delete(key);
  else open.add(key);
  if (open.size === 0) book.inBond.delete(uri);
  else book.inBond.set(uri, open);
}

function add<T>(kept: Map<string, readonly Known<T>[]>, of: string, one: Known<T>): void {
  kept.set(of, [...(kept.get(of) ?? []), one].slice(-limits.partyFactsMax));
}

/** What a use rests on: digests of the credentials that hold, or why it has to wait. */
type UseVerdict =
  | { readonly documents: readonly string[] }
  | { readonly code: ErrorCode; readonly reason: string };

/** Judges the use of a proven statement at `atMs`. */
function judgeUse(
  statement: PartyStatement,
  given: {
    readonly book: PartyBook;
    readonly trust: TrustBook;
    readonly authorities: Authorities;
    readonly atMs: number;
  },
): UseVerdict {
  const { book, authorities } = given;
  switch (statement.kind) {
    case 'standing':
      return authorised(authorities.customs, statement.issuer.id, 'a customs authority');
    case 'bond':
      return authorised(authorities.sureties, statement.issuer.id, 'a surety');
    case 'calibration':
      return authorised(authorities.laboratories, statement.issuer.id, 'a laboratory');
    case 'movement':
      return bonded(statement.liable.id, given);
    case 'custody':
      // Goods in bond go only to someone who answers for them to customs (19 CFR 113.63).
      return book.inBond.has(statement.goods)
        ? bonded(statement.to.id, given)
        : { documents: standingOf(statement.to.id, given) };
    default:
      return { documents: [] };
  }
}

function authorised(known: readonly string[], did: string, what: string): UseVerdict {
  if (known.includes(did)) return { documents: [] };
  return { code: 'IN_AUTHORITY_UNKNOWN', reason: `${did} is not named here as ${what}` };
}

type Given = Parameters<typeof judgeUse>[1];

function bonded(did: string, given: Given): UseVerdict {
  const found = bondAt(given.book, { principal: did, types: ['custodian'] }, useOf(given));
  if (!found.holds) {
    const reason = `${did} has no custodian bond that holds now: ${found.why}`;
    return { code: 'IN_BOND_MISSING', reason };
  }
  return { documents: [found.digest, ...standingOf(did, given)] };
}

/** The standing that a party has with customs now; having none hinders nothing. */
function standingOf(did: string, given: Given): readonly string[] {
  const found: InForce<Standing> = standingAt(given.book, { party: did }, useOf(given));
  return found.holds ? [found.digest] : [];
}

function useOf({ trust, atMs }: Given): Use {
  return {
    atMs,
    isSet({ list: url, purpose, index }, issuer) {
      const found = trust.statusLists.get(url);
      if (found === undefined || (found.list.validUntilMs ?? atMs) < atMs) return undefined;
      return bitOf(found, { did: issuer, purpose, index });
    },
  };
}
