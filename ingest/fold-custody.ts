/**
 * The chain of custody of one thing, and likewise that of who owns it. Each step names the one
 * before it, so that the chain has one head, and the first pair of release and acceptance in
 * journal order that fits there moves it. What fits nowhere yet waits; what claims a place that is
 * taken is evidence and moves nothing.
 *
 * A move stands once it is made. Steps that do not conflict make the same chain in any order.
 */

import type { Party } from '../devices/credential/enrolment.ts';
import type { CustodyAct } from '../devices/credential/party/custody.ts';
import { limits } from '../devices/limits.ts';
import type { CustodyResolution } from './custody-act.ts';
import { putIncident } from './fold-cells.ts';
import type { TwinState } from './fold-state.ts';

/** A step that was signed and has not moved anything. */
export interface CustodyRecord {
  readonly digest: string;
  readonly position: number;
  readonly receivedMs: number;
  readonly act: CustodyAct;
  readonly from: Party;
  readonly to: Party;
  readonly atMs: number;
  /** Digest of the step before; empty in the first of the goods. */
  readonly previous: string;
  /** Digest of the release that an acceptance names. */
  readonly release?: string;
  /** What releaser and receiver must say alike: quantity and seals, as JSON. */
  readonly terms: string;
  /** Waits at its place until an act says what the status lists say (`EntryHeader.standing`). */
  readonly pending?: true;
}

/** A step that moved custody. */
export interface CustodyMove {
  /** The head before, and the head that it made: digest of the transfer or of the acceptance. */
  readonly previous: string;
  readonly step: string;
  /** Digest of the release, where there were two. */
  readonly release?: string;
  readonly from: string;
  /** Position of the later of the two entries: from there on the place was taken. */
  readonly position: number;
}

export interface Holder {
  readonly party: Party;
  readonly sinceMs: number;
  /** Entry of the receiver's signature, and whose it is. */
  readonly position: number;
  readonly receivedMs: number;
}

/** Custody of one twin. */
export interface CustodyState {
  /** Digest of the last step that moved; empty before the first. */
  head: string;
  holder?: Holder;
  moves: number;
  /** The last moves, oldest first. */
  past: CustodyMove[];
  /** By digest. */
  readonly waiting: Map<string, CustodyRecord>;
}

export function emptyCustody(): CustodyState {
  return { head: '', moves: 0, past: [], waiting: new Map() };
}

/** Adds a step, moves what can move, and sorts out what never can. */
export function putCustody(
  state: TwinState,
  chain: 'custody' | 'ownership',
  record: CustodyRecord,
): void {
  state[chain] ??= emptyCustody();
  const custody = state[chain];
  if (isKnown(custody, record.digest)) return;
  if (custody.waiting.size >= limits.custodyWaitingMax) {
    note(state, record, `the step of ${signerOf(record).id} is one too many that waits`);
    return;
  }
  custody.waiting.set(record.digest, record);
  advanceCustody(state);
}

/** What a pending step comes to once its status is known: it counts at its place, or never did. */
export function resolveCustody(
  state: TwinState,
  { step: digest, effect, reason }: CustodyResolution,
): void {
  const custody = chainsOf(state).find(({ waiting }) => waiting.has(digest));
  const record = custody?.waiting.get(digest);
  if (custody === undefined || record?.pending === undefined) return;
  if (effect === 'void') {
    custody.waiting.delete(digest);
    note(state, record, `the step of ${signerOf(record).id} is void, ${reason}`);
  } else {
    const { pending: _resolved, ...counts } = record;
    custody.waiting.set(digest, counts);
  }
  advanceCustody(state);
}

/** Moves as far as the steps that are here allow. */
export function advanceCustody(state: TwinState): void {
  for (const chain of chainsOf(state)) if (chain.waiting.size > 0) advance(state, chain);
}

/** Whether the enrolments of a twin may still say who takes the first step. */
export function isBeforeFirst(state: TwinState): boolean {
  return chainsOf(state).some(({ head }) => head === '');
}

function chainsOf({ custody, ownership }: TwinState): CustodyState[] {
  return [custody, ownership].filter((chain) => chain !== undefined);
}

function advance(state: TwinState, custody: CustodyState): void {
  for (;;) {
    const pair = firstPair(state, custody);
    // A pending pair keeps its place: what came later must not overtake it.
    if (pair === undefined || isPending(pair)) break;
    move(custody, pair);
  }
  dropLost(state, custody);
}

/** A release with its acceptance, or a transfer, which is both. */
interface Pair {
  readonly release: CustodyRecord;
  readonly step: CustodyRecord;
  readonly position: number;
}

/** The pair at the head that was complete first. */
function firstPair(state: TwinState, custody: CustodyState): Pair | undefined {
  let first: Pair | undefined;
  for (const step of custody.waiting.values()) {
    const pair = step.previous === custody.head ? pairOf(custody, step) : undefined;
    if (pair === undefined || !mayRelease(state, custody, pair.release.from.id)) continue;
    if (first === undefined || comparePairs(pair, first) < 0) first = pair;
  }
  return first;
}

