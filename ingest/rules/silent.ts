/**
 * A device's newest batches may be missing: its heartbeat is overdue. This bounds how long the end
 * of a history can be missing unseen, since a heartbeat goes out when there is nothing else to say.
 */
import { limits } from '../../devices/limits.ts';
import type { TwinState } from '../fold-state.ts';
import type { Rule } from '../rule.ts';
import { describeDuration } from '../rule-cadence.ts';
import { currentEnrolment, newestEnrolment } from '../twin-statement.ts';

export const silent: Rule = {
  name: 'silent',
  code: 'SILENT',
  version: 1,
  summary: "No batch came for a device's heartbeat; its newest ones may be missing.",
  kinds: ['device'],
  evaluate(state, nowMs) {
    const expected = heartbeatOf(state);
    if (expected === undefined || nowMs < expected.dueMs) return undefined;
    const { dueMs, everyMs, position } = expected;
    return {
      severity: 'warning',
      sinceMs: dueMs,
      text:
        `No batch followed its newest one, although its gateway signs one at least every ` +
        `${describeDuration(everyMs)}: what it signed since may be missing.`,
      evidence: [position],
    };
  },
  deadlines(state) {
    const expected = heartbeatOf(state);
    return expected === undefined ? [] : [expected.dueMs];
  },
};

/**
 * When the batch after the newest must be here. By receipt, since neither clocks nor late batches
 * of the past say anything of the end; `undefined` where no device is enrolled.
 */
function heartbeatOf(state: TwinState) {
  const record = currentEnrolment(state)?.record ?? newestEnrolment(state);
  if (record === undefined) return undefined;
  const { heartbeatMs: everyMs } = record.enrolment;
  const newest = state.history?.newest?.stamp;
  const position = newest?.position ?? record.position;
  const lastMs = newest?.receivedMs ?? state.receivedMs;
  return { everyMs, position, dueMs: lastMs + everyMs + limits.staleGraceMs };
}
