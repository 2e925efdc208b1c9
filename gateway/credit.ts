/**
 * How many bytes may be under way, so that what comes fresh waits behind them for about as long as
 * the line needs for `limits.forwardDelayMs`, however slow it is. Nobody knows how fast a line is:
 * receipts tell. Where they come sooner, more goes at once; where they come later, less.
 */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';

export interface Credit {
  /** Bytes of backlog that may wait for receipts. */
  bytes(): number;
  /** A receipt came for so many bytes, this long after they were first sent, milliseconds. */
  answered(bytes: number, tookMs: number): void;
}

export function createCredit(clock: Clock): Credit {
  let credit: number = limits.forwardCreditBytes;
  let shrunkMs = Number.NEGATIVE_INFINITY;
  return {
    bytes: () => credit,
    answered(bytes, tookMs) {
      if (tookMs <= limits.forwardDelayMs) {
        credit = Math.min(credit + bytes, limits.forwardCreditBytesMax);
        return;
      }
      // All that was sent before the credit became smaller took as long: it counts once.
      const nowMs = clock.monotonicMs();
      if (nowMs - shrunkMs < tookMs) return;
      shrunkMs = nowMs;
      const fitting = (credit * limits.forwardDelayMs) / tookMs;
      credit = Math.max(Math.floor(fitting), limits.forwardCreditBytesMin);
    },
  };
}
