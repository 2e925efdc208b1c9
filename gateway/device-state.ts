/**
 * Whether a device answers, for the status line, and what is said of it in the log: each change
 * once, a lasting trouble at a bounded rate with a count.
 */
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';

export type DeviceCondition = 'starting' | 'up' | 'down' | 'silent';

export interface DeviceState {
  readonly condition: DeviceCondition;
  /** Wall time since when it is so. */
  readonly sinceMs: number;
  /** Why it is not up, or which part of it is missing. */
  readonly reason?: string;
}

export interface DeviceWatch {
  state(): DeviceState;
  /** Values came, and none are missing. */
  answered(): void;
  /** Values came, others did not. */
  incomplete(reason: string, count: number): void;
  /** Nothing came. */
  failed(condition: 'down' | 'silent', reason: string, count: number): void;
}

export function createDeviceWatch(options: {
  readonly device: string;
  readonly clock: Clock;
  readonly log: Log;
}): DeviceWatch {
  const { device, clock, log } = options;
  let state: DeviceState = { condition: 'starting', sinceMs: clock.nowMs() };
  let saidMs = Number.NEGATIVE_INFINITY;
  let unsaid = 0;

  const enter = (condition: DeviceCondition, reason?: string): boolean => {
    const changed = condition !== state.condition || reason !== state.reason;
    if (condition !== state.condition) {
      state = { condition, sinceMs: clock.nowMs(), ...(reason !== undefined && { reason }) };
    } else if (changed) {
      const { sinceMs } = state;
      state = { condition, sinceMs, ...(reason !== undefined && { reason }) };
    }
    return changed;
  };
  const complain = (message: string, reason: string, count: number) => {
    unsaid += count;
    const nowMs = clock.monotonicMs();
    if (nowMs - saidMs < limits.troubleLogMs) return;
    log.warn(message, { device, reason, missing: unsaid });
    saidMs = nowMs;
    unsaid = 0;
  };

  return {
    state: () => state,
    answered() {
      const before = state.condition;
      const wasWhole = before === 'up' && state.reason === undefined;
      if (wasWhole) return;
      enter('up');
      log.info(before === 'starting' ? 'device answers' : 'device answers again', { device });
    },
    incomplete(reason, count) {
      enter('up', reason);
      complain('device answers in part', reason, count);
    },
    failed(condition, reason, count) {
      const wasUp = state.condition !== condition;
      // A new trouble is said at once, but a device that flaps is no reason to fill the log.
      enter(condition, reason);
      complain(wasUp ? 'device does not answer' : 'device still does not answer', reason, count);
    },
  };
}
