/**
 * Promise: what is committed in an outbox is lost by nothing. A row goes only when the ingester's
 * disk has the batch, or when a signed loss names it; a receipt speaks only of what is on disk.
 */
import { type Facts, type Moved, nameOf, payloadOf } from './facts.ts';

/** After each commit of an outbox. A disk that was put back takes what came after with it. */
export function checkGone(facts: Facts, { gone }: Moved, isPutBack: boolean): string[] {
  const broken: string[] = [];
  for (const digest of gone) {
    if (facts.stands.has(digest) || isGiven(facts, digest)) continue;
    if (isPutBack) facts.rolledBack.add(digest);
    else broken.push(`${describe(facts, digest)} left the outbox and is not in the journal`);
  }
  return broken;
}

interface Receipt {
  readonly results: readonly {
    readonly digest: string;
    readonly outcome: 'accepted' | 'refused' | 'held';
    readonly position?: number;
  }[];
}

/** Before each receipt that the ingester sends. */
export function checkReceipt(facts: Facts, token: Uint8Array): string[] {
  const { results } = payloadOf(token) as Receipt;
  return results.flatMap(({ digest, outcome, position = -1 }) => {
    if (outcome === 'held' || facts.journal[position]?.digest === digest) return [];
    return [`a receipt says ${outcome} of ${digest}, which is not on disk at ${position}`];
  });
}

/** At the end: each batch is in the journal, waits, or is named by a loss. */
export function checkNothingLost(facts: Facts): string[] {
  const waiting = new Set([...facts.waiting.values()].flatMap((digests) => [...digests]));
  return [...facts.signed.keys()]
    .filter(
      (digest) =>
        !facts.stands.has(digest) &&
        !waiting.has(digest) &&
        !facts.rolledBack.has(digest) &&
        !isGiven(facts, digest),
    )
    .map((digest) => `${describe(facts, digest)} is nowhere`);
}

function isGiven(facts: Facts, digest: string): boolean {
  const batch = facts.signed.get(digest);
  return batch !== undefined && facts.given.has(nameOf(batch));
}

function describe({ signed }: Facts, digest: string): string {
  const batch = signed.get(digest);
  return batch === undefined ? digest : nameOf(batch);
}
