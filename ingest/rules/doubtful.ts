/** Batches came after their key was in doubt and wait for an officer. */
import type { Rule } from '../rule.ts';

export const doubtful: Rule = {
  name: 'doubtful',
  code: 'DOUBTFUL',
  version: 1,
  summary: 'Batches came after their key was in doubt; closes when all of them are accepted.',
  kinds: ['device'],
  evaluate({ doubt }) {
    const open = doubt === undefined ? 0 : doubt.count - doubt.accepted;
    if (doubt === undefined || open === 0) return undefined;
    const { accepted, firstMs, positions, reason } = doubt;
    const what = open === 1 ? '1 batch waits' : `${open} batches wait`;
    const other = accepted === 0 ? '' : `; ${accepted} accepted so far`;
    return {
      severity: 'warning',
      sinceMs: firstMs,
      text: `${what} without effect for an officer's decision (last: ${reason})${other}.`,
      evidence: positions,
    };
  },
};