function pairOf({ waiting }: CustodyState, step: CustodyRecord): Pair | undefined {
  if (step.act === 'transfer') return { release: step, step, position: step.position };
  const release = waiting.get(step.release ?? '');
  if (release?.act !== 'release' || !isSame(release, step)) return undefined;
  return { release, step, position: Math.max(release.position, step.position) };
}

/** Two acceptances of one release may be complete at the same entry: the earlier one wins. */
function comparePairs(a: Pair, b: Pair): number {
  return a.position - b.position || a.step.position - b.step.position;
}

function isPending({ release, step }: Pair): boolean {
  return release.pending === true || step.pending === true;
}

/** Whether an acceptance says what its release says. */
function isSame(release: CustodyRecord, acceptance: CustodyRecord): boolean {
  return (
    release.previous === acceptance.previous &&
    release.from.id === acceptance.from.id &&
    release.to.id === acceptance.to.id &&
    release.terms === acceptance.terms
  );
}

function mayRelease(state: TwinState, custody: CustodyState, did: string): boolean {
  const { holder } = custody;
  if (holder !== undefined) return holder.party.id === did;
  return isFirstHolder(state, did, custody === state.ownership ? 'owner' : 'possessor');
}

/**
 * Who may release goods of which no step is known: the organisation below whose DID they are named,
 * and those whom it names as possessor (or owner) in an enrolment; where the name is nobody's (a
 * container number), those whom any enrolment names that reported on the goods.
 */
function isFirstHolder(
  { uri, enrolments }: TwinState,
  did: string,
  role: 'owner' | 'possessor',
): boolean {
  const [scope = ''] = uri.split('/');
  const namer = scope.startsWith('did:') && scope !== uri ? scope : undefined;
  if (did === namer) return true;
  for (const { enrolment } of enrolments.values()) {
    if (namer !== undefined && enrolment.organisation !== namer) continue;
    // Who measures goods holds them unless it says otherwise; it need not own them.
    const ofItself = role === 'possessor' ? enrolment.organisation : undefined;
    if ((enrolment.scope[role]?.id ?? ofItself) === did) return true;
  }
  return false;
}

function move(custody: CustodyState, { release, step, position }: Pair): void {
  const made: CustodyMove = {
    previous: custody.head,
    step: step.digest,
    ...(release !== step && { release: release.digest }),
    from: release.from.id,
    position,
  };
  custody.past = [...custody.past, made].slice(-limits.custodyPastMax);
  custody.head = step.digest;
  custody.moves += 1;
  const { to: party, atMs: sinceMs, receivedMs } = step;
  custody.holder = { party, sinceMs, position: step.position, receivedMs };
  custody.waiting.delete(step.digest);
  custody.waiting.delete(release.digest);
}

function isKnown({ waiting, past }: CustodyState, digest: string): boolean {
  return (
    waiting.has(digest) || past.some(({ step, release }) => digest === step || digest === release)
  );
}

/** Takes away what can never move; all of it but a change of mind is evidence. */
function dropLost(state: TwinState, custody: CustodyState): void {
  const { waiting, past } = custody;
  for (const record of [...waiting.values()]) {
    const reason = lostReason(record, custody);
    if (reason === undefined) continue;
    waiting.delete(record.digest);
    const taken = past.find(({ previous }) => previous === record.previous);
    // The holder released to someone who did not accept, and then to someone who did.
    const isChange =
      taken !== undefined &&
      record.act === 'release' &&
      record.from.id === taken.from &&
      record.position < taken.position;
    if (!isChange) note(state, record, reason);
  }
}

/** Why a step can never move anything, or `undefined` while it may. */
function lostReason(record: CustodyRecord, custody: CustodyState): string | undefined {
  const { waiting, past, head, holder } = custody;
  const signer = signerOf(record).id;
  if (past.some(({ previous }) => previous === record.previous)) {
    return `${signer} claims a step of custody that was taken before`;
  }
  if (holder !== undefined && record.previous === head && record.from.id !== holder.party.id) {
    return `${signer} signed a release by ${record.from.id}, which does not hold the goods`;
  }
  const release = waiting.get(record.release ?? '');
  if (release !== undefined && !(release.act === 'release' && isSame(release, record))) {
    return `${signer} accepted otherwise than was released`;
  }
  return undefined;
}

/** Who signed a step alone, or last. */
function signerOf({ act, from, to }: CustodyRecord): Party {
  return act === 'release' ? from : to;
}

function note(state: TwinState, { position, receivedMs }: CustodyRecord, reason: string): void {
  if (state.incidents.get('CUSTODY')?.positions.includes(position)) return;
  putIncident(state, 'CUSTODY', { position, receivedMs, reason });
}
