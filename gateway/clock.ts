/**
 * How far the gateway's clock can be believed: what the configuration says of its source, and what
 * the gateway sees itself, which is each step of the wall clock against the monotonic one.
 */
import type { ClockQuality } from '../devices/credential/batch.ts';
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';

/** What the operator states in the configuration. */
export interface ClockStatement {
  readonly source: ClockQuality['source'];
  readonly offsetMs?: number;
  readonly uncertaintyMs?: number;
}

export interface ClockWatch {
  /** Compares the two clocks; a drift slower than a step between two looks is no step. */
  observe(): void;
  /** Steps since the start. */
  steps(): number;
  /** The quality to sign, for a device whose batch before was closed at `stepsBefore`. */
  quality(stepsBefore: number): ClockQuality;
}

export function createClockWatch(clock: Clock, statement: ClockStatement): ClockWatch {
  const difference = () => clock.nowMs() - clock.monotonicMs();
  let last = difference();
  let steps = 0;
  const observe = () => {
    const now = difference();
    if (Math.abs(now - last) > limits.clockStepMs) steps += 1;
    last = now;
  };
  return {
    observe,
    steps: () => steps,
    quality(stepsBefore) {
      observe();
      const { source, offsetMs, uncertaintyMs } = statement;
      return {
        source,
        ...(offsetMs !== undefined && { offsetMs }),
        ...(uncertaintyMs !== undefined && { uncertaintyMs }),
        monotonicMs: Math.round(clock.monotonicMs()),
        steps: steps - stepsBefore,
      };
    },
  };
}
