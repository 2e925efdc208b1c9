/** How late a device is: the measure that the rules STALE and LOST share. */
import { limits } from '../devices/limits.ts';
import type { TwinState } from './fold-state.ts';
import { currentEnrolment, newestEnrolment } from './twin-statement.ts';

/** What is expected of a twin's device, and when it was kept last. */
export interface Expectation {
  readonly cadenceMs: number;
  /** Newest observation; where there is none, the receipt of the enrolment. */
  readonly lastMs: number;
  /** Newest batch. */
  readonly heardMs: number;
  readonly evidence: readonly number[];
}

/** `undefined` where nothing is expected: no enrolment, or no observation of goods. */
export function expectationOf(state: TwinState): Expectation | undefined {
  const current = currentEnrolment(state);
  const record = current?.record ?? newestEnrolment(state);
  if (record === undefined) return undefined;
  const newest = state.history?.newest;
  const position = newest?.stamp.position ?? current?.cell.stamp.position ?? record.position;
  return {
    cadenceMs: record.enrolment.cadenceMs,
    lastMs: state.observedMs > 0 ? state.observedMs : state.receivedMs,
    heardMs: state.history?.heardMs ?? current?.cell.stamp.receivedMs ?? 0,
    evidence: [position],
  };
}

/** The instant at which `intervals` cadence intervals, and the grace of a batch, are over. */
export function deadlineAfter({ lastMs, cadenceMs }: Expectation, intervals: number): number {
  return lastMs + intervals * cadenceMs + limits.staleGraceMs;
}

/** `12 s`, `3 min`, `5 h`: for a sentence. */
export function describeDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
