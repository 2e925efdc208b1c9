/** A device spoke of goods that its enrolment does not let it report on. */
import type { Rule } from '../rule.ts';

export const outOfScope: Rule = {
  name: 'out-of-scope',
  code: 'OUT_OF_SCOPE',
  version: 1,
  summary: 'A device reported on goods outside the scope of its enrolment; they were not changed.',
  kinds: ['device'],
  evaluate({ incidents }) {
    const incident = incidents.get('OUT_OF_SCOPE');
    if (incident === undefined) return undefined;
    const { count, reason, firstMs, positions } = incident;
    return {
      severity: 'critical',
      sinceMs: firstMs,
      text: `It spoke ${count === 1 ? 'once' : `${count} times`} of goods outside its scope (last: ${reason}).`,
      evidence: positions,
    };
  },
};
