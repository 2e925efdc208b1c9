/**
 * A device signed two histories: another batch at a place that is taken, or one that names another
 * before it than the one that stands there. It stays open: nobody can take a signature back.
 */
import type { Rule } from '../rule.ts';

export const fork: Rule = {
  name: 'fork',
  code: 'FORK',
  version: 2,
  summary: 'A device signed two different batches for one place in its history.',
  kinds: ['device'],
  evaluate({ incidents }) {
    const incident = incidents.get('FORK');
    if (incident === undefined) return undefined;
    const { count, firstMs, positions, reason } = incident;
    const what =
      count === 1 ? '1 of its batches contradicts' : `${count} of its batches contradict`;
    return {
      severity: 'critical',
      sinceMs: firstMs,
      text: `${what} stored ones (last: ${reason}).`,
      evidence: positions,
    };
  },
};
