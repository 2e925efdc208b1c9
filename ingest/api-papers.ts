/** The papers of parties behind one twin: what they signed, what was corrected, who held it. */
import type { Party } from '../devices/credential/enrolment.ts';
import type { CustodyStep } from '../devices/credential/party/custody.ts';
import { limits } from '../devices/limits.ts';
import { partyPayload } from './apply-payload.ts';
import { readCustodyAct } from './custody-act.ts';
import type { CustodyState } from './fold-custody.ts';
import type { TwinState } from './fold-state.ts';
import type { JournalReader } from './journal-reader.ts';
import { paperNames } from './party-title.ts';
import type { JournalEntry } from './store.ts';

/** A ticket, certificate, inspection, event, movement act or calibration. */
export interface PaperRow {
  readonly position: number;
  readonly name: string;
  readonly title: string;
  readonly issuer: Party;
  readonly atMs: number;
  readonly receivedMs: number;
  readonly untilMs?: number;
  /** Its status lists were too old when it came: a revocation may have been missing. */
  readonly standing?: 'pending' | 'stale';
  /** Its issuer says that it was wrong. */
  readonly corrected?: { readonly position: number; readonly reason: string };
}

/** A step of custody or of ownership. */
export interface StepRow {
  readonly position: number;
  readonly right: 'custody' | 'ownership';
  readonly act: CustodyStep['act'];
  readonly from: Party;
  readonly to: Party;
  readonly atMs: number;
  readonly quantity?: NonNullable<CustodyStep['quantity']>;
  readonly seals: readonly string[];
  /**
   * `moved`: it counts. `waiting`: the other signature, or the step before, is not here yet.
   * `pending`: its signers' status lists were too old to be believed.
   */
  readonly state: 'moved' | 'waiting' | 'pending';
  /** How a step counts that was pending: by a list that was found again, or by an officer. */
  readonly resolved?: {
    readonly position: number;
    readonly atMs: number;
    readonly reason: string;
    readonly officer?: string;
  };
}

export interface Papers {
  /** The newest first. */
  readonly papers: readonly PaperRow[];
  /** In journal order, the newest last. */
  readonly steps: readonly StepRow[];
}

/** What the twin of this state has of papers and steps, with what the journal says of each. */
export function papersOf(journal: JournalReader, state: TwinState): Papers {
  return {
    papers: [...state.papers.values()]
      .map((paper): PaperRow => {
        const { digest, kind, issuer, title, atMs, receivedMs, untilMs, position } = paper;
        const correction = state.corrections.get(`${digest} ${issuer.id}`);
        const standing = journal.headerAt(position)?.standing;
        return {
          position,
          name: paperNames[kind],
          title,
          issuer,
          atMs,
          receivedMs,
          ...(untilMs !== undefined && { untilMs }),
          ...(standing && { standing }),
          ...(correction && {
            corrected: { position: correction.position, reason: correction.reason },
          }),
        };
      })
      .sort((a, b) => b.atMs - a.atMs || b.position - a.position),
    steps: [
      ...stepsOf(journal, 'custody', state.custody),
      ...stepsOf(journal, 'ownership', state.ownership),
    ].sort((a, b) => a.position - b.position),
  };
}

function stepsOf(
  journal: JournalReader,
  right: StepRow['right'],
  chain: CustodyState | undefined,
): StepRow[] {
  if (chain === undefined) return [];
  const moved = chain.past.slice(-limits.apiStepsMax).map(({ position }) => {
    const entry = entryAt(journal, position);
    return { ...rowOf(entry, right, 'moved'), ...resolutionOf(journal, entry) };
  });
  const waiting = [...chain.waiting.values()].map(({ position, pending }) =>
    rowOf(entryAt(journal, position), right, pending ? 'pending' : 'waiting'),
  );
  return [...moved, ...waiting];
}

function rowOf(entry: JournalEntry, right: StepRow['right'], state: StepRow['state']): StepRow {
  const step = partyPayload(entry);
  if (step.kind !== 'custody') throw new Error(`no custody step at ${entry.position}`);
  const { act, from, to, atMs, quantity, seals } = step;
  return {
    position: entry.position,
    right,
    act,
    from,
    to,
    atMs,
    ...(quantity && { quantity }),
    seals: seals.map(({ number }) => number),
    state,
  };
}

/** How a step that was pending came to count. */
function resolutionOf(journal: JournalReader, { header }: JournalEntry): Pick<StepRow, 'resolved'> {
  if (header.standing !== 'pending') return {};
  for (const { position, bytes } of journal.readKinds(['act'])) {
    const act = readCustodyAct(bytes);
    if (act?.step !== header.digest || act.effect !== 'take') continue;
    const { atMs, reason, officer } = act;
    return { resolved: { position, atMs, reason, ...(officer !== undefined && { officer }) } };
  }
  return {};
}

function entryAt(journal: JournalReader, position: number): JournalEntry {
  const [entry] = journal.read(position, 1);
  if (entry?.position !== position) throw new Error(`no journal entry ${position}`);
  return entry;
}
