/**
 * Folds a party credential into the twins that it is about: custody moves, papers are kept beside
 * the goods, corrections beside the papers. Standing and bonds change no twin; they decide what is
 * admitted.
 */
import type { CustodyStep } from '../devices/credential/party/custody.ts';
import { families, type PartyStatement } from '../devices/credential/party/families.ts';
import { isOfCustoms } from '../devices/credential/party/movement.ts';
import { limits } from '../devices/limits.ts';
import { partyPayload } from './apply-payload.ts';
import { readCustodyAct } from './custody-act.ts';
import type { FoldAccess } from './fold-batch.ts';
import { putCustody, resolveCustody } from './fold-custody.ts';
import { type Paper, type TwinState, touch } from './fold-state.ts';
import { happenedMs } from './party-admit.ts';
import { titleOf } from './party-title.ts';
import type { JournalEntry } from './store.ts';

/** Applies a party credential; a second time it changes nothing. */
export function foldParty(entry: JournalEntry, fold: FoldAccess): void {
  const statement = partyPayload(entry);
  switch (statement.kind) {
    case 'custody':
      foldCustody(statement, entry, fold);
      return;
    case 'standing':
    case 'bond':
      return;
    case 'calibration':
      foldPaper(statement, entry, [fold.open(entry.header.tenant, 'device', statement.device)]);
      return;
    case 'movement': {
      const states = goodsOf(statement.goods, entry, fold);
      foldPaper(statement, entry, states);
      if (isOfCustoms(statement.act)) for (const state of states) putHold(state, entry, statement);
      return;
    }
    case 'correction':
      for (const state of goodsOf(statement.goods, entry, fold)) {
        putCorrection(state, entry, statement);
      }
      return;
    default: {
      const about = (
        families[statement.kind] as { about(one: PartyStatement): readonly string[] }
      ).about(statement);
      foldPaper(statement, entry, goodsOf(about, entry, fold));
    }
  }
}

/** The twins of goods; what no kind knows has none. */
function goodsOf(uris: readonly string[], { header }: JournalEntry, fold: FoldAccess): TwinState[] {
  return uris.flatMap((uri) => {
    const kind = fold.kindOf(uri);
    return kind?.isGoods ? [fold.open(header.tenant, kind.name, uri)] : [];
  });
}

function foldCustody(step: CustodyStep, entry: JournalEntry, fold: FoldAccess): void {
  const { header, position } = entry;
  const { act, from, to, atMs, previous, release, quantity, seals } = step;
  const [state] = goodsOf([step.goods], entry, fold);
  if (state === undefined) return;
  const { receivedMs, digest } = header;
  touch(state, { position, receivedMs });
  putCustody(state, step.right ?? 'custody', {
    digest,
    position,
    receivedMs,
    act,
    from,
    to,
    atMs,
    previous: previous?.digest ?? '',
    ...(release && { release: release.digest }),
    terms: JSON.stringify([quantity ?? null, seals]),
    ...(header.standing === 'pending' && { pending: true }),
  });
}

function foldPaper(
  statement: PartyStatement,
  { header, position }: JournalEntry,
  states: readonly TwinState[],
): void {
  const { receivedMs, digest } = header;
  for (const state of states) {
    touch(state, { position, receivedMs });
    const isRequest = statement.kind === 'movement' && statement.act === 'request';
    const paper: Paper = {
      digest,
      kind: statement.kind,
      issuer: statement.issuer,
      title: titleOf(statement, state.uri),
      position,
      receivedMs,
      atMs: happenedMs(statement) ?? statement.validFromMs,
      ...(statement.validUntilMs !== undefined && { untilMs: statement.validUntilMs }),
      ...(isRequest && { liable: statement.liable }),
      ...(statement.kind === 'calibration' && { calibration: statement }),
    };
    state.papers.set(digest, paper);
    dropOldest(state.papers);
  }
}

/** The newest act about a movement counts, whatever the order in which they come. */
function putHold(
  state: TwinState,
  { header: { digest }, position }: JournalEntry,
  { act, atMs, issuer: authority, number }: Extract<PartyStatement, { readonly kind: 'movement' }>,
): void {
  const key = `${number} ${authority.id}`;
  const before = state.holds.get(key);
  const isOlder =
    before !== undefined &&
    (before.atMs > atMs || (before.atMs === atMs && before.digest >= digest));
  if (isOlder) return;
  state.holds.set(key, { key, authority, isHeld: act === 'hold', atMs, digest, position });
  dropOldest(state.holds);
}

function putCorrection(
  state: TwinState,
  { header, position }: JournalEntry,
  correction: Extract<PartyStatement, { readonly kind: 'correction' }>,
): void {
  const { receivedMs } = header;
  touch(state, { position, receivedMs });
  const { corrects, issuer, reason } = correction;
  // Only the issuer of what is wrong can correct it; a stranger's word stands in another place.
  const key = `${corrects.digest} ${issuer.id}`;
  const held = state.corrections.get(key);
  if (held !== undefined && held.position <= position) return;
  state.corrections.set(key, { key, position, reason });
  dropOldest(state.corrections);
}

/** The newest in the journal stay: the same ones whatever the order of arrival. */
function dropOldest(kept: Map<string, { readonly position: number }>): void {
  if (kept.size <= limits.twinPapersMax) return;
  const [oldest] = [...kept].sort(([, a], [, b]) => a.position - b.position);
  if (oldest !== undefined) kept.delete(oldest[0]);
}

/**
 * Applies an act that resolves a pending custody step: `take` when the newest status lists say that
 * its signers could sign, `void` when they could not. Acts of other kinds change nothing here.
 */
export function foldCustodyAct(entry: JournalEntry, fold: FoldAccess): void {
  const act = readCustodyAct(entry.bytes);
  if (act === undefined) return;
  const [state] = goodsOf([act.goods], entry, fold);
  if (state === undefined) return;
  touch(state, { position: entry.position, receivedMs: entry.header.receivedMs });
  resolveCustody(state, act);
}
