/**
 * How long a thread works on one step, in time of the processor where the system tells it: on a
 * machine with too much to do nothing is anybody's fault.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * Measures a thread by looks that are `lookMs` apart or more. It begins to count at the second look
 * that finds the same step.
 */
export function createWorkClock(
  name: () => string | undefined,
  lookMs: number,
): {
  /** Milliseconds that it worked on `step`; empty for none. */
  at(step: string, sinceMs: number): number;
} {
  let last = '';
  let before: number | undefined;
  let workedMs = 0;
  return {
    at(step, sinceMs) {
      if (step === '' || step !== last) {
        last = step;
        before = undefined;
        workedMs = 0;
        return 0;
      }
      const now = processorMs(name());
      if (now === undefined) workedMs += Math.min(sinceMs, 2 * lookMs);
      else {
        workedMs += before === undefined ? 0 : now - before;
        before = now;
      }
      return workedMs;
    },
  };
}

/** Milliseconds of processor time that a thread of this process has had. */
function processorMs(thread: string | undefined): number | undefined {
  if (thread === undefined) return undefined;
  try {
    const [ran] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ');
    return Number(ran) / 1e6;
  } catch {
    return undefined;
  }
}

/**
 * Lets the other threads go first, for as long as this one lives: one that works on for no good
 * must not take the processor from them. Nothing where the system has no such thing for threads.
 */
export function yieldProcessor(thread: string | undefined): void {
  if (thread === undefined) return;
  try {
    setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It ended meanwhile.
  }
}

/** As the operating system names the thread that asks; Linux does. */
export function threadNumber(): string | undefined {
  try {
    return basename(readlinkSync('/proc/thread-self'));
  } catch {
    return undefined;
  }
}
