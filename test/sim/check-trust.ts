/**
 * Promise: only what somebody changed on the way is refused, only what a revoked key signed is in
 * doubt, and nothing honest is ever taken for a second history, a disk that was put back least.
 */
import { limits } from '../../devices/limits.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import { type Facts, hashOf } from './facts.ts';

/** After each commit of the journal. */
export function checkJudged(facts: Facts, entries: readonly JournalEntry[]): string[] {
  return entries.flatMap(({ bytes, header }) => {
    const { code, digest, kind, receivedMs, reason } = header;
    const batch = facts.signed.get(digest);
    const said = `${kind} ${code ?? ''}: ${reason ?? ''}`;
    if (kind === 'equivocation') return [said];
    if (kind === 'doubtful') {
      const isRevoked = batch !== undefined && facts.revoked.has(batch.device);
      return isRevoked && code === 'VC_REVOKED' ? [] : [said];
    }
    if (kind !== 'refusal' || batch === undefined || hashOf(bytes) !== batch.hash) return [];
    const isAhead = batch.closedMs - receivedMs > limits.batchAheadMsMax;
    return code === 'IN_FUTURE' && isAhead ? [] : [`as it was signed: ${said}`];
  });
}
