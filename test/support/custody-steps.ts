import type { CustodyStep } from '../../devices/credential/party/custody.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import { FoldWorld } from './fold-world.ts';
import { partyEntry, startMs } from './journal-entries.ts';
import { custodyStep, newId } from './party.ts';

export const goods = 'did:web:northline.example/batch/CDB-0284';

export interface Who {
  readonly id: string;
  readonly name: string;
}

export const partyOf = (name: string): Who => ({ id: `did:web:${name}.example`, name });
export const [alice, bob, carol, eve] = ['alice', 'bob', 'carol', 'eve'].map(partyOf) as [
  Who,
  Who,
  Who,
  Who,
];

/** A step in the fewest words; `previous` and `release` are entries. */
export function stepOf(
  act: CustodyStep['act'],
  [from, to]: readonly [Who, Who],
  named: { previous?: JournalEntry; release?: JournalEntry; changes?: Partial<CustodyStep> } = {},
): CustodyStep {
  const { previous, release, changes } = named;
  return custodyStep({
    act,
    from,
    to,
    issuer: act === 'acceptance' ? to : from,
    goods,
    atMs: startMs,
    ...(previous && { previous: { id: newId(), digest: previous.header.digest } }),
    ...(release && { release: { id: newId(), digest: release.header.digest } }),
    ...changes,
  });
}

/** A release and its acceptance at these positions. */
export function pairAt(
  [first, second]: readonly [number, number],
  parties: readonly [Who, Who],
  previous?: JournalEntry,
): [JournalEntry, JournalEntry] {
  const before = previous && { previous };
  const release = partyEntry(first, stepOf('release', parties, { ...before }));
  const acceptance = stepOf('acceptance', parties, { ...before, release });
  return [release, partyEntry(second, acceptance)];
}

export const possessor = (world: FoldWorld) =>
  world.twin('pipeline-batch', goods).control.possessor;
export const claims = (world: FoldWorld) =>
  world.state('pipeline-batch', goods).incidents.get('CUSTODY')?.count ?? 0;
export const folded = (...entries: readonly JournalEntry[]) => new FoldWorld().apply(entries);
