/** A device is lost from sight: nothing observed for twelve cadence intervals. */

import type { Rule } from '../rule.ts';
import { deadlineAfter, describeDuration, expectationOf } from '../rule-cadence.ts';

/** domain.md section 7, STALE / LOST. */
const LOST_INTERVALS = 12;

export const lost: Rule = {
  name: 'lost',
  code: 'LOST',
  version: 1,
  summary: 'Nothing was observed for twelve cadence intervals.',
  kinds: ['device', 'container'],
  evaluate(state, nowMs) {
    const expected = expectationOf(state);
    if (expected === undefined) return undefined;
    const sinceMs = deadlineAfter(expected, LOST_INTERVALS);
    if (nowMs < sinceMs) return undefined;
    const heard = expected.heardMs > sinceMs;
    return {
      severity: 'warning',
      sinceMs,
      text:
        `Nothing observed for more than ${describeDuration(LOST_INTERVALS * expected.cadenceMs)}` +
        `${heard ? ', although its gateway is heard of' : ''}.`,
      evidence: expected.evidence,
    };
  },
  deadlines(state) {
    const expected = expectationOf(state);
    return expected === undefined ? [] : [deadlineAfter(expected, LOST_INTERVALS)];
  },
};
