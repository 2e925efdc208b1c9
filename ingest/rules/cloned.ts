/**
 * Two gateways sign with one key: a run of one went on after a run of the other had begun, which
 * no disk that was put back can do. It stays open: nobody can take a signature back.
 */
import type { Rule } from '../rule.ts';

export const cloned: Rule = {
  name: 'cloned',
  code: 'CLONED',
  version: 1,
  summary: 'Two gateways sign with the key of a device, in turns.',
  kinds: ['device'],
  evaluate({ incidents }) {
    const incident = incidents.get('CLONED');
    if (incident === undefined) return undefined;
    const { firstMs, positions, reason } = incident;
    return {
      severity: 'critical',
      sinceMs: firstMs,
      text: `Its key is in two places at once: two gateways sign with it in turns (${reason}).`,
      evidence: positions,
    };
  },
};
