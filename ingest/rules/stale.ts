/** A device is late: nothing observed for three cadence intervals. */

import type { Rule } from '../rule.ts';
import { deadlineAfter, describeDuration, expectationOf } from '../rule-cadence.ts';

/** domain.md section 7, STALE / LOST; beyond the second the rule `lost` speaks. */
const STALE_INTERVALS = 3;
const LOST_INTERVALS = 12;

export const stale: Rule = {
  name: 'stale',
  code: 'STALE',
  version: 1,
  summary: 'Nothing was observed for three cadence intervals; LOST follows after twelve.',
  kinds: ['device', 'container'],
  evaluate(state, nowMs) {
    const expected = expectationOf(state);
    if (expected === undefined) return undefined;
    const sinceMs = deadlineAfter(expected, STALE_INTERVALS);
    if (nowMs < sinceMs || nowMs >= deadlineAfter(expected, LOST_INTERVALS)) return undefined;
    const heard = expected.heardMs > expected.lastMs + STALE_INTERVALS * expected.cadenceMs;
    return {
      severity: 'notice',
      sinceMs,
      text:
        `Nothing observed for more than ${describeDuration(STALE_INTERVALS * expected.cadenceMs)}` +
        `${heard ? ', although its gateway is heard of' : ''}.`,
      evidence: expected.evidence,
    };
  },
  deadlines(state) {
    const expected = expectationOf(state);
    if (expected === undefined) return [];
    return [STALE_INTERVALS, LOST_INTERVALS].map((count) => deadlineAfter(expected, count));
  },
};
