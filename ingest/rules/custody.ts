/**
 * Claims of custody that contradict the chain: a release by someone who does not hold the goods, a
 * second claim to a step that was taken, an acceptance of what was not released. They move nothing.
 */
import type { Rule } from '../rule.ts';

export const custody: Rule = {
  name: 'custody',
  code: 'CUSTODY',
  version: 1,
  summary: 'A party signed a claim of custody that contradicts the chain; it moved nothing.',
  kinds: ['pipeline-batch', 'gas-flow', 'steel-heat', 'steel-piece', 'container', 'parcel'],
  evaluate({ incidents }) {
    const incident = incidents.get('CUSTODY');
    if (incident === undefined) return undefined;
    const { count, reason, firstMs, positions } = incident;
    const claims = count === 1 ? '1 claim' : `${count} claims`;
    return {
      severity: 'critical',
      sinceMs: firstMs,
      text: `${claims} of custody moved nothing (last: ${reason}).`,
      evidence: positions,
    };
  },
};
