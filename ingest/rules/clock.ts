/**
 * The newest batch of a device claims a time that cannot be, ahead of receipt or going back; or its
 * gateway signed that the device's own clock cannot be believed.
 */
import type { DeviceClockFault } from '../../devices/reading.ts';
import {
  clockPath,
  clockToleranceMs,
  deviceClockPath,
  minuteMs,
  runStart,
} from '../kind-minutes.ts';
import type { Rule } from '../rule.ts';
import { describeDuration } from '../rule-cadence.ts';

const faultSentences: Readonly<Record<DeviceClockFault, string>> = {
  jumped: "The device's own clock jumped; the gateway's time is used.",
  stuck: "The device's own clock stands still; the gateway's time is used.",
  wrong: "The device's own clock is wrong; the gateway's time is used.",
};

export const clock: Rule = {
  name: 'clock',
  code: 'CLOCK',
  version: 2,
  summary:
    "A device's newest batch claims a time after its receipt, or before older batches, or its own clock cannot be believed.",
  kinds: ['device'],
  evaluate(state) {
    const { history } = state;
    const newest = history?.newest;
    if (history === undefined || newest === undefined) return undefined;
    const backMs = history.closedMsMax - newest.closedMs;
    const fault = history.deviceClock?.fault;
    const sentences = [
      newest.aheadMs > clockToleranceMs
        ? `Its time is ${describeDuration(newest.aheadMs)} after the receipt.`
        : '',
      backMs > clockToleranceMs ? `Its time went back by ${describeDuration(backMs)}.` : '',
      fault === undefined ? '' : faultSentences[fault],
    ].filter((sentence) => sentence !== '');
    if (sentences.length === 0) return undefined;
    // The minutes are of the gateway's time where that is in doubt, else of the device's.
    const isOwn = fault !== undefined && sentences.length === 1;
    const start = runStart(state, isOwn ? deviceClockPath : clockPath);
    const stamp = isOwn ? (history.deviceClock?.stamp ?? newest.stamp) : newest.stamp;
    return {
      severity: 'warning',
      sinceMs: start === undefined ? stamp.receivedMs : start.minute * minuteMs,
      text: sentences.join(' '),
      evidence: [start?.position ?? stamp.position, stamp.position].filter(
        (position, index, all) => all.indexOf(position) === index,
      ),
    };
  },
};
