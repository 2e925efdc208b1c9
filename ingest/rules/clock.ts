/** The newest batch of a device claims a time that cannot be: ahead of receipt, or going back. */
import { clockPath, clockToleranceMs, minuteMs, runStart } from '../kind-minutes.ts';
import type { Rule } from '../rule.ts';
import { describeDuration } from '../rule-cadence.ts';

export const clock: Rule = {
  name: 'clock',
  code: 'CLOCK',
  version: 1,
  summary: "A device's newest batch claims a time after its receipt, or before older batches.",
  kinds: ['device'],
  evaluate(state) {
    const { history } = state;
    const newest = history?.newest;
    if (history === undefined || newest === undefined) return undefined;
    const backMs = history.closedMsMax - newest.closedMs;
    const sentences = [
      newest.aheadMs > clockToleranceMs
        ? `Its time is ${describeDuration(newest.aheadMs)} after the receipt.`
        : '',
      backMs > clockToleranceMs ? `Its time went back by ${describeDuration(backMs)}.` : '',
    ].filter((sentence) => sentence !== '');
    if (sentences.length === 0) return undefined;
    const start = runStart(state, clockPath);
    return {
      severity: 'warning',
      sinceMs: start === undefined ? newest.stamp.receivedMs : start.minute * minuteMs,
      text: sentences.join(' '),
      evidence: [start?.position ?? newest.stamp.position, newest.stamp.position].filter(
        (position, index, all) => all.indexOf(position) === index,
      ),
    };
  },
};
