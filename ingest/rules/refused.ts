/** Credentials in a device's name were refused for good. */
import type { Rule } from '../rule.ts';

export const refused: Rule = {
  name: 'refused',
  code: 'REFUSED',
  version: 1,
  summary: 'Batches in the name of a device were refused for good.',
  kinds: ['device'],
  evaluate({ incidents }) {
    const incident = incidents.get('REFUSED');
    if (incident === undefined) return undefined;
    const { count, reason, firstMs, positions } = incident;
    const what = count === 1 ? '1 batch was refused' : `${count} batches were refused`;
    return {
      severity: 'warning',
      sinceMs: firstMs,
      text: `${what} for good (last: ${reason}).`,
      evidence: positions,
    };
  },
};
